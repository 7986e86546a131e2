// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/colour_kernel.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>
#include <utility>
#include <vector>

#include "ops/kernels/colour_rows.h"
#include "ops/kernels/colour_stats.h"
#include "ops/kernels/pixel_math.h"
#include "ops/kernels/value_kernel.h"
#include "pipeline/sample.h"

namespace pixloom {
namespace {

// What passes through all steps before the rest does, in whole rows: it stays in the first-level
// cache.
constexpr std::size_t kStripBytes = 16384;

// One step, made ready for images of one type. Immutable.
template <class T>
class RowStep {
 public:
  virtual ~RowStep() = default;
  virtual void Row(T* row, int pixels, const Stats& stats) const = 0;
};

// Channels a curve applies to: not to alpha.
int CurveChannels(int channels) { return channels == 4 ? 3 : channels; }

template <class T>
T CurveLevel(const Lut& lut, int channel, T level) {
  return RoundTo<T>(lut.curve(channel, level / kLevels<T>) * kLevels<T>);
}

// Integers through tables: one for all channels or one per channel.
template <class T>
class TableStep : public RowStep<T> {
 public:
  static constexpr std::size_t kSize = std::size_t{1} << (8 * sizeof(T));
  using Table = std::vector<T>;

  TableStep(const Lut& lut, int channels) : channels_(channels) {
    // Alpha needs a table of its own, one that changes nothing.
    const bool shared = !lut.per_channel && channels != 4;
    tables_.resize(shared ? 1 : static_cast<std::size_t>(channels));
    for (std::size_t c = 0; c < tables_.size(); ++c) {
      const int channel = static_cast<int>(c);
      tables_[c].resize(kSize);
      if (!lut.per_channel && c > 0 && channel < CurveChannels(channels)) {
        tables_[c] = tables_[0];
        continue;
      }
      for (std::size_t i = 0; i < kSize; ++i) {
        const T level = static_cast<T>(i);
        tables_[c][i] = channel < CurveChannels(channels) ? CurveLevel(lut, channel, level) : level;
      }
    }
    Interleave();
  }

  // What the kernel makes of every level.
  TableStep(const ValueKernel& kernel, int channels, const Stats& stats) : channels_(channels) {
    Table levels(kSize);
    for (std::size_t i = 0; i < kSize; ++i) levels[i] = static_cast<T>(i);
    Table changed(kSize);
    kernel.Row(levels.data(), changed.data(), static_cast<int>(kSize), 1, stats);
    tables_.assign(channels == 4 ? 4 : 1, changed);
    if (channels == 4) tables_[3] = levels;
    Interleave();
  }

  // Makes this the step that does `next` afterwards: tables compose exactly.
  void Append(const TableStep& next) {
    const std::size_t count = std::max(tables_.size(), next.tables_.size());
    while (tables_.size() < count) tables_.push_back(tables_[0]);
    for (std::size_t c = 0; c < count; ++c) {
      const Table& then = next.tables_[next.tables_.size() == 1 ? 0 : c];
      for (T& level : tables_[c]) level = then[level];
    }
    Interleave();
  }

  void Row(T* row, int pixels, const Stats&) const override {
    const std::size_t count =
        static_cast<std::size_t>(pixels) * static_cast<std::size_t>(channels_);
    if (sizeof(T) == 1 && alike_) {
      if constexpr (sizeof(T) == 1) {
        ApplyTable(tables_[0].data(), row, count, tables_.size() == 4);
      }
    } else if (tables_.size() == 1) {
      if constexpr (sizeof(T) != 1) {
        for (std::size_t i = 0; i < count; ++i) row[i] = tables_[0][row[i]];
      }
    } else if constexpr (sizeof(T) == 1) {
      cv::Mat values(1, pixels, CV_MAKETYPE(CV_8U, channels_), row);
      cv::LUT(values, interleaved_, values);
    } else {
      for (int i = 0; i < pixels; ++i, row += channels_) {
        for (int c = 0; c < channels_; ++c) row[c] = tables_[static_cast<std::size_t>(c)][row[c]];
      }
    }
  }

 private:
  // The form cv::LUT reads, unless all channels but alpha have one table.
  void Interleave() {
    if (sizeof(T) != 1) return;
    alike_ = tables_.size() == 1 || (tables_.size() == 4 && tables_[0] == tables_[1] &&
                                     tables_[0] == tables_[2] && channels_ == 4);
    if (alike_) return;
    interleaved_.create(1, static_cast<int>(kSize), CV_MAKETYPE(CV_8U, channels_));
    for (std::size_t i = 0; i < kSize; ++i) {
      for (std::size_t c = 0; c < tables_.size(); ++c) {
        interleaved_.ptr<T>()[i * tables_.size() + c] = tables_[c][i];
      }
    }
  }

