// SPDX-License-Identifier: Apache-2.0
// Where a kernel calls OpenCV, the code OpenCV picks for this CPU must not show in the pixels.
// OpenCV reads its dispatch mask once, so this program runs itself again with the mask set.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "ops/families.h"
#include "ops/kernels/median_kernel.h"
#include "ops/kernels/morphology_kernel.h"
#include "tests/support/image_reference.h"

namespace pixloom {
namespace {

using namespace testing;

// Set in the child: where to leave the hash.
constexpr const char* kHashFile = "PIXLOOM_DISPATCH_HASH";

std::uint64_t HashOfEverything() {
  const auto families = MakeFamilies();
  std::uint64_t hash = 0;
  const auto mix = [&](const cv::Mat& image) { hash = HashCombine(hash, HashPixels(image)); };
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const Size out : {Size{50, 49}, Size{3, 11}, Size{202, 198}, Size{224, 224}}) {
      AffineGroup group;
      group.in = {width, height};
      group.out = out;
      group.map = Matrix::Scale(static_cast<double>(out.width) / width,
                                static_cast<double>(out.height) / height);
      const AffineGroup resize = group;
      for (const Resampling resampling :
           {Resampling::kNearest, Resampling::kLinear, Resampling::kCubic, Resampling::kArea,
            Resampling::kAntialias, Resampling::kAntialiasCubic, Resampling::kLanczos}) {
        group.resampling = resampling;
        group.map = resize.map;
        mix(families->Affine(ImageView::Whole(image), group));
        group.map = Matrix::Rotate(0.1) * group.map;
        mix(families->Affine(ImageView::Whole(image), group));
      }
    }
    for (const int side : {3, 5, 9}) {
      mix(MedianOf(image, side));
      const cv::Mat ellipse = StructuringElement(ElementShape::kEllipse, side);
      mix(Morph(image, MorphKind::kErode, ellipse));
      mix(Morph(image, MorphKind::kDilate, StructuringElement(ElementShape::kRect, side)));
    }
    if (channels > 4) return;
    cv::Mat coloured = image.clone();
    std::vector<ColourStep> steps{Lut{[](int c, double x) { return x * (0.5 + 0.1 * c); }, true},
                                  Lut{[](int, double x) { return 1 - x; }, false}};
    if (channels > 1) steps.push_back(ColorMatrix{{1, 0.1, 0, 0, 0, 1, 0, 0.2, 0.3, 0, 1, 0}});
    families->Colour(coloured, steps, {}, true);
    mix(coloured);
  });
  return hash;
}

std::string OwnPath() {
  std::array<char, PATH_MAX> path{};
  const auto length = readlink("/proc/self/exe", path.data(), path.size() - 1);
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string();
}

TEST_CASE("pixels do not depend on what OpenCV dispatches to") {
  const std::string hash = std::to_string(HashOfEverything());
  if (const char* file = std::getenv(kHashFile)) {
    std::ofstream(file) << hash;
    return;
  }
  const std::string own = OwnPath();
  REQUIRE_FALSE(own.empty());
  const std::string file = "/tmp/pixloom_dispatch_" + std::to_string(getpid());
  for (const char* mask :
       {"AVX512-SKX", "AVX512-SKX,AVX2,FMA3,FP16", "AVX512-SKX,AVX2,FMA3,FP16,AVX,SSE4.2,SSE4.1"}) {
    CAPTURE(mask);
    const std::string command = "OPENCV_CPU_DISABLE='" + std::string(mask) + "' " + kHashFile +
                                "='" + file + "' '" + own +
                                "' --test-case='pixels do not depend*' >/dev/null 2>&1";
    CHECK(std::system(command.c_str()) == 0);
    std::string of_child;
    std::ifstream(file) >> of_child;
    CHECK(of_child == hash);
    std::remove(file.c_str());
  }
}

}  // namespace
}  // namespace pixloom
