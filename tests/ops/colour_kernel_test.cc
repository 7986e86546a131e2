// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/colour_kernel.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "ops/common.h"
#include "ops/kernels/colour_rows.h"
#include "ops/kernels/colour_stats.h"
#include "tests/support/image_reference.h"

namespace pixloom {
namespace {

using namespace testing;

// Blends every channel towards the statistic it asked for.
class BlendKernel : public PixelKernel {
 public:
  explicit BlendKernel(StatsKind needs) : needs_(needs) {}
  StatsKind Needs() const override { return needs_; }

  void Row(const std::uint8_t* in, std::uint8_t* out, int pixels, int channels,
           const Stats& stats) const override {
    Blend(in, out, pixels, channels, stats, 255);
  }
  void Row(const std::uint16_t* in, std::uint16_t* out, int pixels, int channels,
           const Stats& stats) const override {
    Blend(in, out, pixels, channels, stats, 65535);
  }
  void Row(const float* in, float* out, int pixels, int channels,
           const Stats& stats) const override {
    Blend(in, out, pixels, channels, stats, 1);
  }

 private:
  template <class T>
  void Blend(const T* in, T* out, int pixels, int channels, const Stats& stats, double top) const {
    for (int i = 0; i < pixels * channels; ++i) {
      const auto c = static_cast<std::size_t>(i % channels);
      if (channels == 4 && c == 3) continue;
      double target = 0.25;
      if (needs_ == StatsKind::kGrayMean) target = stats.gray_mean;
      if (needs_ == StatsKind::kChannelMean) target = stats.mean[std::min<std::size_t>(c, 3)];
      if (needs_ == StatsKind::kHistogram) {
        const std::size_t bins = stats.histogram.size() / static_cast<std::size_t>(channels);
        target = stats.histogram[c * bins + 7] % 11 / 11.0;
      }
      out[i] = static_cast<T>(0.75 * in[i] + 0.25 * target * top);
    }
  }

  StatsKind needs_;
};

PixelStep Blend(StatsKind needs) { return {std::make_shared<BlendKernel>(needs)}; }

ColorMatrix Mixing() { return {{0.8, 0.3, -0.2, 0.05, 0.1, 0.9, 0.1, -0.1, -0.3, 0.2, 1.3, 0.02}}; }

Lut Gamma(double exponent) {
  return {[exponent](int, double x) { return x <= 0 ? x : std::pow(x, exponent); }, false};
}

Lut PerChannel() {
  return {[](int c, double x) { return 0.1 * (c + 1) + x * (0.9 - 0.1 * c); }, true};
}

int CurvedChannels(int channels) { return channels == 4 ? 3 : channels; }

double Round(double v, int depth, double top) {
  return depth == CV_32F ? v : std::clamp(std::floor(v + 0.5), 0.0, top);
}

double Top(int depth) { return depth == CV_8U ? 255 : depth == CV_16U ? 65535 : 1; }

TEST_CASE("a curve is its definition on every value, and leaves alpha alone") {
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const Lut& lut : {Gamma(0.6), PerChannel()}) {
      cv::Mat out = image.clone();
      const ColourStep steps[] = {lut};
      ApplyColour(out, steps, {}, true);
      const double top = Top(depth);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          for (int c = 0; c < channels; ++c) {
            const double in = ValueAt(image, x, y, c);
            const double expected =
                c < CurvedChannels(channels) ? Round(lut.curve(c, in / top) * top, depth, top) : in;
            REQUIRE(std::abs(ValueAt(out, x, y, c) - expected) <= (depth == CV_32F ? 1e-6 : 0));
          }
        }
      }
    }
  });
}

TEST_CASE("a 16-bit table gives what the curve gives") {
  const cv::Mat large = RandomImage(200, 150, CV_16U, 3);
  cv::Mat through_table = large.clone();
  cv::Mat direct = large(cv::Rect(0, 0, 20, 10)).clone();
  const ColourStep steps[] = {PerChannel(), Gamma(1.7)};
  ApplyColour(through_table, steps, {}, true);
  ApplyColour(direct, steps, {}, true);
  CHECK(SamePixels(through_table(cv::Rect(0, 0, 20, 10)), direct));
}