  int channels_;
  std::vector<Table> tables_;
  bool alike_ = false;
  cv::Mat interleaved_;
};

// Values one by one: floats, and 16-bit images with fewer values than a table has.
template <class T>
class CurveStep : public RowStep<T> {
 public:
  CurveStep(const Lut& lut, int channels, ValueRange range)
      : lut_(lut), channels_(channels), lo_(range.lo), width_(double{range.hi} - lo_) {}

  void Row(T* row, int pixels, const Stats&) const override {
    const int curved = CurveChannels(channels_);
    for (int i = 0; i < pixels; ++i, row += channels_) {
      for (int c = 0; c < curved; ++c) {
        if constexpr (std::is_integral_v<T>) {
          row[c] = CurveLevel(lut_, c, row[c]);
        } else {
          row[c] = static_cast<T>(lo_ + width_ * lut_.curve(c, (double{row[c]} - lo_) / width_));
        }
      }
    }
  }

 private:
  Lut lut_;
  int channels_;
  double lo_;
  double width_;
};

template <class T>
class MatrixStep : public RowStep<T> {
 public:
  MatrixStep(const ColorMatrix& matrix, int channels, ValueRange range) : channels_(channels) {
    PIXLOOM_CHECK(channels == 3 || channels == 4, "a colour matrix needs three channels");
    // In levels v = lo + width u, so out = m v + (width offset + lo (1 - row sum)).
    const bool is_float = std::is_floating_point_v<T>;
    const double lo = is_float ? double{range.lo} : 0;
    const double width = is_float ? double{range.hi} - lo : kLevels<T>;
    for (std::size_t c = 0; c < 3; ++c) {
      const double* m = &matrix.m[4 * c];
      for (std::size_t k = 0; k < 3; ++k) m_[4 * c + k] = static_cast<float>(m[k]);
      m_[4 * c + 3] = static_cast<float>(width * m[3] + lo * (1 - (m[0] + m[1] + m[2])));
    }
  }

  void Row(T* row, int pixels, const Stats&) const override {
    if constexpr (sizeof(T) == 1) {
      ApplyMatrix(m_.data(), row, static_cast<std::size_t>(pixels), channels_);
    } else {
      for (int i = 0; i < pixels; ++i, row += channels_) {
        const float r = row[0], g = row[1], b = row[2];
        for (std::size_t c = 0; c < 3; ++c) {
          const float* m = &m_[4 * c];
          row[c] = RoundTo<T>(((m[0] * r + m[1] * g) + m[2] * b) + m[3]);
        }
      }
    }
  }

 private:
  std::array<float, 12> m_{};
  int channels_;
};

template <class T>
class KernelStep : public RowStep<T> {
 public:
  KernelStep(const PixelStep& step, int channels, ValueRange range)
      : kernel_(step.kernel), channels_(channels), range_(range) {}

  void Row(T* row, int pixels, const Stats& stats) const override {
    if constexpr (std::is_floating_point_v<T>) {
      if (range_ != ValueRange{}) return RowInUnits(row, pixels, stats);
    }
    kernel_->Row(row, row, pixels, channels_, stats);
  }

  // The kernel, where it is one of values.
  const ValueKernel* OfValues() const { return dynamic_cast<const ValueKernel*>(kernel_.get()); }

 private:
  void RowInUnits(T* row, int pixels, const Stats& stats) const {
    const std::ptrdiff_t count = std::ptrdiff_t{pixels} * channels_;
    const float width = range_.hi - range_.lo;
    for (std::ptrdiff_t i = 0; i < count; ++i) row[i] = (row[i] - range_.lo) / width;
    kernel_->Row(row, row, pixels, channels_, stats);
    for (std::ptrdiff_t i = 0; i < count; ++i) row[i] = range_.lo + row[i] * width;
  }

