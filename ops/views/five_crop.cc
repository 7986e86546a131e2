// SPDX-License-Identifier: Apache-2.0
#include "ops/views/views.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct FiveCrop : Outside {
  Size size;

  static constexpr std::string_view kName = "five_crop";
  static constexpr std::string_view kDoc =
      "Cut out the four corners and the centre, each a sample of its own.";
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("size", &FiveCrop::size)
                                         .In(1, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Primary()
                                         .Doc("Height and width of each window.")},
                          Outside::Table<FiveCrop>());
  }

  std::vector<View> Views(Size picture) const { return CornerViews(size, picture, Rule()); }
  std::shared_ptr<const ViewOperator> Make(const Services&) const {
    return std::make_shared<SizedViews<FiveCrop>>(*this);
  }
};

}  // namespace

void RegisterFiveCrop(Registry& registry) { registry.AddViews<FiveCrop>(); }

}  // namespace pixloom
