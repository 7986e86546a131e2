// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/box_facts.h"
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct AtLeastOneBoxCrop : Outside {
  Size size;
  double erosion_factor = 0;

  static constexpr std::string_view kName = "at_least_one_box_crop";
  static constexpr std::string_view kDoc =
      "Cut out a window of fixed size at a random place where it shows something of a random "
      "object's box; without boxes as random_crop.";
  static constexpr std::array<std::string_view, 2> kAliases{"AtLeastOneBBoxRandomCrop",
                                                            "at_least_one_bbox_random_crop"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = AtLeastOneBoxCrop;
    return std::tuple_cat(
        std::tuple{
            Param("size", &Op::size)
                .In(1, kMaxSide)
                .Unit("px")
                .Required()
                .Primary()
                .Doc("Height and width of the window; a smaller picture is centred in it and "
                     "filled around."),
            Param("erosion_factor", &Op::erosion_factor)
                .In(0, 1)
                .Unit("box sides")
                .Doc("How much of the box's width and height is taken off before the window "
                     "must overlap it; 1 leaves its centre.")},
        Outside::Table<Op>());
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const std::vector<ObjectBox> boxes = VisibleBoxes(facts);
    const ObjectBox* picked = PickBox(rng, boxes);
    Box box{0, 0, static_cast<double>(facts.size.width), static_cast<double>(facts.size.height)};
    if (picked != nullptr) box = picked->box.Eroded(erosion_factor);
    const int x = Start(rng, box.x1, box.x2, facts.size.width, size.width);
    const int y = Start(rng, box.y1, box.y2, facts.size.height, size.height);
    rng.Note("x", x);
    rng.Note("y", y);
    return CutWindow(x, y, size, facts.size, Rule());
  }

  Meta Out(const Meta& in) const { return OfSize(in, size); }

 private:
  // Anywhere in the picture where [start, start + window] overlaps [lo, hi].
  static int Start(Rng& rng, double lo, double hi, int picture, int window) {
    if (picture <= window) return RandomStart(rng, picture, window);
    const int first_pixel = std::clamp(static_cast<int>(std::floor(lo)), 0, picture - 1);
    const int last_pixel =
        std::clamp(static_cast<int>(std::ceil(hi)) - 1, first_pixel, picture - 1);
    return Whole(rng, std::max(0, first_pixel - window + 1),
                 std::min(last_pixel, picture - window));
  }
};

}  // namespace

void RegisterAtLeastOneBoxCrop(Registry& registry) { registry.AddOperator<AtLeastOneBoxCrop>(); }

}  // namespace pixloom
