// SPDX-License-Identifier: Apache-2.0
// What mixing costs: windows on pictures of 512x512x3 uint8, beside the same in plain OpenCV calls
// that draw nothing and know no labels. One thread, decoded input; rounds alternate, figures are
// medians.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <opencv2/imgproc.hpp>

#include "api/pixloom.h"
#include "pipeline/buffer_pool.h"

namespace {

using namespace pixloom;
using Clock = std::chrono::steady_clock;

constexpr int kSide = 512;
constexpr int kRounds = 201;

cv::Mat Picture(int seed) {
  cv::Mat picture(kSide, kSide, CV_8UC3);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < 3 * kSide; ++x) {
      picture.ptr(y)[x] = static_cast<uchar>(Mix64(static_cast<std::uint64_t>(seed) * 1000003 +
                                                   static_cast<std::uint64_t>(y) * 4099 +
                                                   static_cast<std::uint64_t>(x) / 9) >>
                                             56);
    }
  }
  return picture;
}

class Window {
 public:
  explicit Window(const std::string& window)
      : pipeline_(std::make_unique<Pipeline>(
            Pipeline::Parse("version: 1\nseed: 3\nnodes:\n  in: {shapes: {count: 2, size: 64}}\n"
                            "  mix: {" +
                            window + "}\n  out: {discard: {}}\n"))) {}
  cv::Mat Run(const std::vector<const Sample*>& block, std::uint64_t id) const {
    const Graph& graph = pipeline_->graph();
    Rng rng({1, id, 2});
    auto mixed =
        graph.nodes[static_cast<std::size_t>(graph.Find("mix"))].window->Run(block, 0, rng);
    if (!mixed) std::abort();
    return mixed->sample.images[0].second.frames[0].pixels;
  }

 private:
  std::unique_ptr<Pipeline> pipeline_;
};

double Median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

void Compare(const std::string& name, const std::string& plain,
             const std::function<void(std::uint64_t)>& own,
             const std::function<void(std::uint64_t)>& other) {
  const auto millis = [](const std::function<void(std::uint64_t)>& run, std::uint64_t id) {
    const auto start = Clock::now();
    run(id);
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };
  std::vector<double> a, b;
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    const double own_time = millis(own, i);
    const double other_time = millis(other, i);
    if (i == 0) continue;
    a.push_back(own_time);
    b.push_back(other_time);
  }
  fmt::print("{:<44}{:>9.3f}{:>9.3f}{:>8.2f}x  {}\n", name, Median(a), Median(b),
             Median(b) / Median(a), plain);
}

}  // namespace

