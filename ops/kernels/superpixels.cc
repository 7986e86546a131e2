// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/superpixels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "ops/kernels/noise_words.h"
#include "ops/kernels/pixel_math.h"
#include "ops/kernels/resize_kernel.h"

namespace pixloom {
namespace {

constexpr int kRounds = 8;

// What colours are compared by.
class Features {
 public:
  Features(const cv::Mat& picture, ValueRange range)
      : channels_(picture.channels()),
        colour_(channels_ == 3 || channels_ == 4),
        black_(BlackLevel(picture, range)),
        unit_(1 / SpanLevels(picture, range)),
        share_(1 / std::sqrt(static_cast<float>(channels_))) {}

  int Count() const { return colour_ ? 3 : channels_; }

  template <class T>
  void Of(const T* values, float* out) const {
    const auto level = [&](int c) { return (static_cast<float>(values[c]) - black_) * unit_; };
    if (!colour_) {
      for (int c = 0; c < channels_; ++c) out[c] = level(c) * share_;
      return;
    }
    const float r = level(0);
    const float b = level(2);
    const float luma = 0.299F * r + 0.587F * level(1) + 0.114F * b;
    out[0] = luma;
    out[1] = (b - luma) * 0.564F;
    out[2] = (r - luma) * 0.713F;
  }

 private:
  int channels_;
  bool colour_;
  float black_;
  float unit_;
  float share_;
};

struct Segment {
  float x = 0;
  float y = 0;
  std::vector<float> features;
};

class Slic {
 public:
  Slic(const cv::Mat& small, const Features& features, const SuperpixelRequest& request)
      : width_(small.cols), height_(small.rows), planes_(features.Count()) {
    const auto area = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_);
    for (std::vector<float>& plane : planes_) plane.resize(area);
    WithDepth(small, [&](auto zero) {
      using T = decltype(zero);
      std::vector<float> pixel(planes_.size());
      for (std::size_t i = 0; i < area; ++i) {
        const int y = static_cast<int>(i) / width_;
        features.Of(small.ptr<T>(y) + (static_cast<int>(i) - y * width_) * small.channels(),
                    pixel.data());
        for (std::size_t f = 0; f < planes_.size(); ++f) planes_[f][i] = pixel[f];
      }
    });
    labels_.resize(area);
    nearest_.resize(area);
    Seed(request.segments);
    const double side =
        std::sqrt(static_cast<double>(area) / static_cast<double>(segments_.size()));
    reach_ = std::max(1, static_cast<int>(std::ceil(side)));
    pull_ = static_cast<float>(request.compactness * request.compactness / (side * side));
  }

  void Run() {
    for (int round = 0; round < kRounds; ++round) {
      Assign();
      Measure();
    }
    Connect();
    Measure();
  }

  int width() const { return width_; }
  int height() const { return height_; }
  // Row by row.
  const std::vector<int>& labels() const { return labels_; }
  const std::vector<Segment>& segments() const { return segments_; }
  float pull() const { return pull_; }

 private:
  // Segments start as the cells of a grid.
  void Seed(int wanted) {
    const double ratio = static_cast<double>(width_) / height_;
    const auto across = static_cast<int>(std::floor(std::sqrt(wanted * ratio) + 0.5));
    const int columns = std::clamp(across, 1, width_);
    const int rows = std::clamp((wanted + columns / 2) / columns, 1, height_);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x) {
        labels_[Index(x, y)] = y * rows / height_ * columns + x * columns / width_;
      }
    }
    segments_.resize(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
    Measure();
  }

