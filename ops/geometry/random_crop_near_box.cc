// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/box_facts.h"
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// A lone number is the largest shift.
Value UpTo(const Value& value) {
  return value.IsNumber() ? Value::List({schema::To(0.0), schema::To(value.number)}) : value;
}

struct RandomCropNearBox {
  Range shift{0, 0.3};

  static constexpr std::string_view kName = "random_crop_near_box";
  static constexpr std::string_view kDoc =
      "Cut out the box of a random object with each side moved a little, inwards or outwards; "
      "without boxes the picture stays whole.";
  static constexpr std::array<std::string_view, 2> kAliases{"RandomCropNearBBox",
                                                            "random_crop_near_bbox"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("shift", &RandomCropNearBox::shift)
                          .In(0, 1)
                          .Unit("box sides")
                          .Primary()
                          .Alias("max_part_shift", UpTo)
                          .Doc("How far each side moves, in parts of the box's width or height; "
                               "drawn for each side, and never past the picture.")};
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const std::vector<ObjectBox> boxes = VisibleBoxes(facts);
    const ObjectBox* picked = PickBox(rng, boxes);
    std::array<double, 4> shifts;  // left, top, right, bottom; positive is right or down
    for (double& s : shifts) {
      s = rng.Draw("", shift);
      if (rng.Chance("", 0.5)) s = -s;
    }
    cv::Rect window(0, 0, facts.size.width, facts.size.height);
    if (picked != nullptr) {
      const Box& box = picked->box;
      const Part across = Between(box.x1 + shifts[0] * box.Width(),
                                  box.x2 + shifts[2] * box.Width(), facts.size.width);
      const Part down = Between(box.y1 + shifts[1] * box.Height(),
                                box.y2 + shifts[3] * box.Height(), facts.size.height);
      window = {across.start, down.start, across.length, down.length};
    }
    NoteWindow(rng, window);
    return Cut(window, facts.size);
  }

  Meta Out(const Meta& in) const { return OfSize(in, std::nullopt); }

 private:
  struct Part {
    int start;
    int length;
  };

  // Sides that passed each other trade places.
  static Part Between(double a, double b, int side) {
    const int start = std::clamp(Rounded(std::min(a, b)), 0, side - 1);
    const int end = std::clamp(Rounded(std::max(a, b)), start + 1, side);
    return {start, end - start};
  }
};

}  // namespace

void RegisterRandomCropNearBox(Registry& registry) { registry.AddOperator<RandomCropNearBox>(); }

}  // namespace pixloom