TEST_CASE("a colour matrix is within rounding of float64") {
  SweepImages([&](int width, int height, int depth, int channels) {
    if (channels != 3 && channels != 4) return;
    const cv::Mat image = RandomImage(width, height, depth, channels);
    cv::Mat out = image.clone();
    const ColorMatrix matrix = Mixing();
    const ColourStep steps[] = {matrix};
    ApplyColour(out, steps, {}, true);
    const double top = Top(depth);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < 3; ++c) {
          const double* m = &matrix.m[static_cast<std::size_t>(4 * c)];
          double sum = m[3] * top;
          for (int k = 0; k < 3; ++k) sum += m[k] * ValueAt(image, x, y, k);
          sum = depth == CV_32F ? sum : std::clamp(sum, 0.0, top);
          REQUIRE(std::abs(ValueAt(out, x, y, c) - sum) <= (depth == CV_32F   ? 1e-6
                                                            : depth == CV_16U ? 0.52
                                                                              : 0.5001));
        }
        if (channels == 4) REQUIRE(ValueAt(out, x, y, 3) == ValueAt(image, x, y, 3));
      }
    }
  });
}

TEST_CASE("fused and unfused give the same pixels") {
  const std::vector<std::vector<ColourStep>> chains{
      {Gamma(0.7), PerChannel(), Gamma(1.3)},
      {Gamma(0.7), Mixing(), PerChannel(), Blend(StatsKind::kGrayMean), Gamma(1.2), Mixing()},
      {Blend(StatsKind::kGrayMean), Blend(StatsKind::kChannelMean), Gamma(0.9), PerChannel(),
       Blend(StatsKind::kNone), Blend(StatsKind::kHistogram), Gamma(1.1)}};
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (std::vector<ColourStep> chain : chains) {
      std::erase_if(chain, [&](const ColourStep& step) {
        const auto* pixel = std::get_if<PixelStep>(&step);
        return (std::holds_alternative<ColorMatrix>(step) && channels != 3 && channels != 4) ||
               (pixel != nullptr && pixel->kernel->Needs() == StatsKind::kHistogram &&
                depth == CV_32F);
      });
      for (const ValueRange range : {ValueRange{0, 1}, ValueRange{-1, 2}}) {
        cv::Mat fused = image.clone();
        cv::Mat unfused = image.clone();
        ApplyColour(fused, chain, range, true);
        ApplyColour(unfused, chain, range, false);
        REQUIRE(SamePixels(fused, unfused));
        REQUIRE_FALSE(SamePixels(fused, image));
      }
    }
  });
}

TEST_CASE("float images work in units of their declared range") {
  const cv::Mat units = RandomImage(20, 10, CV_32F, 3);
  const ValueRange range{-2, 6};
  const std::vector<ColourStep> chain{PerChannel(), Mixing(), Blend(StatsKind::kGrayMean),
                                      Blend(StatsKind::kChannelMean)};
  cv::Mat plain = units.clone();
  ApplyColour(plain, chain, {}, true);
  cv::Mat scaled = units * 8.0 - cv::Scalar::all(2);
  ApplyColour(scaled, chain, range, true);
  cv::Mat back = (scaled + cv::Scalar::all(2)) / 8.0;
  CHECK(MaxDifference(back, plain) <= 1e-5);
}