  // Every segment claims the pixels around it that are nearer to it than to those before.
  void Assign() {
    std::fill(nearest_.begin(), nearest_.end(), std::numeric_limits<float>::max());
    std::vector<float> distance(static_cast<std::size_t>(2 * reach_ + 2));
    for (std::size_t s = 0; s < segments_.size(); ++s) {
      const Segment& segment = segments_[s];
      const int left = std::max(0, static_cast<int>(segment.x) - reach_);
      const int right = std::min(width_, static_cast<int>(segment.x) + reach_ + 2);
      const int top = std::max(0, static_cast<int>(segment.y) - reach_);
      const int bottom = std::min(height_, static_cast<int>(segment.y) + reach_ + 2);
      for (int y = top; y < bottom; ++y) {
        const std::size_t at = Index(left, y);
        const int count = right - left;
        const float dy = static_cast<float>(y) - segment.y;
        for (int i = 0; i < count; ++i) {
          const float dx = static_cast<float>(left + i) - segment.x;
          distance[static_cast<std::size_t>(i)] = (dx * dx + dy * dy) * pull_;
        }
        for (std::size_t f = 0; f < planes_.size(); ++f) {
          const float* plane = planes_[f].data() + at;
          const float own = segment.features[f];
          for (int i = 0; i < count; ++i) {
            const float d = plane[i] - own;
            distance[static_cast<std::size_t>(i)] += d * d;
          }
        }
        float* nearest = nearest_.data() + at;
        int* label = labels_.data() + at;
        const int me = static_cast<int>(s);
        for (int i = 0; i < count; ++i) {
          const float d = distance[static_cast<std::size_t>(i)];
          const bool closer = d < nearest[i];
          nearest[i] = closer ? d : nearest[i];
          label[i] = closer ? me : label[i];
        }
      }
    }
  }

  // Means of places and features; a segment without pixels stays where it was.
  void Measure() {
    const std::size_t each = planes_.size() + 3;
    std::vector<double> sums(segments_.size() * each);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x) {
        const std::size_t i = Index(x, y);
        double* sum = sums.data() + static_cast<std::size_t>(labels_[i]) * each;
        sum[0] += 1;
        sum[1] += x;
        sum[2] += y;
        for (std::size_t f = 0; f < planes_.size(); ++f) sum[3 + f] += planes_[f][i];
      }
    }
    for (std::size_t s = 0; s < segments_.size(); ++s) {
      const double* sum = sums.data() + s * each;
      Segment& segment = segments_[s];
      segment.features.resize(planes_.size());
      if (sum[0] == 0) continue;
      segment.x = static_cast<float>(sum[1] / sum[0]);
      segment.y = static_cast<float>(sum[2] / sum[0]);
      for (std::size_t f = 0; f < planes_.size(); ++f) {
        segment.features[f] = static_cast<float>(sum[3 + f] / sum[0]);
      }
    }
  }

  // Parts that hang together become segments of their own, row by row; small ones join the segment
  // beside or above their first pixel.
  void Connect() {
    const std::size_t area = labels_.size();
    const std::size_t least = area / (4 * segments_.size());
    std::vector<int> joined(area, -1);
    std::vector<std::size_t> part;
    int next = 0;
    for (std::size_t start = 0; start < area; ++start) {
      if (joined[start] >= 0) continue;
      const auto x = static_cast<int>(start % static_cast<std::size_t>(width_));
      int neighbour = -1;
      if (x > 0) neighbour = joined[start - 1];
      if (neighbour < 0 && start >= static_cast<std::size_t>(width_)) {
        neighbour = joined[start - static_cast<std::size_t>(width_)];
      }
      part.assign(1, start);
      joined[start] = next;
      for (std::size_t done = 0; done < part.size(); ++done) {
        ForNeighbours(part[done], [&](std::size_t j) {
          if (joined[j] >= 0 || labels_[j] != labels_[start]) return;
          joined[j] = next;
          part.push_back(j);
        });
      }
      if (part.size() < least && neighbour >= 0) {
        for (const std::size_t i : part) joined[i] = neighbour;
      } else {
        ++next;
      }
    }
    labels_ = std::move(joined);
    segments_.assign(static_cast<std::size_t>(next), {});
  }

  template <class Visit>
  void ForNeighbours(std::size_t i, Visit visit) const {
    const auto width = static_cast<std::size_t>(width_);
    const std::size_t x = i % width;
    if (x > 0) visit(i - 1);
    if (x + 1 < width) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i + width < labels_.size()) visit(i + width);
  }

  std::size_t Index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
           static_cast<std::size_t>(x);
  }

  int width_;
  int height_;
  std::vector<std::vector<float>> planes_;
  std::vector<int> labels_;
  std::vector<float> nearest_;
  std::vector<Segment> segments_;
  int reach_ = 1;
  float pull_ = 0;  // squared colour difference that weighs as much as a squared pixel of distance
};

