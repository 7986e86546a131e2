// SPDX-License-Identifier: Apache-2.0
// How own kernels compare with the OpenCV calls that do (nearly) the same, on 512x512x3 uint8 and
// one thread. Both run alternately, so that a busy machine slows both; the figure is the ratio of
// medians. Arguments: instruction sets to leave out ("AVX3"; OpenCV's: OPENCV_CPU_DISABLE in the
// environment) and a part of the names of the rows to run.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "ops/colour/colour_steps.h"
#include "ops/families.h"
#include "ops/kernels/blur_kernel.h"
#include "ops/kernels/colour_kernel.h"
#include "ops/kernels/noise_field.h"
#include "ops/kernels/noise_kernel.h"
#include "ops/kernels/normalize.h"
#include "ops/kernels/simd.h"
#include "pipeline/buffer_pool.h"

namespace pixloom {
namespace {

constexpr int kPairs = 31;

std::string_view g_only;  // NOLINT: set once by main

// Of this thread: what other programs take does not count.
double Microseconds(const std::function<void()>& run) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
  };
  const double begin = now();
  run();
  return now() - begin;
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void Compare(const std::string& name, const std::function<void()>& own,
             const std::function<void()>& opencv) {
  if (name.find(g_only) == std::string::npos) return;
  std::vector<double> own_times;
  std::vector<double> opencv_times;
  own();
  opencv();
  for (int i = 0; i < kPairs; ++i) {
    own_times.push_back(Microseconds(own));
    opencv_times.push_back(Microseconds(opencv));
  }
  const double a = Median(own_times);
  const double b = Median(opencv_times);
  fmt::print("{:38} {:9.1f} {:9.1f}   {:5.2f}x  {:8.1f} {:8.1f}\n", name, a, b, b / a,
             *std::min_element(own_times.begin(), own_times.end()),
             *std::min_element(opencv_times.begin(), opencv_times.end()));
}

AffineGroup GroupOf(const Matrix& map, Size in, Size out) {
  AffineGroup group;
  group.map = map;
  group.in = in;
  group.out = out;
  return group;
}

// Every pixel's own position.
cv::Mat GridOf(int side) {
  cv::Mat grid(side, side, CV_32FC2);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      grid.at<cv::Vec2f>(y, x) = {static_cast<float>(x), static_cast<float>(y)};
    }
  }
  return grid;
}