TEST_CASE("statistics are exact on integers") {
  const cv::Mat image = RandomImage(101, 99, CV_8U, 3);
  double gray = 0;
  std::array<double, 3> mean{};
  std::vector<std::uint32_t> histogram(3 * 256);
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      const double luma = 0.299 * ValueAt(image, x, y, 0) + 0.587 * ValueAt(image, x, y, 1) +
                          0.114 * ValueAt(image, x, y, 2);
      gray += std::floor(luma + 0.5 + 1e-9);
      for (int c = 0; c < 3; ++c) {
        mean[static_cast<std::size_t>(c)] += ValueAt(image, x, y, c);
        ++histogram[static_cast<std::size_t>(c * 256) +
                    static_cast<std::size_t>(ValueAt(image, x, y, c))];
      }
    }
  }
  const double scale = 255.0 * 101 * 99;
  const auto measure = [&](StatsKind kind) {
    StatsMeter<std::uint8_t> meter(kind, 3, {});
    for (int y = 0; y < image.rows; ++y) meter.Add(image.ptr(y), image.cols);
    return meter.Finish();
  };
  CHECK(measure(StatsKind::kGrayMean).gray_mean == doctest::Approx(gray / scale).epsilon(1e-14));
  const Stats means = measure(StatsKind::kChannelMean);
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(means.mean[c] == doctest::Approx(mean[c] / scale).epsilon(1e-14));
  }
  CHECK(measure(StatsKind::kHistogram).histogram == histogram);
}

TEST_CASE("shared pixels are copied before they are written to") {
  cv::Mat image = RandomImage(5, 3, CV_8U, 3);
  const cv::Mat other = image;
  const cv::Mat before = image.clone();
  const ColourStep steps[] = {Gamma(0.5)};
  ApplyColour(image, steps, {}, true);
  CHECK(SamePixels(other, before));
  CHECK_FALSE(SamePixels(image, before));
}

TEST_CASE("tables keep the fourth value where told to, at every length and alignment") {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < 256; ++i) table[i] = static_cast<std::uint8_t>(i * i / 3 + 77 * i);
  const cv::Mat row = RandomImage(700, 1, CV_8U, 1);
  ForEachTarget([&](const char* target) {
    CAPTURE(target);
    for (int count = 0; count < 300; ++count) {
      for (const bool keep : {false, true}) {
        cv::Mat out = row.clone();
        ApplyTable(table.data(), out.ptr() + count % 7, static_cast<std::size_t>(count), keep);
        for (int i = 0; i < 320; ++i) {
          const int at = i - count % 7;
          const bool changed = at >= 0 && at < count && !(keep && at % 4 == 3);
          const std::uint8_t old = row.ptr()[i];
          REQUIRE(out.ptr()[i] == (changed ? table[old] : old));
        }
      }
    }
    // Every level.
    std::array<std::uint8_t, 256> levels{};
    for (std::size_t i = 0; i < 256; ++i) levels[i] = static_cast<std::uint8_t>(i);
    ApplyTable(table.data(), levels.data(), 256, false);
    REQUIRE(levels == table);
  });
}

TEST_CASE("matrices are float32 sums in order, cut, on every instruction set") {
  const std::vector<std::array<float, 12>> matrices{
      {0.8F, 0.3F, -0.2F, 12.75F, 0.1F, 0.9F, 0.1F, -25.5F, -0.3F, 0.2F, 1.3F, 5.1F},
      {0.5F, 0, 0, 0, 0, 0.5F, 0, 0, 0, 0, 0.5F, 0},
      {-9, 4, 7, 100, 10, -3, -7, 0, 1e9F, -1e9F, 0, 3}};
  for (const int channels : {3, 4}) {
    for (int pixels = 0; pixels < 80; ++pixels) {
      for (const auto& m : matrices) {
        const cv::Mat row = RandomImage(400, 1, CV_8U, 1);
        cv::Mat expected = row.clone();
        for (int i = 0; i < pixels; ++i) {
          const std::uint8_t* in = row.ptr() + i * channels;
          for (std::size_t c = 0; c < 3; ++c) {
            const float* k = &m[4 * c];
            const float sum = ((k[0] * in[0] + k[1] * in[1]) + k[2] * in[2]) + (k[3] + 0.5F);
            expected.ptr()[i * channels + static_cast<int>(c)] =
                static_cast<std::uint8_t>(std::clamp(sum, 0.0F, 255.0F));
          }
        }
        ForEachTarget([&](const char* target) {
          CAPTURE(target);
          CAPTURE(pixels);
          cv::Mat out = row.clone();
          ApplyMatrix(m.data(), out.ptr(), static_cast<std::size_t>(pixels), channels);
          REQUIRE(SamePixels(out, expected));
        });
      }
    }
  }
}

