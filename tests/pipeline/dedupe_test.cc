// SPDX-License-Identifier: Apache-2.0
// Hashes of pictures that look the same, and finding them among many.
#include <bit>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/pixloom.h"
#include "ops/plan/hamming_index.h"
#include "pipeline/perceptual_hash.h"
#include "tests/support/entries.h"

namespace pixloom::testing {
namespace {

namespace fs = std::filesystem;

// In double precision, from the definition: mean brightness of 9 by 8 cells that share pixels at
// their edges. Cells that are equal but for rounding are no evidence either way.
struct Plain {
  std::uint64_t bits = 0, close = 0;
};

Plain PlainHash(const cv::Mat& pixels, double lo, double hi) {
  const auto value = [&](int y, int x, int c) {
    const int at = x * pixels.channels() + c;
    const double v = pixels.depth() == CV_8U    ? pixels.ptr<std::uint8_t>(y)[at] / 255.0
                     : pixels.depth() == CV_16U ? pixels.ptr<std::uint16_t>(y)[at] / 65535.0
                                                : (pixels.ptr<float>(y)[at] - lo) / (hi - lo);
    return std::min(1.0, std::max(0.0, v));
  };
  const auto overlap = [](double a, double b, int x) {
    return std::max(0.0, std::min(b, x + 1.0) - std::max(a, static_cast<double>(x)));
  };
  double mean[8][9] = {};
  for (int r = 0; r < 8; ++r) {
    for (int c = 0; c < 9; ++c) {
      double sum = 0, weight = 0;
      for (int y = 0; y < pixels.rows; ++y) {
        const double wy = overlap(r * pixels.rows / 8.0, (r + 1) * pixels.rows / 8.0, y);
        for (int x = 0; x < pixels.cols && wy > 0; ++x) {
          const double w = wy * overlap(c * pixels.cols / 9.0, (c + 1) * pixels.cols / 9.0, x);
          if (w <= 0) continue;
          const double gray = pixels.channels() < 3
                                  ? value(y, x, 0)
                                  : 77 / 256.0 * value(y, x, 0) + 150 / 256.0 * value(y, x, 1) +
                                        29 / 256.0 * value(y, x, 2);
          sum += w * gray;
          weight += w;
        }
      }
      mean[r][c] = sum / weight;
    }
  }
  Plain plain;
  for (int r = 0; r < 8; ++r) {
    for (int c = 0; c < 8; ++c) {
      const double difference = mean[r][c + 1] - mean[r][c];
      plain.bits = (plain.bits << 1) | (difference > 0 ? 1 : 0);
      plain.close = (plain.close << 1) | (std::abs(difference) < 1e-5 ? 1 : 0);
    }
  }
  return plain;
}

TEST_CASE("hashes agree with plain double precision for every size and type") {
  int compared = 0;
  int skipped = 0;
  for (int i = 0; i < 300; ++i) {
    Rng rng({static_cast<std::uint64_t>(i), 1, 1});
    const int w = 1 + static_cast<int>(rng.Below("", 70));
    const int h = 1 + static_cast<int>(rng.Below("", 70));
    const int channels = 1 + static_cast<int>(rng.Below("", 4));
    const int depth = i % 3 == 0 ? CV_8U : i % 3 == 1 ? CV_16U : CV_32F;
    cv::Mat pixels(h, w, CV_MAKETYPE(depth, channels));
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w * channels; ++x) {
        const double v = rng.Unit();
        if (depth == CV_8U) pixels.ptr<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(v * 256);
        if (depth == CV_16U)
          pixels.ptr<std::uint16_t>(y)[x] = static_cast<std::uint16_t>(v * 65536);
        if (depth == CV_32F) pixels.ptr<float>(y)[x] = static_cast<float>(4 * v - 1);
      }
    }
    const Plain plain = PlainHash(pixels, -1, 3);
    const std::uint64_t hash = DifferenceHash(pixels, {-1, 3});
    CAPTURE(i);
    CHECK(((hash ^ plain.bits) & ~plain.close) == 0);
    compared += 64 - std::popcount(plain.close);
    skipped += std::popcount(plain.close);
  }
  MESSAGE("bits compared: ", compared, ", too close to tell: ", skipped);
  CHECK(compared > 15'000);
  // Equal cells are not brighter.
  CHECK(DifferenceHash(cv::Mat(20, 30, CV_8UC3, cv::Scalar(9, 9, 9)), {}) == 0);
}

TEST_CASE("the index finds what a search through all finds") {
  for (const int distance : {0, 1, 3, 4, 7, 8, 11, 16}) {
    CAPTURE(distance);
    HammingIndex index(distance);
    std::vector<std::uint64_t> hashes;
    int found = 0;
    for (std::uint64_t i = 0; i < 1500; ++i) {
      // Clusters of some bits around few centres.
      std::uint64_t hash = Mix64(i % 40 + 1);
      const std::uint64_t noise = Mix64(i + 1000);
      for (std::uint64_t k = 0; k < noise % 12; ++k) hash ^= 1ULL << (Mix64(noise + k) & 63);
      std::optional<HammingIndex::Near> expected;
      for (std::size_t j = 0; j < hashes.size(); ++j) {
        const int d = std::popcount(hashes[j] ^ hash);
        if (d <= distance && (!expected || d < expected->distance)) expected = {j, d};
      }
      const auto near = index.Nearest(hash);
      REQUIRE(near.has_value() == expected.has_value());
      if (near) {
        ++found;
        CHECK(near->item == expected->item);
        CHECK(near->distance == expected->distance);
      }
      index.Add(hash, hashes.size());
      hashes.push_back(hash);
    }
    CHECK(found > 20);
    CHECK(found < 1500);
  }
}

std::vector<std::uint8_t> ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Half the size or so, by means of blocks.
cv::Mat Shrunk(const cv::Mat& pixels, double scale) {
  const int w = std::max(1, static_cast<int>(pixels.cols * scale));
  const int h = std::max(1, static_cast<int>(pixels.rows * scale));
  cv::Mat small(h, w, pixels.type());
  const int channels = pixels.channels();
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const int y0 = y * pixels.rows / h, y1 = std::max(y0 + 1, (y + 1) * pixels.rows / h);
      const int x0 = x * pixels.cols / w, x1 = std::max(x0 + 1, (x + 1) * pixels.cols / w);
      for (int c = 0; c < channels; ++c) {
        int sum = 0;
        for (int v = y0; v < y1; ++v) {
          for (int u = x0; u < x1; ++u) sum += pixels.ptr(v)[u * channels + c];
        }
        small.ptr(y)[x * channels + c] = static_cast<std::uint8_t>(sum / ((y1 - y0) * (x1 - x0)));
      }
    }
  }
  return small;
}

