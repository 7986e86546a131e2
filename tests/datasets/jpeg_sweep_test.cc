// SPDX-License-Identifier: Apache-2.0
// Region decode equals full decode and crop, bit for bit. A short sweep by default; everything
// when PIXLOOM_PROVE=1.
#include <cstdlib>
#include <cstring>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "datasets/jpeg.h"
#include "tests/datasets/jpeg_samples.h"

namespace pixloom {
namespace {

using testing::JpegSpec;
using testing::Process;

bool Prove() {
  const char* prove = std::getenv("PIXLOOM_PROVE");
  return prove != nullptr && std::string(prove) == "1";
}

bool Same(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return false;
  const std::size_t row = a.elemSize() * static_cast<std::size_t>(a.cols);
  for (int y = 0; y < a.rows; ++y) {
    if (std::memcmp(a.ptr(y), b.ptr(y), row) != 0) return false;
  }
  return true;
}

struct Lcg {
  std::uint32_t state = 7;
  int Below(int n) {
    state = state * 1664525U + 1013904223U;
    return static_cast<int>((std::uint64_t{state} * static_cast<std::uint64_t>(n)) >> 32);
  }
};

// One file at one scale: the full picture against the oracle, then regions against the full one.
class Sweep {
 public:
  Sweep(const JpegSpec& spec, int denominator, int channels)
      : name_(fmt::format("{} at 1/{} to {} channels", testing::Name(spec), denominator, channels)),
        bytes_(testing::MakeJpeg(spec)),
        denominator_(denominator),
        channels_(channels) {
    auto header = ReadJpegHeader(bytes_);
    REQUIRE(header.Ok());
    header_ = *header;
    REQUIRE(header_.size == Size{spec.width, spec.height});
    full_ = Decode({});
    Count(Same(full_, testing::OracleUpright(testing::OracleDecode(bytes_, denominator, channels),
                                             spec.orientation)),
          {});
  }

  int width() const { return header_.UprightSize().width; }
  int height() const { return header_.UprightSize().height; }

  // [x0, x1) and [y0, y1) in cells of the scaled picture; the last cell may be cut by the border.
  void Cells(int x0, int x1, int y0, int y1) {
    const int d = denominator_;
    const cv::Rect region(cv::Point(x0 * d, y0 * d),
                          cv::Point(std::min(x1 * d, width()), std::min(y1 * d, height())));
    Count(Same(Decode(region), full_(cv::Rect(x0, y0, x1 - x0, y1 - y0))), region);
  }

  void Random(int count) {
    for (int i = 0; i < count; ++i) {
      const int w = 1 + lcg_.Below(full_.cols);
      const int h = 1 + lcg_.Below(full_.rows);
      const int x = lcg_.Below(full_.cols - w + 1);
      const int y = lcg_.Below(full_.rows - h + 1);
      Cells(x, x + w, y, y + h);
    }
  }

  // Every interval of columns and every interval of rows, against two choices of the other.
  void Exhaustive() {
    const int w = full_.cols;
    const int h = full_.rows;
    for (int x0 = 0; x0 < w; ++x0) {
      for (int x1 = x0 + 1; x1 <= w; ++x1) {
        Cells(x0, x1, 0, h);
        Cells(x0, x1, h / 2, h / 2 + 1);
      }
    }
    for (int y0 = 0; y0 < h; ++y0) {
      for (int y1 = y0 + 1; y1 <= h; ++y1) {
        Cells(0, w, y0, y1);
        Cells(w / 2, w / 2 + 1, y0, y1);
      }
    }
  }

  static long checked;

 private:
  cv::Mat Decode(cv::Rect region) {
    DecodeRequest request;
    request.region = region;
    request.denominator = denominator_;
    request.channels = channels_;
    auto image = DecodeJpeg(bytes_, header_, request, 100);
    if (!image) {
      FAIL_CHECK(name_ << ": " << image.Error().message);
      return {};
    }
    return image->pixels;
  }

  // One assertion per failure, since millions of successes need no record.
  void Count(bool same, cv::Rect region) {
    ++checked;
    if (same || ++failures_ > 3) return;
    FAIL_CHECK(name_ << " differs at " << region.width << "x" << region.height << "+" << region.x
                     << "+" << region.y);
  }

  std::string name_;
  std::vector<std::uint8_t> bytes_;
  ImageHeader header_;
  int denominator_;
  int channels_;
  cv::Mat full_;
  Lcg lcg_;
  int failures_ = 0;
};

long Sweep::checked = 0;

constexpr int kDenominators[] = {1, 2, 4, 8};
constexpr Process kProcesses[] = {Process::kBaseline, Process::kProgressive, Process::kRestarts,
                                  Process::kSeparateScans, Process::kArithmetic};

TEST_CASE("a region of a JPEG equals the same part of the whole") {
  Sweep::checked = 0;
  const bool prove = Prove();
  for (const auto& [name, factors] : testing::Samplings()) {
    for (const Process process : kProcesses) {
      for (const int denominator : kDenominators) {
        for (const Size size : {Size{1, 1}, Size{7, 5}, Size{17, 33}, Size{101, 99}, Size{64, 48},
                                Size{5, 130}, Size{260, 9}}) {
          JpegSpec spec;
          spec.width = size.width;
          spec.height = size.height;
          spec.factors = factors;
          spec.process = process;
          Sweep sweep(spec, denominator, factors.size() == 1 ? 1 : 3);
          sweep.Random(prove ? 400 : 4);
          if (prove && size.Area() <= 64 * 48) sweep.Exhaustive();
        }
      }
    }
  }
  MESSAGE("regions compared: " << Sweep::checked);
  CHECK(Sweep::checked > 0);
}

TEST_CASE("a region of a large JPEG equals the same part of the whole") {
  Sweep::checked = 0;
  for (const auto& [name, factors] : testing::Samplings()) {
    for (const Process process : {Process::kBaseline, Process::kProgressive}) {
      for (const int denominator : kDenominators) {
        JpegSpec spec;
        spec.width = 641;
        spec.height = 487;
        spec.factors = factors;
        spec.process = process;
        Sweep sweep(spec, denominator, factors.size() == 1 ? 1 : 3);
        sweep.Random(Prove() ? 300 : 2);
      }
    }
  }
  MESSAGE("regions compared: " << Sweep::checked);
  CHECK(Sweep::checked > 0);
}

TEST_CASE("regions are given in upright coordinates") {
  Sweep::checked = 0;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const auto& [name, factors] : testing::Samplings()) {
      for (const int denominator : kDenominators) {
        JpegSpec spec;
        spec.width = 61;
        spec.height = 35;
        spec.factors = factors;
        spec.orientation = orientation;
        spec.big_endian = orientation % 2 == 0;
        Sweep sweep(spec, denominator, factors.size() == 1 ? 1 : 3);
        CHECK(sweep.width() == (orientation >= 5 ? 35 : 61));
        sweep.Random(Prove() ? 300 : 5);
        if (Prove() && name == "4:2:0") sweep.Exhaustive();
      }
    }
  }
  MESSAGE("regions compared: " << Sweep::checked);
}

TEST_CASE("grey from a colour file is the stored luma") {
  for (const auto& [name, factors] : testing::Samplings()) {
    for (const int denominator : kDenominators) {
      JpegSpec spec;
      spec.width = 75;
      spec.height = 58;
      spec.factors = factors;
      Sweep grey(spec, denominator, 1);
      grey.Random(Prove() ? 300 : 8);
      Sweep colour(spec, denominator, 3);
      colour.Random(4);
    }
  }
}

}  // namespace
}  // namespace pixloom