  std::shared_ptr<const PixelKernel> kernel_;
  int channels_;
  ValueRange range_;
};

// Steps that need one sweep over the image. Statistics are measured on what the sweep before left.
template <class T>
struct Pass {
  StatsKind needs = StatsKind::kNone;
  std::vector<std::unique_ptr<RowStep<T>>> steps;
};

// A table of 65536 pays for itself only on images with more values than that.
template <class T>
bool TablePays(const cv::Mat& pixels) {
  const std::size_t values = pixels.total() * static_cast<std::size_t>(pixels.channels());
  return std::is_integral_v<T> && (sizeof(T) == 1 || values > (std::size_t{1} << 16));
}

template <class T>
std::unique_ptr<RowStep<T>> MakeStep(const ColourStep& step, const cv::Mat& pixels,
                                     ValueRange range) {
  const int channels = pixels.channels();
  if (const auto* lut = std::get_if<Lut>(&step)) {
    if constexpr (std::is_integral_v<T>) {
      if (TablePays<T>(pixels)) return std::make_unique<TableStep<T>>(*lut, channels);
    }
    return std::make_unique<CurveStep<T>>(*lut, channels, range);
  }
  if (const auto* matrix = std::get_if<ColorMatrix>(&step)) {
    return std::make_unique<MatrixStep<T>>(*matrix, channels, range);
  }
  return std::make_unique<KernelStep<T>>(std::get<PixelStep>(step), channels, range);
}

StatsKind NeedsOf(const ColourStep& step) {
  const auto* pixel = std::get_if<PixelStep>(&step);
  return pixel != nullptr ? pixel->kernel->Needs() : StatsKind::kNone;
}

// Appends a table to the table before it.
template <class T>
bool Compose(Pass<T>& pass, RowStep<T>& step) {
  if constexpr (std::is_integral_v<T>) {
    const auto* next = dynamic_cast<const TableStep<T>*>(&step);
    auto* last =
        pass.steps.empty() ? nullptr : dynamic_cast<TableStep<T>*>(pass.steps.back().get());
    if (next == nullptr || last == nullptr) return false;
    last->Append(*next);
    return true;
  } else {
    return false;
  }
}

template <class T>
std::vector<Pass<T>> PlanPasses(const cv::Mat& pixels, std::span<const ColourStep> steps,
                                ValueRange range, bool fused) {
  std::vector<Pass<T>> passes;
  const bool coloured = pixels.channels() == 3 || pixels.channels() == 4;
  for (const ColourStep& step : steps) {
    // Another field of the sample may be gray.
    if (!coloured && std::holds_alternative<ColorMatrix>(step)) continue;
    const StatsKind needs = NeedsOf(step);
    if (passes.empty() || !fused || needs != StatsKind::kNone) passes.push_back({needs, {}});
    auto ready = MakeStep<T>(step, pixels, range);
    if (!Compose(passes.back(), *ready)) passes.back().steps.push_back(std::move(ready));
  }
  return passes;
}

// Now that the statistics are known: the first step, which asked for them, as a table if it can be
// one, and one with the table after it.
template <class T>
void UseTable(Pass<T>& pass, const cv::Mat& pixels, const Stats& stats) {
  if constexpr (std::is_integral_v<T>) {
    if (pass.steps.empty() || !TablePays<T>(pixels)) return;
    const auto* step = dynamic_cast<const KernelStep<T>*>(pass.steps[0].get());
    if (step == nullptr || step->OfValues() == nullptr) return;
    auto table = std::make_unique<TableStep<T>>(*step->OfValues(), pixels.channels(), stats);
    if (pass.steps.size() > 1) {
      const auto* next = dynamic_cast<const TableStep<T>*>(pass.steps[1].get());
      if (next != nullptr) {
        table->Append(*next);
        pass.steps.erase(pass.steps.begin());
      }
    }
    pass.steps[0] = std::move(table);
  }
}

// One sweep; returns the statistics of its result.
template <class T>
Stats Sweep(cv::Mat& pixels, const Pass<T>& pass, const Stats& stats, StatsKind measure,
            ValueRange range) {
  StatsMeter<T> meter(measure, pixels.channels(), range);
  const std::size_t row_bytes = static_cast<std::size_t>(pixels.cols) * pixels.elemSize();
  const int strip = static_cast<int>(std::max<std::size_t>(1, kStripBytes / row_bytes));
  for (int begin = 0; begin < pixels.rows; begin += strip) {
    const int end = std::min(pixels.rows, begin + strip);
    for (const auto& step : pass.steps) {
      if (pixels.isContinuous()) {
        step->Row(pixels.ptr<T>(begin), pixels.cols * (end - begin), stats);
      } else {
        for (int y = begin; y < end; ++y) step->Row(pixels.ptr<T>(y), pixels.cols, stats);
      }
    }
    for (int y = begin; y < end; ++y) meter.Add(pixels.ptr<T>(y), pixels.cols);
  }
  return meter.Finish();
}

template <class T>
void ApplyTyped(cv::Mat& pixels, std::span<const ColourStep> steps, ValueRange range, bool fused) {
  std::vector<Pass<T>> passes = PlanPasses<T>(pixels, steps, range, fused);
  if (passes.empty()) return;
  Stats stats;
  if (passes[0].needs != StatsKind::kNone) {
    stats = Sweep(pixels, Pass<T>{}, stats, passes[0].needs, range);
  }
  for (std::size_t i = 0; i < passes.size(); ++i) {
    const StatsKind next = i + 1 < passes.size() ? passes[i + 1].needs : StatsKind::kNone;
    UseTable(passes[i], pixels, stats);
    stats = Sweep(pixels, passes[i], stats, next, range);
  }
}

}  // namespace

void ApplyColour(cv::Mat& pixels, std::span<const ColourStep> steps, ValueRange range, bool fused) {
  if (steps.empty() || pixels.empty()) return;
  MakeUnique(pixels);
  WithDepth(pixels, [&](auto zero) { ApplyTyped<decltype(zero)>(pixels, steps, range, fused); });
}

}  // namespace pixloom