// Colour, noise and filters: what makes one value of one value or of its neighbours.
void CompareColour(const cv::Mat& image, const Families& families) {
  cv::Mat worked = image.clone();
  cv::Mat own;
  cv::Mat theirs;
  const auto colour = [&](const std::vector<ColourStep>& steps) {
    return [&, steps] { families.Colour(worked, steps, {}, true); };
  };
  cv::Mat table(1, 256, CV_8U);
  for (int i = 0; i < 256; ++i) table.data[i] = static_cast<std::uint8_t>(255 - i * i / 255);
  Compare("lut / cv::LUT", colour({Lut{[](int, double x) { return 1 - x * x; }, false}}),
          [&] { cv::LUT(image, table, theirs); });
  const cv::Mat weights =
      (cv::Mat_<float>(3, 4) << .9F, .1F, 0, 5, .1F, .8F, .1F, 0, 0, .2F, .8F, -3);
  Compare("colour matrix / cv::transform",
          colour({ColorMatrix{{.9, .1, 0, .02, .1, .8, .1, 0, 0, .2, .8, -.01}}}),
          [&] { cv::transform(image, theirs, weights); });
  cv::Mat gray;
  Compare("contrast about the mean / gray, convertTo",
          colour({MakeGainStep(1.1, [](double mean) { return -0.1 * mean; })}), [&] {
            cv::cvtColor(image, gray, cv::COLOR_RGB2GRAY);
            image.convertTo(theirs, CV_8U, 1.1, -0.1 * cv::mean(gray)[0]);
          });

  cv::Mat shifts(1, 256, CV_8UC3);
  for (int i = 0; i < 256; ++i) {
    shifts.ptr<cv::Vec3b>()[i] = {static_cast<std::uint8_t>((i + 20) % 180),
                                  cv::saturate_cast<std::uint8_t>(i + 25),
                                  cv::saturate_cast<std::uint8_t>(i - 15)};
  }
  cv::Mat hsv;
  const auto opencv_hsv = [&] {
    cv::cvtColor(image, hsv, cv::COLOR_RGB2HSV);
    cv::LUT(hsv, shifts, hsv);
    cv::cvtColor(hsv, theirs, cv::COLOR_HSV2RGB);
  };
  Compare("hue turn / RGB2HSV, LUT, HSV2RGB", colour({TurnHueStep(1.0 / 9)}), opencv_hsv);
  Compare("HSV shift / RGB2HSV, LUT, HSV2RGB",
          colour({ShiftHsvStep(1.0 / 9, 25.0 / 255, -15.0 / 255)}), opencv_hsv);

  const std::vector<float> scale{.0171F, .0175F, .0174F};
  const std::vector<float> offset{-2.118F, -2.036F, -1.804F};
  std::vector<float> planes(image.total() * 3);
  cv::Mat converted;
  cv::Mat split[3];
  for (int c = 0; c < 3; ++c) {
    split[c] =
        cv::Mat(image.size(), CV_32F, planes.data() + image.total() * static_cast<std::size_t>(c));
  }
  const auto opencv_normalize = [&] {
    image.convertTo(converted, CV_32F);
    cv::subtract(converted, cv::Scalar(123.7, 116.3, 103.5), converted);
    cv::divide(converted, cv::Scalar(58.4, 57.1, 57.4), converted);
  };
  for (const bool mirror : {false, true}) {
    Compare(
        mirror ? "normalise, planar, mirrored / same, flip"
               : "normalise, planar / cvt,sub,div,split",
        [&] { NormalizeToPlanar(image, scale, offset, mirror, planes.data()); },
        [&] {
          if (mirror) {
            cv::flip(image, theirs, 1);
            theirs.convertTo(converted, CV_32F);
            cv::subtract(converted, cv::Scalar(123.7, 116.3, 103.5), converted);
            cv::divide(converted, cv::Scalar(58.4, 57.1, 57.4), converted);
          } else {
            opencv_normalize();
          }
          cv::split(converted, split);
        });
  }
  Compare(
      "normalise, interleaved / cvt, sub, div",
      [&] { NormalizeInterleaved(image, scale, offset, own); }, opencv_normalize);

  cv::Mat noise(512, 512, CV_16SC3);
  Compare(
      "gaussian noise / randn + add",
      [&] {
        AddGaussianNoise(worked, 15, 0, true, {1, 2, 3});
      },
      [&] {
        cv::randn(noise, 0, 15);
        cv::add(image, noise, theirs, cv::noArray(), CV_8U);
      });
  for (const double sigma : {0.6, 2.0}) {
    const int k = 2 * static_cast<int>(3.5 * sigma) + 1;
    Compare(
        fmt::format("gaussian blur {0}x{0} / GaussianBlur", k),
        [&] { own = GaussianBlur(image, sigma, sigma); },
        [&] {
          cv::GaussianBlur(image, theirs, {k, k}, sigma, sigma);
        });
  }
}

// Groups of colour steps in strips and one after the other, on a picture larger than any cache.
void CompareGroups(const Families& families) {
  cv::Mat large(2000, 3000, CV_8UC3);
  cv::randu(large, 0, 256);
  const Lut bright{[](int, double x) { return 1.1 * x; }, false};
  const Lut gamma{[](int, double x) { return x * x; }, false};
  const Lut invert{[](int, double x) { return 1 - x; }, false};
  const ColorMatrix mixing{{.9, .1, 0, .02, .1, .8, .1, 0, 0, .2, .8, -.01}};
  fmt::print("\n{:38} {:>9} {:>9}\n", "3000x2000x3 uint8, us", "group", "one by one");
  const auto compare = [&](const std::string& name, const std::vector<ColourStep>& steps) {
    Compare(
        name, [&] { families.Colour(large, steps, {}, true); },
        [&] { families.Colour(large, steps, {}, false); });
  };
  compare("five curves", {bright, gamma, invert, bright, gamma});
  compare("curve, matrix, hue, curve, matrix", {bright, mixing, TurnHueStep(0.1), invert, mixing});
}

