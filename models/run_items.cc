// SPDX-License-Identifier: Apache-2.0
#include "models/run_items.h"

#include <algorithm>
#include <bit>
#include <new>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace pixloom {

namespace {

// Without branches, so that the compiler makes vectors of it.
bool AllFinite(std::span<const float> values) {
  std::uint32_t bad = 0;
  for (const float v : values) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(v) & 0x7FFFFFFFu;
    bad |= static_cast<std::uint32_t>(bits >= 0x7F800000u);
  }
  return bad == 0;
}

class Runner {
 public:
  Runner(const ItemRun& run, std::size_t count, const PackItem& pack, const UnpackItem& unpack)
      : run_(run), count_(count), pack_(pack), unpack_(unpack), errors_(count) {}

  std::vector<std::optional<DataError>> Run() {
    std::vector<Tensor> inputs;
    for (std::size_t first = 0; first < count_;) {
      const std::int64_t batch = Batch();
      if (inputs.empty() || inputs.front().batch() != batch) inputs = NewInputs();
      // Memory may have been short, or another thread may have found out.
      const auto real = std::min(static_cast<std::size_t>(inputs.front().batch()), count_ - first);
      Pack(inputs, first, real);
      RunPacked(inputs, first, real);
      first += real;
    }
    return std::move(errors_);
  }

 private:
  std::int64_t Batch() const { return std::max(run_.batch->load(), 1); }

  std::vector<Tensor> NewInputs() {
    while (true) {
      const std::int64_t batch = Batch();
      try {
        return MakeInputs(batch);
      } catch (const std::bad_alloc&) {
        Shrink(batch, "the host");
      }
    }
  }

  std::vector<Tensor> MakeInputs(std::int64_t batch) const {
    std::vector<Tensor> inputs;
    for (Dims dims : run_.input_dims) {
      dims.insert(dims.begin(), batch);
      inputs.push_back(run_.network->NewInput(std::move(dims)));
    }
    PIXLOOM_CHECK(!inputs.empty(), "a network without inputs");
    return inputs;
  }

  void Pack(std::vector<Tensor>& inputs, std::size_t first, std::size_t real) const {
    std::vector<std::span<float>> parts(inputs.size());
    for (std::size_t i = 0; i < real; ++i) {
      for (std::size_t t = 0; t < inputs.size(); ++t) {
        parts[t] = inputs[t].item(static_cast<std::int64_t>(i));
      }
      pack_(first + i, parts);
    }
    FillUp(inputs, real);
  }

  static void FillUp(std::vector<Tensor>& inputs, std::size_t real) {
    for (Tensor& input : inputs) {
      const std::span<const float> last =
          std::as_const(input).item(static_cast<std::int64_t>(real) - 1);
      for (auto n = static_cast<std::int64_t>(real); n < input.batch(); ++n) {
        std::copy(last.begin(), last.end(), input.item(n).begin());
      }
    }
  }

  // Runs what is packed, in smaller pieces when memory runs out: nothing is packed twice.
  void RunPacked(const std::vector<Tensor>& packed, std::size_t first, std::size_t real) {
    const std::int64_t whole = packed.front().batch();
    for (std::size_t done = 0; done < real;) {
      const std::int64_t batch = std::min(Batch(), whole);
      const std::size_t some = std::min(static_cast<std::size_t>(batch), real - done);
      std::optional<Result<std::vector<Tensor>, RunFailure>> result;
      try {
        if (batch == whole) {
          result.emplace(run_.network->Run(packed));
        } else {
          result.emplace(run_.network->Run(Piece(packed, done, some, batch)));
        }
      } catch (const std::bad_alloc&) {
        Shrink(batch, "the host");
        continue;
      }
      if (!*result && result->Error().status == PIXLOOM_OUT_OF_MEMORY) {
        Shrink(batch, run_.network->Device());
        continue;
      }
      Take(*result, first + done, some, batch);
      done += some;
    }
  }

  std::vector<Tensor> Piece(const std::vector<Tensor>& packed, std::size_t from, std::size_t some,
                            std::int64_t batch) const {
    std::vector<Tensor> piece = MakeInputs(batch);
    for (std::size_t t = 0; t < piece.size(); ++t) {
      for (std::size_t i = 0; i < some; ++i) {
        const auto item = packed[t].item(static_cast<std::int64_t>(from + i));
        std::copy(item.begin(), item.end(), piece[t].item(static_cast<std::int64_t>(i)).begin());
      }
    }
    FillUp(piece, some);
    return piece;
  }