TEST_CASE("photos compressed again or made smaller are near, other photos are not") {
  const fs::path skimage = "/usr/lib/python3/dist-packages/skimage/data";
  const fs::path opencv = "/usr/share/doc/opencv-doc/examples/data";
  const std::vector<fs::path> files{skimage / "astronaut.png", skimage / "chelsea.png",
                                    skimage / "coffee.png",    skimage / "camera.png",
                                    skimage / "rocket.jpg",    skimage / "coins.png",
                                    skimage / "page.png",      skimage / "hubble_deep_field.jpg",
                                    opencv / "fruits.jpg",     opencv / "baboon.jpg",
                                    opencv / "home.jpg",       opencv / "aloeL.jpg",
                                    opencv / "left01.jpg",     opencv / "left02.jpg",
                                    opencv / "board.jpg",      opencv / "messi5.jpg"};
  const Codec& codec = BuiltInCodec();
  const auto frame_of = [&](std::vector<std::uint8_t> bytes) {
    auto encoded = std::make_shared<EncodedImage>();
    const auto header = codec.ReadHeader(bytes);
    REQUIRE(header);
    encoded->header = std::make_shared<const ImageHeader>(*header);
    encoded->bytes = std::move(bytes);
    Frame frame;
    frame.encoded = std::move(encoded);
    return frame;
  };
  std::vector<std::uint64_t> hashes;
  std::map<int, int> near_histogram;
  int worst = 0;
  for (const fs::path& file : files) {
    if (!fs::exists(file)) continue;
    CAPTURE(file.string());
    const Frame frame = frame_of(ReadFile(file));
    const std::uint64_t hash = *PerceptualHash(frame, {}, codec);
    hashes.push_back(hash);
    const auto whole = codec.Decode(frame.encoded->bytes, *frame.encoded->header, {});
    REQUIRE(whole);
    const auto compare = [&](std::uint64_t other) {
      const int distance = std::popcount(hash ^ other);
      ++near_histogram[distance];
      worst = std::max(worst, distance);
    };
    compare(DifferenceHash(whole->pixels, {}));  // a reduced decode is near the whole one
    for (const int quality : {95, 75, 50, 30}) {
      EncodeRequest request;
      request.format = ImageFormat::kJpeg;
      request.quality = quality;
      compare(*PerceptualHash(frame_of(*codec.Encode(whole->pixels, request)), {}, codec));
    }
    for (const double scale : {0.9, 0.5, 0.25}) {
      compare(DifferenceHash(Shrunk(whole->pixels, scale), {}));
    }
  }
  if (hashes.size() < 4) {
    MESSAGE("[skipped] photos: the example pictures of scikit-image and OpenCV are not installed");
    return;
  }
  int nearest = 64;
  for (std::size_t a = 0; a < hashes.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      nearest = std::min(nearest, std::popcount(hashes[a] ^ hashes[b]));
    }
  }
  std::string histogram;
  for (const auto& [distance, n] : near_histogram) {
    histogram += fmt::format(" {}:{}", distance, n);
  }
  MESSAGE(hashes.size(), " photos; the same again, distance:count", histogram,
          "; nearest others: ", nearest);
  CHECK(worst <= 4);  // the default distance
  CHECK(nearest >= 10);
}

