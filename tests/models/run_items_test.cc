// SPDX-License-Identifier: Apache-2.0
#include "models/run_items.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <new>
#include <string>

#include "pipeline/rng.h"
#include "tests/models/fake_network.h"

namespace pixloom {
namespace {

using testing::FakeNetwork;
using testing::MapValues;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const std::vector<Port> kIn{{"x", {2}}}, kOut{{"y", {2}}};

// Item i is {i, 2 i}; what came out of it, or nothing.
struct Work {
  explicit Work(std::size_t n) : results(n) {}
  PackItem Pack() {
    return [this](std::size_t i, std::span<const std::span<float>> inputs) {
      packed.push_back(i);
      inputs[0][0] = static_cast<float>(i);
      inputs[0][1] = static_cast<float>(2 * i);
    };
  }
  UnpackItem Unpack() {
    return [this](std::size_t i, std::span<const std::span<const float>> outputs,
                  std::span<const Dims> dims) {
      unpacked.push_back(i);
      REQUIRE(dims[0] == Dims{2});
      results[i] = {outputs[0][0], outputs[0][1]};
    };
  }
  std::vector<std::size_t> packed, unpacked;
  std::vector<std::vector<float>> results;
};

FakeNetwork Twice(std::vector<std::int64_t>* batches = nullptr) {
  return {kIn, kOut, [batches](std::span<const Tensor> in) {
            if (batches != nullptr) batches->push_back(in[0].batch());
            return MapValues(in, [](float x) { return 2 * x; });
          }};
}

FakeNetwork Fails(pixloom_status status, const std::string& text) {
  return {kIn, kOut, [=](std::span<const Tensor>) {
            return FakeNetwork::Ran(RunFailure{status, text});
          }};
}

std::string Thrown(ItemRun run, std::size_t count = 3) {
  Work work(count);
  try {
    RunItems(run, count, work.Pack(), work.Unpack());
  } catch (const EnvironmentError& error) {
    CHECK(work.unpacked.empty());
    return error.what();
  }
  return "";
}

TEST_CASE("runs are full: the last one is filled up with its last item") {
  std::vector<std::vector<float>> seen;
  FakeNetwork network(kIn, kOut, [&](std::span<const Tensor> in) {
    REQUIRE(in[0].dims() == Dims{4, 2});
    seen.emplace_back(in[0].data(), in[0].data() + in[0].size());
    return MapValues(in, [](float x) { return 2 * x; });
  });
  std::atomic<int> batch{4};
  std::atomic<std::uint64_t> padding{0};
  Work work(6);
  const auto errors =
      RunItems({&network, &batch, false, {{2}}, &padding}, 6, work.Pack(), work.Unpack());
  CHECK(errors.size() == 6);
  CHECK(std::none_of(errors.begin(), errors.end(), [](const auto& e) { return e.has_value(); }));
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] == std::vector<float>{0, 0, 1, 2, 2, 4, 3, 6});
  CHECK(seen[1] == std::vector<float>{4, 8, 5, 10, 5, 10, 5, 10});
  CHECK(padding == 2);
  for (std::size_t i = 0; i < 6; ++i) {
    const auto x = static_cast<float>(i);
    CHECK(work.results[i] == std::vector<float>{2 * x, 4 * x});
  }
}

TEST_CASE("nothing to do") {
  FakeNetwork network = Twice();
  std::atomic<int> batch{4};
  Work work(0);
  CHECK(RunItems({&network, &batch, false, {{2}}}, 0, work.Pack(), work.Unpack()).empty());
}