// A pixel of the picture takes the label of the small pixel it lies in; beside a boundary, of the
// nearest among that one's and its neighbours' segments.
template <class T>
cv::Mat Enlarged(const cv::Mat& picture, const Features& features, const Slic& slic) {
  const int width = slic.width();
  const int height = slic.height();
  const float scale_x = static_cast<float>(width) / static_cast<float>(picture.cols);
  const float scale_y = static_cast<float>(height) / static_cast<float>(picture.rows);
  std::vector<int> column(static_cast<std::size_t>(picture.cols));
  for (int x = 0; x < picture.cols; ++x) {
    column[static_cast<std::size_t>(x)] =
        static_cast<int>((2 * std::int64_t{x} + 1) * width / (2 * std::int64_t{picture.cols}));
  }
  const auto label = [&](int x, int y) {
    return slic.labels()[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                         static_cast<std::size_t>(x)];
  };
  std::vector<float> own(static_cast<std::size_t>(features.Count()));
  cv::Mat labels(picture.size(), CV_32S);
  for (int y = 0; y < picture.rows; ++y) {
    const int v =
        static_cast<int>((2 * std::int64_t{y} + 1) * height / (2 * std::int64_t{picture.rows}));
    const T* values = picture.ptr<T>(y);
    int* out = labels.ptr<int>(y);
    for (int x = 0; x < picture.cols; ++x) {
      const int u = column[static_cast<std::size_t>(x)];
      const std::array<int, 5> around{
          label(u, v), label(std::max(u - 1, 0), v), label(std::min(u + 1, width - 1), v),
          label(u, std::max(v - 1, 0)), label(u, std::min(v + 1, height - 1))};
      out[x] = around[0];
      if (around[1] == around[0] && around[2] == around[0] && around[3] == around[0] &&
          around[4] == around[0]) {
        continue;
      }
      features.Of(values + static_cast<std::ptrdiff_t>(x) * picture.channels(), own.data());
      const float at_x = (static_cast<float>(x) + 0.5F) * scale_x - 0.5F;
      const float at_y = (static_cast<float>(y) + 0.5F) * scale_y - 0.5F;
      float nearest = std::numeric_limits<float>::max();
      for (const int candidate : around) {
        const Segment& segment = slic.segments()[static_cast<std::size_t>(candidate)];
        const float dx = at_x - segment.x;
        const float dy = at_y - segment.y;
        float distance = (dx * dx + dy * dy) * slic.pull();
        for (std::size_t f = 0; f < own.size(); ++f) {
          const float d = own[f] - segment.features[f];
          distance += d * d;
        }
        if (distance < nearest) {
          nearest = distance;
          out[x] = candidate;
        }
      }
    }
  }
  return labels;
}

}  // namespace

Superpixels FindSuperpixels(const cv::Mat& picture, ValueRange range,
                            const SuperpixelRequest& request) {
  const Size full{picture.cols, picture.rows};
  const int longest = std::max(full.width, full.height);
  Size size = full;
  if (longest > request.max_size) {
    const double scale = static_cast<double>(request.max_size) / longest;
    size.width = std::max(1, static_cast<int>(std::floor(full.width * scale + 0.5)));
    size.height = std::max(1, static_cast<int>(std::floor(full.height * scale + 0.5)));
  }
  cv::Mat small = picture;
  if (size != full) {
    AffineGroup group;
    group.map = Matrix::Scale(static_cast<double>(size.width) / full.width,
                              static_cast<double>(size.height) / full.height);
    group.in = full;
    group.out = size;
    group.border.mode = Border::kReplicate;
    group.resampling = Resampling::kArea;
    group.resampled = true;
    small = ResizeAxisAligned(ImageView::Whole(picture), group);
  }
  const Features features(picture, range);
  Slic slic(small, features, request);
  slic.Run();
  if (size == full) {
    cv::Mat labels(full.height, full.width, CV_32S);
    for (int y = 0; y < full.height; ++y) {
      std::copy_n(slic.labels().begin() + std::ptrdiff_t{y} * full.width, full.width,
                  labels.ptr<int>(y));
    }
    return {labels, static_cast<int>(slic.segments().size())};
  }
  return WithDepth(picture, [&](auto zero) {
    return Superpixels{Enlarged<decltype(zero)>(picture, features, slic),
                       static_cast<int>(slic.segments().size())};
  });
}

}  // namespace pixloom