  void Take(const Result<std::vector<Tensor>, RunFailure>& result, std::size_t first,
            std::size_t real, std::int64_t batch) {
    if (!result) return Fail(result.Error(), first, real);
    if (run_.padding != nullptr) *run_.padding += static_cast<std::uint64_t>(batch) - real;
    std::vector<std::span<const float>> parts(result->size());
    std::vector<Dims> dims;
    for (const Tensor& output : *result) {
      PIXLOOM_CHECK(output.batch() == batch, "a network made another number of items");
      dims.emplace_back(output.dims().begin() + 1, output.dims().end());
    }
    for (std::size_t i = 0; i < real; ++i) {
      const char* bad = nullptr;
      for (std::size_t t = 0; t < parts.size(); ++t) {
        parts[t] = (*result)[t].item(static_cast<std::int64_t>(i));
        if (!AllFinite(parts[t])) bad = run_.network->Outputs()[t].name.c_str();
      }
      if (bad == nullptr) {
        unpack_(first + i, parts, dims);
      } else {
        errors_[first + i] = DataError{
            "MOD-NAN", fmt::format("output {} of the network has values that are not finite", bad),
            "set precision: fp32 if it is fp16; else the network cannot take this picture", ""};
      }
    }
  }

  void Fail(const RunFailure& failure, std::size_t first, std::size_t real) {
    if (failure.status != PIXLOOM_BAD_SHAPE) {
      throw EnvironmentError(
          fmt::format("the network failed on {}: {}", run_.network->Device(), failure.message));
    }
    for (std::size_t i = first; i < first + real; ++i) {
      errors_[i] = DataError{
          "MOD-SHAPE", fmt::format("the network does not take {}: {}", ItemText(), failure.message),
          "resize or crop before it; size, multiple_of and least in its "
          "manifest say what it takes",
          ""};
    }
  }

  std::string ItemText() const {
    std::string text;
    for (const Dims& dims : run_.input_dims) text += (text.empty() ? "" : " and ") + DimsText(dims);
    return text;
  }

  // Half of what did not fit, unless somebody was there first.
  void Shrink(std::int64_t batch, const std::string& where) {
    if (!run_.may_shrink) throw EnvironmentError(OutOfMemory(batch, where));
    if (batch <= 1) {
      throw ItemTooLarge(
          fmt::format("out of memory on {}: one {} does not fit", where, ItemText()));
    }
    const int half = static_cast<int>(batch / 2);
    int now = run_.batch->load();
    while (now > half && !run_.batch->compare_exchange_weak(now, half)) {
    }
  }

  std::string OutOfMemory(std::int64_t batch, const std::string& where) const {
    const Dims& dims = run_.input_dims.front();
    const std::int64_t side = dims.size() == 3 ? std::max(dims[1], dims[2]) / 2 : 0;
    const std::string tile = run_.tiles && side >= 16 ? fmt::format("tile: {}", side) : "";
    std::string remedy;
    if (batch > 1) {
      remedy = fmt::format("set batch: {}{}", batch / 2, tile.empty() ? "" : " (or " + tile + ")");
    } else {
      remedy = tile.empty() ? "set device: cpu, or take a smaller network" : "set " + tile;
    }
    return fmt::format(
        "out of memory on {}: {} {} of {} at once; {} and run the same command "
        "again, it goes on where it stopped",
        where, batch,
        dims.size() == 3 ? (batch == 1 ? "picture" : "pictures") : (batch == 1 ? "item" : "items"),
        ItemText(), remedy);
  }

  const ItemRun& run_;
  std::size_t count_;
  const PackItem& pack_;
  const UnpackItem& unpack_;
  std::vector<std::optional<DataError>> errors_;
};

}  // namespace

std::vector<std::optional<DataError>> RunItems(const ItemRun& run, std::size_t count,
                                               const PackItem& pack, const UnpackItem& unpack) {
  return Runner(run, count, pack, unpack).Run();
}

}  // namespace pixloom
