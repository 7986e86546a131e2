// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/field_kernel.h"

#include "ops/kernels/sampler.h"
#include "pipeline/error.h"
#include "pipeline/families.h"

namespace pixloom {
namespace {

class FieldPositions : public PositionMap {
 public:
  explicit FieldPositions(const cv::Mat& displacement) : displacement_(displacement) {}

  void Block(int x, int y, int count, double* source_x, double* source_y) const override {
    const float* d = displacement_.ptr<float>(y) + 2 * std::ptrdiff_t{x};
    for (int i = 0; i < count; ++i) {
      source_x[i] = (x + i) + 0.5 + static_cast<double>(d[2 * i]);
      source_y[i] = y + 0.5 + static_cast<double>(d[2 * i + 1]);
    }
  }

 private:
  const cv::Mat& displacement_;
};

}  // namespace

cv::Mat RemapField(const cv::Mat& source, const WarpField& field) {
  PIXLOOM_CHECK(field.displacement.type() == CV_32FC2, "a displacement is two floats per pixel");
  return SampleAt(ImageView::Whole(source), FieldPositions(field.displacement),
                  {field.displacement.cols, field.displacement.rows}, source.depth(), field.border,
                  field.resampling);
}

}  // namespace pixloom
