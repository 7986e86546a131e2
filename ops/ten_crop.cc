// SPDX-License-Identifier: Apache-2.0
#include "ops/register.h"
#include "ops/views.h"

namespace pixloom {
namespace {

struct TenCrop : Outside {
  Size size;
  bool vertical = false;

  static constexpr std::string_view kName = "ten_crop";
  static constexpr std::string_view kDoc =
      "Cut out the four corners and the centre, then the same five mirrored.";
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("size", &TenCrop::size)
                                         .In(1, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Primary()
                                         .Doc("Height and width of each window."),
                                     Param("vertical", &TenCrop::vertical)
                                         .Alias("vertical_flip")
                                         .Doc("Mirror top and bottom instead of left and right.")},
                          Outside::Table<TenCrop>());
  }

  std::shared_ptr<const ViewOperator> Make(const Services&) const;
};

class TenCropViews final : public ViewOperator {
 public:
  explicit TenCropViews(TenCrop op) : op_(std::move(op)) {}
  std::vector<View> Views(Size picture) const override {
    std::vector<View> views = CornerViews(op_.size, picture, op_.Rule());
    const Matrix mirror =
        op_.vertical ? Matrix::MirrorY(picture.height) : Matrix::MirrorX(picture.width);
    for (View& view : CornerViews(op_.size, picture, op_.Rule())) {
      view.steps.insert(view.steps.begin(), {mirror, picture, std::nullopt, std::nullopt});
      view.facts.emplace_back("mirrored", 1);
      views.push_back(std::move(view));
    }
    return views;
  }
  Meta OutputMeta(const Meta& in) const override {
    Meta out = in;
    out.size = op_.size;
    return out;
  }

 private:
  TenCrop op_;
};

std::shared_ptr<const ViewOperator> TenCrop::Make(const Services&) const {
  return std::make_shared<TenCropViews>(*this);
}

}  // namespace

void RegisterTenCrop(Registry& registry) { registry.AddViews<TenCrop>(); }

}  // namespace pixloom