TEST_CASE("an item that is not finite is not unpacked, its neighbours are") {
  for (const float bad :
       {kNan, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    FakeNetwork network(kIn, kOut, [&](std::span<const Tensor> in) {
      return MapValues(in, [&](float x) { return x == 6 ? bad : x; });
    });
    std::atomic<int> batch{2};
    Work work(5);
    const auto errors = RunItems({&network, &batch, false, {{2}}}, 5, work.Pack(), work.Unpack());
    REQUIRE(errors[3].has_value());
    CHECK(errors[3]->code == "MOD-NAN");
    CHECK(errors[3]->message.find("output y") != std::string::npos);
    CHECK(!errors[3]->remedy.empty());
    CHECK(work.unpacked == std::vector<std::size_t>{0, 1, 2, 4});
    CHECK(!errors[2].has_value());
  }
  // The largest finite numbers are finite.
  FakeNetwork network(kIn, kOut, [&](std::span<const Tensor> in) {
    return MapValues(in, [&](float) { return -std::numeric_limits<float>::max(); });
  });
  std::atomic<int> batch{2};
  Work work(1);
  CHECK(!RunItems({&network, &batch, false, {{2}}}, 1, work.Pack(), work.Unpack())[0]);
}

TEST_CASE("sizes that the network does not take are errors of the items") {
  FakeNetwork network = Fails(PIXLOOM_BAD_SHAPE, "sides must be even");
  std::atomic<int> batch{2};
  Work work(3);
  const auto errors = RunItems({&network, &batch, false, {{2}}}, 3, work.Pack(), work.Unpack());
  for (const auto& error : errors) {
    REQUIRE(error.has_value());
    CHECK(error->code == "MOD-SHAPE");
    CHECK(error->message == "the network does not take 2: sides must be even");
  }
  CHECK(work.unpacked.empty());
}

TEST_CASE("faults of the device stop the run") {
  for (const auto status : {PIXLOOM_FAILED, PIXLOOM_UNSUPPORTED_OP, PIXLOOM_BAD_MODEL,
                            PIXLOOM_NO_DEVICE, PIXLOOM_DEVICE_LOST}) {
    FakeNetwork network = Fails(status, "driver reset");
    network.device = "cuda:0";
    std::atomic<int> batch{2};
    for (const bool may_shrink : {false, true}) {
      CHECK(Thrown({&network, &batch, may_shrink, {{2}}}) ==
            "the network failed on cuda:0: driver reset");
    }
  }
}

TEST_CASE("out of memory names what to set") {
  FakeNetwork network = Fails(PIXLOOM_OUT_OF_MEMORY, "cudaMalloc");
  network.device = "cuda:0";
  std::atomic<int> batch{32};
  CHECK(Thrown({&network, &batch, false, {{3, 512, 384}}}) ==
        "out of memory on cuda:0: 32 pictures of 3x512x384 at once; set batch: 16 (or tile: 256) "
        "and run the same command again, it goes on where it stopped");
  CHECK(batch == 32);
  batch = 1;
  CHECK(Thrown({&network, &batch, false, {{3, 512, 384}}})
            .find("1 picture of 3x512x384 at once; set tile: 256 and run") != std::string::npos);
  batch = 8;
  CHECK(
      Thrown({&network, &batch, false, {{100}}}).find("8 items of 100 at once; set batch: 4 and") !=
      std::string::npos);
  // When even the inputs do not fit.
  FakeNetwork host(kIn, kOut,
                   [](std::span<const Tensor>) -> FakeNetwork::Ran { throw std::bad_alloc(); });
  CHECK(Thrown({&host, &batch, false, {{2}}}).starts_with("out of memory on the host: 8 items"));
}

TEST_CASE("where it may, the batch is halved and stays so; nothing is packed twice") {
  std::vector<std::int64_t> ran;
  FakeNetwork network(kIn, kOut, [&](std::span<const Tensor> in) -> FakeNetwork::Ran {
    if (in[0].batch() > 2) return RunFailure{PIXLOOM_OUT_OF_MEMORY, ""};
    ran.push_back(in[0].batch());
    return MapValues(in, [](float x) { return 2 * x; });
  });
  std::atomic<int> batch{8};
  std::atomic<std::uint64_t> padding{0};
  Work work(11);
  RunItems({&network, &batch, true, {{2}}, &padding}, 11, work.Pack(), work.Unpack());
  CHECK(batch == 2);
  CHECK(ran == std::vector<std::int64_t>{2, 2, 2, 2, 2, 2});
  CHECK(padding == 1);
  CHECK(work.packed == work.unpacked);
  for (std::size_t i = 0; i < 11; ++i) {
    CHECK(work.results[i] ==
          std::vector<float>{2.0f * static_cast<float>(i), 4.0f * static_cast<float>(i)});
  }
}

TEST_CASE("one item that does not fit is left to whoever can cut it") {
  FakeNetwork network = Fails(PIXLOOM_OUT_OF_MEMORY, "");
  std::atomic<int> batch{4};
  Work work(3);
  CHECK_THROWS_AS(RunItems({&network, &batch, true, {{2}}}, 3, work.Pack(), work.Unpack()),
                  ItemTooLarge);
  CHECK(batch == 1);
}

TEST_CASE("a network that makes another number of items is a bug") {
  FakeNetwork network(kIn, kOut, [](std::span<const Tensor>) {
    std::vector<Tensor> out;
    out.emplace_back(Dims{1, 2});
    return FakeNetwork::Ran(std::move(out));
  });
  std::atomic<int> batch{2};
  Work work(2);
  CHECK_THROWS_AS(RunItems({&network, &batch, false, {{2}}}, 2, work.Pack(), work.Unpack()),
                  InternalError);
}

TEST_CASE("what packing throws comes through") {
  FakeNetwork network = Twice();
  std::atomic<int> batch{2};
  const PackItem pack = [](std::size_t, std::span<const std::span<float>>) {
    throw std::runtime_error("no");
  };
  CHECK_THROWS_WITH(RunItems({&network, &batch, false, {{2}}}, 2, pack, {}), "no");
}

TEST_CASE("whatever happens, every item is packed and unpacked once and in order") {
  for (std::uint64_t n = 0; n < 1000; ++n) {
    CAPTURE(n);
    Rng rng(StreamKey{n, 1, 2});
    const std::size_t count = rng.Below("", 40);
    std::atomic<int> batch{1 + static_cast<int>(rng.Below("", 20))};
    const int start = batch;
    const bool may_shrink = rng.Below("", 2) == 1;
    const std::uint32_t inputs = 1 + rng.Below("", 3);
    const std::uint32_t bad_every = 2 + rng.Below("", 10);
    const bool others = rng.Below("", 4) == 0;  // another thread shrinks the batch meanwhile
    std::vector<Port> in, out{{"sum", {1}}, {"first", {2, 1}}};
    std::vector<Dims> dims;
    for (std::uint32_t t = 0; t < inputs; ++t) {
      dims.push_back({1 + rng.Below("", 5)});
      in.push_back({std::to_string(t), dims.back()});
    }
    std::uint64_t items_run = 0;
    FakeNetwork network(in, out, [&](std::span<const Tensor> x) -> FakeNetwork::Ran {
      if (may_shrink && x[0].batch() > 1 && rng.Below("", 5) == 0) {
        return RunFailure{PIXLOOM_OUT_OF_MEMORY, ""};
      }
      if (others && batch > 1 && rng.Below("", 3) == 0) batch = batch / 2;
      items_run += static_cast<std::uint64_t>(x[0].batch());
      std::vector<Tensor> y;
      y.emplace_back(Dims{x[0].batch(), 1});
      y.emplace_back(Dims{x[0].batch(), 2, 1});
      for (std::int64_t i = 0; i < x[0].batch(); ++i) {
        float sum = 0;
        for (const Tensor& each : x) {
          for (const float v : each.item(i)) sum += v;
        }
        const float first = x[0].item(i)[0];
        y[0].item(i)[0] = static_cast<std::uint32_t>(first) % bad_every == 1 ? kNan : sum;
        y[1].item(i)[0] = y[1].item(i)[1] = first;
      }
      return y;
    });
    std::size_t next_packed = 0, next_unpacked = 0;
    std::atomic<std::uint64_t> padding{0};
    const PackItem pack = [&](std::size_t i, std::span<const std::span<float>> to) {
      CHECK(i == next_packed++);
      REQUIRE(to.size() == inputs);
      for (std::uint32_t t = 0; t < inputs; ++t) {
        REQUIRE(to[t].size() == static_cast<std::size_t>(dims[t][0]));
        std::fill(to[t].begin(), to[t].end(), static_cast<float>(i));
      }
    };
    const UnpackItem unpack = [&](std::size_t i, std::span<const std::span<const float>> from,
                                  std::span<const Dims> sizes) {
      while (next_unpacked % bad_every == 1) ++next_unpacked;
      CHECK(i == next_unpacked++);
      REQUIRE(sizes.size() == 2);
      CHECK(sizes[1] == Dims{2, 1});
      std::int64_t values = 0;
      for (const Dims& d : dims) values += d[0];
      CHECK(from[0][0] == static_cast<float>(i) * static_cast<float>(values));
      CHECK(from[1][1] == static_cast<float>(i));
    };
    const auto errors =
        RunItems({&network, &batch, may_shrink, dims, &padding}, count, pack, unpack);
    CHECK(errors.size() == count);
    CHECK(next_packed == count);
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(errors[i].has_value() == (i % bad_every == 1));
    }
    while (next_unpacked < count && next_unpacked % bad_every == 1) ++next_unpacked;
    CHECK(next_unpacked == count);
    CHECK(items_run == count + padding);
    CHECK(batch <= start);
    CHECK(batch >= 1);
  }
}

}  // namespace
}  // namespace pixloom