TEST_CASE("gray sums are exact for all colours that are near a half") {
  // All values of 299 r + 587 g + 114 b mod 1000 come up.
  std::vector<std::uint8_t> colours;
  for (int r = 0; r < 256; r += 3) {
    for (int g = 0; g < 256; ++g) {
      for (int b = 0; b < 256; b += 5) {
        for (const int v : {r, g, b}) colours.push_back(static_cast<std::uint8_t>(v));
      }
    }
  }
  ForEachTarget([&](const char* target) {
    CAPTURE(target);
    // One by one where they stand apart, and together.
    for (std::size_t i = 0; i + 300 < colours.size(); i += 30'000 + i % 211 * 3) {
      for (std::size_t pixels = 0; pixels < 100; ++pixels) {
        std::uint64_t sum = 0;
        for (std::size_t k = 0; k < pixels; ++k) {
          const std::uint8_t* p = &colours[(i / 3 + k) * 3];
          sum += (299u * p[0] + 587u * p[1] + 114u * p[2] + 500u) / 1000u;
        }
        REQUIRE(SumGray(&colours[i / 3 * 3], pixels, 3) == sum);
      }
    }
    std::uint64_t all = 0;
    for (std::size_t k = 0; k < colours.size(); k += 3) {
      all += (299u * colours[k] + 587u * colours[k + 1] + 114u * colours[k + 2] + 500u) / 1000u;
    }
    CHECK(SumGray(colours.data(), colours.size() / 3, 3) == all);
    std::vector<std::uint8_t> with_alpha;
    std::uint64_t of_four = 0;
    for (std::size_t k = 0; k < 3 * 997; k += 3) {
      with_alpha.insert(with_alpha.end(), &colours[k], &colours[k] + 3);
      with_alpha.push_back(static_cast<std::uint8_t>(k));
      of_four += (299u * colours[k] + 587u * colours[k + 1] + 114u * colours[k + 2] + 500u) / 1000u;
    }
    CHECK(SumGray(with_alpha.data(), 997, 4) == of_four);
  });
}

// v + mean in unit scale.
PixelStep AddMean(bool of_values) {
  const auto fn = [](float* values, int pixels, int channels, const Stats& stats) {
    for (int i = 0; i < pixels * channels; ++i) {
      if (channels == 4 && i % 4 == 3) continue;
      values[i] = 0.7F * values[i] + static_cast<float>(stats.gray_mean * 0.3);
    }
  };
  return of_values ? MakeValueStep(StatsKind::kGrayMean, fn)
                   : MakePixelStep(StatsKind::kGrayMean, fn);
}

TEST_CASE("a kernel of values gives through a table what it gives directly") {
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image =
        RandomImage(depth == CV_16U ? 3 * width : width, 3 * height, depth, channels);
    for (const bool curve_after : {false, true}) {
      for (const bool fused : {false, true}) {
        std::vector<ColourStep> direct{Gamma(0.8), AddMean(false)};
        std::vector<ColourStep> table{Gamma(0.8), AddMean(true)};
        if (curve_after) {
          direct.push_back(PerChannel());
          table.push_back(PerChannel());
        }
        cv::Mat expected = image.clone();
        cv::Mat out = image.clone();
        ApplyColour(expected, direct, {}, fused);
        ApplyColour(out, table, {}, fused);
        REQUIRE(SamePixels(out, expected));
      }
    }
  });
}

TEST_CASE("every instruction set gives the same bits") {
  for (const int channels : {1, 3, 4}) {
    const cv::Mat image = RandomImage(131, 30, CV_8U, channels);
    std::vector<ColourStep> chain{Gamma(0.7)};
    if (channels > 1) chain.push_back(Mixing());
    const auto hash = [&] {
      cv::Mat out = image.clone();
      ApplyColour(out, chain, {}, true);
      return HashPixels(out);
    };
    const std::uint64_t expected = hash();
    ForEachTarget([&](const char* target) {
      CAPTURE(target);
      CHECK(hash() == expected);
    });
  }
}

}  // namespace
}  // namespace pixloom
