// SPDX-License-Identifier: Apache-2.0
#include "ops/views/views.h"
#include "pipeline/registry.h"

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

  std::vector<View> Views(Size picture) const {
    std::vector<View> views = CornerViews(size, picture, Rule());
    const Matrix mirror =
        vertical ? Matrix::MirrorY(picture.height) : Matrix::MirrorX(picture.width);
    for (View& view : CornerViews(size, picture, Rule())) {
      view.steps.insert(view.steps.begin(), {mirror, picture, std::nullopt, std::nullopt});
      view.facts.emplace_back("mirrored", 1);
      views.push_back(std::move(view));
    }
    return views;
  }
  std::shared_ptr<const ViewOperator> Make(const Services&) const {
    return std::make_shared<SizedViews<TenCrop>>(*this);
  }
};

}  // namespace

void RegisterTenCrop(Registry& registry) { registry.AddViews<TenCrop>(); }

}  // namespace pixloom