TEST_CASE("dedupe keeps the first of those that look the same and says so") {
  const TempFolder folder;
  const TempFolder cache_folder;
  const Environment cache("PIXLOOM_CACHE", cache_folder.Path());
  const Codec& codec = BuiltInCodec();
  constexpr int kPictures = 12;
  for (int i = 0; i < kPictures; ++i) {
    // Smooth pictures, as photos are.
    cv::Mat pixels(90, 120, CV_8UC3);
    for (int y = 0; y < pixels.rows; ++y) {
      for (int x = 0; x < pixels.cols * 3; ++x) {
        const double wave = std::sin((x / 3 * (i + 1) + y * (i % 5)) * 0.02 + i) +
                            std::cos((y * (13 - i) - x / 3 * (i % 3)) * 0.02);
        pixels.ptr(y)[x] = static_cast<std::uint8_t>(127 + 60 * wave);
      }
    }
    const auto write = [&](const std::string& name, const EncodeRequest& request) {
      const auto bytes = codec.Encode(pixels, request);
      std::ofstream(folder.Path(name), std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes->data()),
                 static_cast<std::streamsize>(bytes->size()));
    };
    EncodeRequest jpeg;
    jpeg.format = ImageFormat::kJpeg;
    jpeg.quality = 60;
    write(fmt::format("{:02}a.png", i), {});
    write(fmt::format("{:02}b.jpg", i), jpeg);
  }
  folder.Write("99bad.png", "no picture at all");
  for (const int threads : {1, 4}) {
    const TempFolder results;
    LoadOptions load;
    load.registry = &EntryRegistry();
    Pipeline pipeline = Pipeline::Parse(
        fmt::format("version: 1\nseed: 5\non_error: {{max_bad: 5}}\nnodes:\n  in: {{image_folder: "
                    "{}}}\n  uniq: {{dedupe: {{}}}}\n  out: {{collect: out}}\n",
                    folder.Path()),
        "t.yaml", load);
    RunOptions options;
    options.threads = threads;
    options.quarantine_file = results.Path("quarantine.jsonl");
    const RunReport report = pipeline.Run(options);
    CHECK(report.written == kPictures);
    CHECK(report.quarantined == 1);  // it stays in the plan, and the run says what it is
    CHECK(report.sources[0].filtered == kPictures);
    std::ifstream list(results.Path("left_out.jsonl"));
    std::vector<std::string> left_out;
    for (std::string line; std::getline(list, line);) {
      const auto json = nlohmann::json::parse(line);
      left_out.push_back(json["key"]);
      CHECK(json["node"] == "uniq");
      CHECK(json["source"] == "in");
      CHECK(json["kept_source"] == "in");
      CHECK(json["key"].get<std::string>().substr(0, 2) ==
            json["kept"].get<std::string>().substr(0, 2));
      CHECK(json["kept"].get<std::string>().substr(2) == "a.png");
      CHECK(json["why"].get<std::string>().starts_with("distance "));
    }
    CHECK(left_out.size() == kPictures);
    int told = 0;
    for (const std::string& notice : report.notices) {
      told += notice.starts_with("uniq: in/") ? 1 : 0;
    }
    CHECK(told == 10);
    CHECK(report.notices.back() ==
          fmt::format("12 entries are left out for others in all; {} lists them",
                      results.Path("left_out.jsonl")));
  }
}

// Run it with --no-skip to see what that costs.
TEST_CASE("a hundred thousand hashes" * doctest::skip()) {
  for (const int distance : {4, 8, 12}) {
    const auto start = std::chrono::steady_clock::now();
    HammingIndex index(distance);
    int found = 0;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      std::uint64_t hash = Mix64(i / 2 + 1);
      // Half of them share a band with many, as pictures on a plain background do.
      if (i % 4 < 2) hash &= 0xFFFFFFFFFFFF0000ULL;
      if (i % 2 == 1) hash ^= 1ULL << (i % 64);
      if (index.Nearest(hash)) {
        ++found;
        continue;
      }
      index.Add(hash, i);
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    MESSAGE("distance ", distance, ": ", found, " found in ", spent.count(), " s");
    CHECK(found >= 50'000);
  }
}

}  // namespace
}  // namespace pixloom::testing