int main() {
  cv::setNumThreads(1);
  InstallBufferPool();
  std::vector<Sample> samples;
  std::vector<const Sample*> block;
  for (int i = 0; i < 8; ++i) {
    Sample& sample = samples.emplace_back();
    sample.images.emplace_back("image", ImageField::Of(Picture(i)));
  }
  for (const Sample& sample : samples) block.push_back(&sample);
  const auto pixels = [&](std::uint64_t i) -> const cv::Mat& {
    return samples[i % 8].images[0].second.frames[0].pixels;
  };
  const auto unit = [](std::uint64_t id, std::uint64_t n) {
    return static_cast<double>(Mix64(id * 8 + n + 1) >> 11) * 0x1p-53;
  };

  fmt::print("512x512x3 uint8, one thread, medians of {}\n", kRounds - 1);
  fmt::print("{:<44}{:>9}{:>9}{:>9}  {}\n", "", "ms", "OpenCV", "ratio", "OpenCV does");
  const Window mixup("mixup: {}");
  Compare(
      "mixup", "addWeighted", [&](std::uint64_t id) { mixup.Run(block, id); },
      [&](std::uint64_t id) {
        const double share = unit(id, 0);
        cv::Mat result;
        cv::addWeighted(pixels(0), share, pixels(1 + id % 7), 1 - share, 0, result);
      });
  const Window no_box("cutmix: {share: 0.99999}");
  Compare(
      "a copy, for scale: cutmix without a box", "clone",
      [&](std::uint64_t id) { no_box.Run(block, id); },
      [&](std::uint64_t) { const cv::Mat result = pixels(0).clone(); });
  const Window cutmix("cutmix: {share: 0.5}");
  Compare(
      "cutmix, half of it", "clone, copyTo a box", [&](std::uint64_t id) { cutmix.Run(block, id); },
      [&](std::uint64_t id) {
        cv::Mat result = pixels(0).clone();
        const int side = static_cast<int>(kSide * std::sqrt(0.5));
        const int x = static_cast<int>(unit(id, 0) * kSide) - side / 2;
        const int y = static_cast<int>(unit(id, 1) * kSide) - side / 2;
        const cv::Rect box = cv::Rect(x, y, side, side) & cv::Rect(0, 0, kSide, kSide);
        pixels(1 + id % 7)(box).copyTo(result(box));
      });
  for (const auto& [flag, word] : {std::pair{cv::INTER_LINEAR, "INTER_LINEAR (aliases)"},
                                   std::pair{cv::INTER_AREA, "INTER_AREA"}}) {
    const Window mosaic("mosaic: {}");
    Compare(
        "mosaic 2x2", fmt::format("resize {}, copyTo", word),
        [&](std::uint64_t id) { mosaic.Run(block, id); },
        [&, how = flag](std::uint64_t id) {
          cv::Mat result(kSide, kSide, CV_8UC3);
          const int lx = static_cast<int>(kSide * (0.3 + 0.4 * unit(id, 0)));
          const int ly = static_cast<int>(kSide * (0.3 + 0.4 * unit(id, 1)));
          const cv::Rect cells[] = {{0, 0, lx, ly},
                                    {lx, 0, kSide - lx, ly},
                                    {0, ly, lx, kSide - ly},
                                    {lx, ly, kSide - lx, kSide - ly}};
          for (std::uint64_t c = 0; c < 4; ++c) {
            const cv::Rect& cell = cells[c];
            const int side = std::max(cell.width, cell.height);
            cv::Mat resized;
            cv::resize(pixels(id + c), resized, {side, side}, 0, 0, how);
            const int x = static_cast<int>(unit(id, 2 * c) * (side - cell.width));
            const int y = static_cast<int>(unit(id, 2 * c + 1) * (side - cell.height));
            resized(cv::Rect(x, y, cell.width, cell.height)).copyTo(result(cell));
          }
        });
  }
  // A disc of a quarter of the side, as a mask and as a polygon.
  for (const bool outline : {false, true}) {
    const cv::Mat bits = [] {
      cv::Mat disc = cv::Mat::zeros(kSide, kSide, CV_8U);
      cv::circle(disc, {kSide / 2, kSide / 2}, kSide / 8, 255, cv::FILLED);
      return disc;
    }();
    for (Sample& sample : samples) {
      Instance instance;
      instance.id = 1;
      if (outline) {
        Polygon disc;
        auto& ring = disc.rings.emplace_back();
        for (int i = 0; i < 64; ++i) {
          const double angle = 2 * 3.14159265358979 * i / 64;
          ring.emplace_back(kSide / 2 + kSide / 8 * std::cos(angle),
                            kSide / 2 + kSide / 8 * std::sin(angle));
        }
        instance.polygons.push_back(std::move(disc));
      } else {
        instance.mask = bits;
      }
      sample.instances = {instance};
    }
    for (const char* how : {"hard", "feather"}) {
      const Window paste(
          fmt::format("copy_paste: {{objects: 1, position: random, blend: {}}}", how));
      Compare(
          fmt::format("copy_paste, one object of {}, {}", outline ? "polygons" : "bits", how),
          "clone, copyTo with a mask", [&](std::uint64_t id) { paste.Run(block, id); },
          [&](std::uint64_t id) {
            cv::Mat result = pixels(0).clone();
            pixels(1 + id % 7).copyTo(result, bits);
          });
    }
  }
  return 0;
}