void Run() {
  cv::setNumThreads(1);
  // As in a run; and OpenCV's calls write to the same buffer again and again.
  InstallBufferPool();
  cv::Mat image(512, 512, CV_8UC3);
  cv::randu(image, 0, 256);
  const auto families = MakeFamilies();
  const ImageView view = ImageView::Whole(image);
  const Size size{512, 512};
  cv::Mat own;
  cv::Mat theirs;

  fmt::print("{:38} {:>9} {:>9}   {:>6}  {:>8} {:>8}\n", "512x512x3 uint8, us", "own", "OpenCV",
             "gain", "best own", "best cv");
  // The result before goes back to the pool first, as it has in a chain.
  const auto affine_of = [&](const AffineGroup& group) {
    return [&own, &families, &view, group] {
      own.release();
      own = families->Affine(view, group);
    };
  };
  Compare("hflip / cv::flip", affine_of(GroupOf(Matrix::MirrorX(512), size, size)),
          [&] { cv::flip(image, theirs, 1); });
  Compare("vflip / cv::flip", affine_of(GroupOf(Matrix::MirrorY(512), size, size)),
          [&] { cv::flip(image, theirs, 0); });
  Compare("rot90 / cv::rotate",
          affine_of(GroupOf(Matrix{{0, -1, 512, 1, 0, 0, 0, 0, 1}}, size, size)),
          [&] { cv::rotate(image, theirs, cv::ROTATE_90_CLOCKWISE); });
  Compare("transpose / cv::transpose",
          affine_of(GroupOf(Matrix{{0, 1, 0, 1, 0, 0, 0, 0, 1}}, size, size)),
          [&] { cv::transpose(image, theirs); });
  AffineGroup pad = GroupOf(Matrix::Translate(32, 32), size, {576, 576});
  pad.border.fill = {114, 114, 114, 0};
  Compare("pad / cv::copyMakeBorder", affine_of(pad), [&] {
    cv::copyMakeBorder(image, theirs, 32, 32, 32, 32, cv::BORDER_CONSTANT, cv::Scalar::all(114));
  });

  const Matrix turn = Matrix::Translate(256, 256) * Matrix::Rotate(0.3) * Matrix::Scale(1.1, 1.1) *
                      Matrix::Translate(-256, -256);
  const cv::Mat affine =
      (cv::Mat_<double>(2, 3) << turn.m[0], turn.m[1], turn.m[2], turn.m[3], turn.m[4], turn.m[5]);
  AffineGroup warp = GroupOf(turn, size, size);
  Compare("warp linear constant / warpAffine", affine_of(warp), [&] {
    cv::warpAffine(image, theirs, affine, {512, 512});
  });
  warp.border.mode = Border::kReflect101;
  Compare("warp linear reflect101 / warpAffine", affine_of(warp), [&] {
    cv::warpAffine(image, theirs, affine, {512, 512}, cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  });
  warp.resampling = Resampling::kNearest;
  Compare("warp nearest / warpAffine", affine_of(warp), [&] {
    cv::warpAffine(image, theirs, affine, {512, 512}, cv::INTER_NEAREST, cv::BORDER_REFLECT_101);
  });
  warp.resampling = Resampling::kCubic;
  Compare("warp cubic / warpAffine", affine_of(warp), [&] {
    cv::warpAffine(image, theirs, affine, {512, 512}, cv::INTER_CUBIC, cv::BORDER_REFLECT_101);
  });
  Matrix tilt = turn;
  tilt.m[6] = 1e-4;
  tilt.m[7] = -2e-4;
  const AffineGroup projective = GroupOf(tilt, size, size);
  const cv::Mat matrix(3, 3, CV_64F, tilt.m.data());
  Compare("projective / warpPerspective", affine_of(projective), [&] {
    cv::warpPerspective(image, theirs, matrix, {512, 512});
  });

  WarpField field;
  field.displacement.create(512, 512, CV_32FC2);
  cv::randu(field.displacement, -4, 4);
  cv::GaussianBlur(field.displacement, field.displacement, {17, 17}, 6);
  field.border.mode = Border::kReflect101;
  const cv::Mat positions = field.displacement + GridOf(512);
  cv::Mat planes[2] = {cv::Mat(512, 512, CV_32F), cv::Mat(512, 512, CV_32F)};
  cv::Mat grid[2];
  cv::split(GridOf(512), grid);
  Compare(
      "field / cv::remap",
      [&] {
        own.release();
        own = families->Field(image, field);
      },
      [&] {
        cv::remap(image, theirs, positions, cv::noArray(), cv::INTER_LINEAR,
                  cv::BORDER_REFLECT_101);
      });

  // The whole of elastic: noise, smoothing, sampling.
  for (const double sigma : {5.0, 50.0}) {
    const int side = 2 * static_cast<int>(3.5 * sigma) + 1;
    Compare(
        fmt::format("elastic sigma {} / randu, blur, remap", sigma),
        [&] {
          own.release();
          field.displacement = SmoothNoise({512, 512}, sigma, 50, false, {1, 2, 3});
          own = families->Field(image, field);
        },
        [&] {
          for (int axis = 0; axis < 2; ++axis) {
            cv::randu(planes[axis], -1, 1);
            cv::GaussianBlur(planes[axis], planes[axis], {side, side}, sigma);
            cv::scaleAdd(planes[axis], 50, grid[axis], planes[axis]);
          }
          cv::remap(image, theirs, planes[0], planes[1], cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
        });
  }

  const auto resize = [&](const std::string& name, Resampling kind, int side, int flag) {
    AffineGroup group = GroupOf(Matrix::Scale(side / 512.0, side / 512.0), size, {side, side});
    group.resampling = kind;
    Compare(name, affine_of(group), [&, side, flag] {
      cv::resize(image, theirs, {side, side}, 0, 0, flag);
    });
  };
  resize("antialias 512->224 / INTER_AREA", Resampling::kAntialias, 224, cv::INTER_AREA);
  resize("antialias_cubic 512->224 / INTER_AREA", Resampling::kAntialiasCubic, 224, cv::INTER_AREA);
  resize("lanczos 512->224 / INTER_AREA", Resampling::kLanczos, 224, cv::INTER_AREA);
  resize("antialias_cubic 512->800 / INTER_CUBIC", Resampling::kAntialiasCubic, 800,
         cv::INTER_CUBIC);
  resize("lanczos 512->800 / INTER_LANCZOS4", Resampling::kLanczos, 800, cv::INTER_LANCZOS4);
  resize("linear 512->224 / INTER_LINEAR", Resampling::kLinear, 224, cv::INTER_LINEAR);
  resize("cubic 512->224 / INTER_CUBIC", Resampling::kCubic, 224, cv::INTER_CUBIC);
  resize("area 512->224 / INTER_AREA", Resampling::kArea, 224, cv::INTER_AREA);
  resize("nearest 512->224 / INTER_NEAREST", Resampling::kNearest, 224, cv::INTER_NEAREST);
  resize("nearest 512->800 / INTER_NEAREST", Resampling::kNearest, 800, cv::INTER_NEAREST);

  CompareColour(image, *families);
  CompareGroups(*families);
}

}  // namespace
}  // namespace pixloom

int main(int argc, char** argv) {
  if (argc > 1 && !pixloom::DisableSimd(argv[1]).empty()) return 2;
  if (argc > 2) pixloom::g_only = argv[2];
  pixloom::Run();
  return 0;
}
