// SPDX-License-Identifier: Apache-2.0
// What albumentations' transforms of geometry, crops and holes are here. One row each; a new one is
// a new row, and its name stands in tests/import/albumentations_names.txt.
//
// Names and defaults are those of 2.0.8, older spellings stand beside them after a bar. A row is
// exact where the operation and how its parameters are drawn are the same; pixels then differ by
// rounding and resampling only.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "api/import_rules.h"

namespace pixloom::importing {

namespace {

constexpr Likeness kExact = Likeness::kExact;
constexpr Likeness kClose = Likeness::kClose;

void Border(const Value& value, std::string_view ours, Conversion& c) {
  static constexpr std::string_view kNames[] = {"constant", "replicate", "reflect", "wrap",
                                                "reflect101"};
  if (value.kind != Value::Kind::kInt || value.integer < 0 || value.integer > 4) {
    return Unexpected(value, "one of OpenCV's borders, 0 to 4", c);
  }
  c.step.Set(ours, Text(kNames[value.integer]));
}

// Of what is erased: levels, or a word.
void HoleFill(const Value& value, std::string_view ours, Conversion& c) {
  if (value.kind != Value::Kind::kString) {
    c.step.Set("fill", Text("constant"));
    return c.step.Set(ours, value);
  }
  if (value.text == "random" || value.text == "random_uniform") {
    return c.step.Set("fill", value);
  }
  if (value.text == "inpaint_telea" || value.text == "inpaint_ns") {
    c.step.Set("fill", Text("inpaint"));
    return c.Close("holes are filled by the smoothest surface, not by OpenCV's inpainting");
  }
  Unexpected(value, "levels, random, random_uniform, inpaint_telea or inpaint_ns", c);
}

void HoleMaskFill(const Value& value, std::string_view ours, Conversion& c) {
  c.step.Set("erase_masks", Value::Bool(true));
  MaskFill(value, ours, c);
}

const Rules kMasks{
    {"mask_interpolation", "", nullptr, "0", "masks are always sampled with nearest"}};

const Rules kSampling = Join({{{"interpolation", "interpolation", CvInterpolation, "1"}}, kMasks});

const Rules kResizing = Join({{{"interpolation", "interpolation", CvResizing, "1"}}, kMasks});

const Rules kArea{
    {"area_for_downscale", "interpolation", [](const Value&, std::string_view ours, Conversion& c) {
       c.step.Set(ours, Text("area"));
       c.Close("area is taken for pictures that grow, too");
     }}};

const Rules kBorder{{"border_mode|pad_mode", "border", Border, "0"},
                    {"fill|value|pad_cval", "fill", nullptr, "0"},
                    {"fill_mask|mask_value|pad_cval_mask", "mask_fill", MaskFill, "0"}};

const Rules kWarp = Join({kSampling, kBorder});

const Rules kField =
    Join({kWarp,
          {{"keypoint_remapping_method", ""}, {"approximate", ""}, {"map_resolution_range", ""}}});

const Rules kHoles{{"fill|fill_value", "level", HoleFill, "0"},
                   {"fill_mask|mask_fill_value", "mask_fill", HoleMaskFill}};

// ---- Sizes --------------------------------------------------------------------------------------

// [height, width] from wherever it stands.
void TakeSize(Conversion& c) {
  const Value* size = c.peer.Find("size");
  const Value* height = c.peer.Find("height");
  const Value* width = c.peer.Find("width");
  if (size != nullptr) return c.step.Set("size", *size);
  if (height == nullptr || width == nullptr) return c.Missing("size: height and width are needed");
  c.step.Set("size", Value::List({*height, *width}));
}

const Rules kSize{{"height", ""}, {"width", ""}, {"size", ""}};

// Windows that do not fit: ours are filled around, the peer's raise an error or are padded.
const Rules kPadding =
    Join({{{"pad_if_needed", ""},
           {"pad_position", "", nullptr, "\"center\"", "small pictures are centred in the window"}},
          kBorder});

void MaxSize(Conversion& c) {
  const Value* pair = c.peer.Find("max_size_hw");
  if (c.step.Find("size") != nullptr || pair == nullptr) return;
  const auto sides = AsPair(*pair);
  if (!sides || sides->first != sides->second) {
    return c.Missing("max_size_hw with two sides of its own: use resize, or letter_box with size");
  }
  c.step.Set("size", Number(sides->first));
}

// ---- Geometry -----------------------------------------------------------------------------------

// {x: ..., y: ...}, or the same for both.
std::pair<Value, Value> Axes(const Value& value) {
  if (value.kind != Value::Kind::kMap) return {value, value};
  const auto axis = [&](std::string_view name) {
    const Value* found = value.Find(name);
    return found != nullptr ? *found : Value::Int(0);
  };
  return {axis("x"), axis("y")};
}

void AffineScale(const Value& value, std::string_view, Conversion& c) {
  const auto [x, y] = Axes(value);
  const auto px = AsPair(x);
  const auto py = AsPair(y);
  if (!px || !py) return Unexpected(value, "a factor or two for each axis", c);
  c.step.Set("scale", Numbers({px->first, px->second}));
  if (px == py) return;
  c.step.Set("scale", Numbers({std::min(px->first, py->first), std::max(px->second, py->second)}));
  c.Close("both axes draw their scale from the range that holds those of x and y");
}

void AffineShift(const Value& value, std::string_view, Conversion& c) {
  const auto [x, y] = Axes(value);
  c.step.Set("translate_x", x);
  c.step.Set("translate_y", y);
  c.Close("shifts are not rounded to whole pixels");
}

void AffinePixels(const Value& value, std::string_view, Conversion& c) {
  const auto [x, y] = Axes(value);
  const auto px = AsPair(x);
  const auto py = AsPair(y);
  if (!px || !py) return Unexpected(value, "pixels, one or two numbers for each axis", c);
  if (px->first == 0 && px->second == 0 && py->first == 0 && py->second == 0) return;
  c.NeedsSize("translate_px");
  c.step.Set("translate_x", Scaled(x, 1.0 / c.picture.width));
  c.step.Set("translate_y", Scaled(y, 1.0 / c.picture.height));
}

void AffineShear(const Value& value, std::string_view, Conversion& c) {
  const auto [x, y] = Axes(value);
  // Lines slant the other way.
  Clockwise(x, "shear_x", c);
  Clockwise(y, "shear_y", c);
}

bool IsTrue(const Value& value) { return value.kind == Value::Kind::kBool && value.boolean; }

void CropBorder(const Value& value, std::string_view ours, Conversion& c) {
  c.step.Set(ours, value);
  if (IsTrue(value)) c.Close("the window holds whole pixels only: up to two less on a side");
}

void FitOutput(const Value& value, std::string_view ours, Conversion& c) {
  c.step.Set(ours, value);
  if (IsTrue(value)) c.Close("the canvas is as small as can be: up to two pixels less on a side");
}

void PadSides(const Value& value, std::string_view, Conversion& c) {
  if (value.IsNumber()) return c.step.Set("all", value);
  const std::size_t n = value.items.size();
  if (value.kind != Value::Kind::kList || (n != 2 && n != 4)) {
    return Unexpected(value, "one, two or four numbers", c);
  }
  static constexpr std::string_view kSides[] = {"left", "top", "right", "bottom"};
  for (std::size_t i = 0; i < 4; ++i) c.step.Set(kSides[i], value.items[n == 2 ? i % 2 : i]);
}

// Pixels and parts of a side, which the peer takes with opposite ends for crops and pads.
void CropPadAmount(const Value& value, std::string_view ours, Conversion& c) {
  if (AsPair(value)) {
    // The peer's whole numbers leave the upper end out.
    const auto pair = *AsPair(value);
    if (ours == "px" && value.kind == Value::Kind::kList && pair.second > pair.first) {
      return c.step.Set(ours, Numbers({pair.first, pair.second - 1}));
    }
    if (ours == "fraction") c.Close("amounts are rounded to pixels, the peer cuts them off");
    return c.step.Set(ours, value);
  }
  double lo = 0;
  double hi = 0;
  bool first = true;
  for (const Value& side : value.items) {
    const auto pair = AsPair(side);
    if (!pair) return Unexpected(value, "one number, two, or one or two for each side", c);
    lo = first ? pair->first : std::min(lo, pair->first);
    hi = first ? pair->second : std::max(hi, pair->second);
    first = false;
  }
  if (first) return Unexpected(value, "one number, two, or one or two for each side", c);
  c.step.Set(ours, Numbers({lo, hi}));
  if (lo != hi) c.Close("all sides draw from the range that holds those of each side");
}

void FlipDirection(Conversion& c) {
  // 1.x: one of left-right, top-bottom or both.
  c.step.verb = "one_of";
  for (const char* verb : {"hflip", "vflip", "rotate90"}) {
    ImportedStep part;
    part.verb = verb;
    if (part.verb == "rotate90") part.Set("k", Value::Int(2));
    c.step.children.push_back(std::move(part));
  }
}

// One range for both axes where they are the same, or else steps of their own.
void ShiftAxes(Conversion& c) {
  const Value* x = c.peer.Find("shift_limit_x");
  const Value* y = c.peer.Find("shift_limit_y");
  if (x == nullptr && y == nullptr) return;
  const Value* both = c.peer.Find("shift_limit");
  const Value fallback = both != nullptr ? *both : FromJson("[-0.0625, 0.0625]");
  const auto ends = [](const Value& value) -> std::optional<std::pair<double, double>> {
    const auto pair = AsPair(value);
    if (pair && value.IsNumber()) return std::pair{-std::abs(pair->first), std::abs(pair->first)};
    return pair;
  };
  const auto px = ends(x != nullptr ? *x : fallback);
  const auto py = ends(y != nullptr ? *y : fallback);
  if (!px || !py) return c.Missing("shift_limit_x, shift_limit_y: expected one or two numbers");
  if (px == py) return c.step.Set("shift", Numbers({px->first, px->second}));
  // affine does the same, with an axis each.
  c.step.verb = "affine";
  c.step.Set("translate_x", Numbers({px->first, px->second}));
  c.step.Set("translate_y", Numbers({py->first, py->second}));
  c.step.Set("keep_ratio", Value::Bool(true));
  std::erase_if(c.step.args, [](const Value::Entry& entry) { return entry.key == "shift"; });
}

// [columns, rows] to [rows, columns].
void ColumnsFirst(const Value& value, std::string_view ours, Conversion& c) {
  if (value.kind != Value::Kind::kList || value.items.size() != 2) {
    return Unexpected(value, "two numbers", c);
  }
  c.step.Set(ours, Value::List({value.items[1], value.items[0]}));
}

void AbsoluteScale(const Value& value, std::string_view, Conversion& c) {
  if (value.kind != Value::Kind::kBool || !value.boolean) return;
  c.NeedsSize("scale with absolute_scale");
  const Value* scale = c.step.Find("scale");
  const int side = std::max(c.picture.width, c.picture.height);
  if (scale != nullptr) c.step.Set("scale", Scaled(*scale, 1.0 / side));
}

// ---- Holes --------------------------------------------------------------------------------------

// Boxes that holes cut shrink to what is left of them.
void ShrinkBoxes(Conversion& c) {
  if (c.labels) c.step.Set("shrink", Value::Bool(true));
}

// Below 1 parts of the side, from there on pixels.
void HoleSizes(Conversion& c) {
  const Value* height = c.step.Find("hole_height");
  const Value* width = c.step.Find("hole_width");
  if (height == nullptr || width == nullptr) return;
  const auto h = AsPair(*height);
  const auto w = AsPair(*width);
  if (!h || !w) return c.Missing("hole_height_range, hole_width_range: expected two numbers each");
  if (h->second >= 1) c.step.Set("unit", Text("px"));  // the height decides for both
}

// 1.x: max_holes=8, max_height=8, max_width=8, min_holes=None, ...
void OldHoles(Conversion& c) {
  const auto range = [&](const char* least, const char* most, std::string_view ours) {
    const Value* hi = c.peer.Find(most);
    if (hi == nullptr || !hi->IsNumber()) return;
    const Value* lo = c.peer.Find(least);
    c.step.Set(ours,
               Numbers({lo != nullptr && lo->IsNumber() ? lo->number : hi->number, hi->number}));
  };
  range("min_holes", "max_holes", "holes");
  range("min_height", "max_height", "hole_height");
  range("min_width", "max_width", "hole_width");
  HoleSizes(c);
}

// 1.x: num_holes=8, max_h_size=8, max_w_size=8
void OldCutout(Conversion& c) {
  HoleSizes(c);
  ShrinkBoxes(c);
}

void GridUnit(const Value& value, std::string_view ours, Conversion& c) {
  const auto pair = AsPair(value);
  if (!pair) return Unexpected(value, "two numbers of pixels", c);
  // The peer's draw leaves the upper end out.
  c.step.Set(ours, Numbers({pair->first, std::max(pair->first, pair->second - 1)}));
  c.step.Set("unit", Text("px"));
}

void GridDropoutDefaults(Conversion& c) {
  ShrinkBoxes(c);
  const bool told = c.peer.Find("unit_size_range") != nullptr ||
                    c.peer.Find("holes_number_xy") != nullptr ||
                    c.peer.Find("unit_size_min") != nullptr;
  if (!told) c.step.Set("grid", FromJson("[10, 10]"));  // a tenth of each side
  const Value* least = c.peer.Find("unit_size_min");
  const Value* most = c.peer.Find("unit_size_max");
  if (least != nullptr && most != nullptr) GridUnit(Value::List({*least, *most}), "tile", c);
  const Value* shift = c.peer.Find("shift_xy");
  if (shift != nullptr && shift->items.size() == 2) {
    const auto pixels = AsPair(*shift);
    if (pixels && (pixels->first != 0 || pixels->second != 0)) {
      c.Close("shift_xy counts pixels, ours tiles: a random offset is taken instead");
      c.step.Set("random_offset", Value::Bool(true));
    }
  }
}

void Stripes(const Value& value, std::string_view ours, Conversion& c) {
  FromZero(value, ours, c);
  c.step.Set("unit", Text("px"));
}

void OnlyColumns(Conversion& c) {
  ShrinkBoxes(c);
  c.step.Set("count_x", FromJson("[0, 1]"));
  c.step.Set("count_y", Value::Int(0));
  c.step.Set("unit", Text("px"));
}

void OnlyRows(Conversion& c) {
  ShrinkBoxes(c);
  c.step.Set("count_x", Value::Int(0));
  c.step.Set("count_y", FromJson("[0, 1]"));
  c.step.Set("unit", Text("px"));
}

// null, where it stands, is a random value.
void RandomDrop(Conversion& c) {
  for (const Value::Entry& entry : c.peer.args) {
    if (entry.key == "drop_value" && entry.value.kind == Value::Kind::kNull) {
      c.step.Set("fill", Text("random"));
    }
  }
}

void ConstrainedObjects(Conversion& c) {
  ShrinkBoxes(c);
  const Value* labels = c.peer.Find("bbox_labels");
  const Value* indices = c.peer.Find("mask_indices");
  if (indices != nullptr) {
    c.step.Set("classes", *indices);
    c.step.Set("inside", Text("semantic"));
  } else if (labels != nullptr) {
    c.step.Set("classes", *labels);
  }
  HoleSizes(c);
}

void MorphologySide(const Value& value, std::string_view ours, Conversion& c) {
  const auto sides = AsPair(value);
  if (!sides) return Unexpected(value, "one or two whole numbers", c);
  c.step.Set(ours, Number(2 * std::floor((sides->first + sides->second) / 4) + 1));
}

void Operation(const Value& value, std::string_view, Conversion& c) {
  if (value.text != "dilation" && value.text != "erosion") {
    return Unexpected(value, "dilation or erosion", c);
  }
  c.step.verb = value.text == "erosion" ? "erode" : "dilate";
}

}  // namespace

const std::vector<Row>& AlbumentationsSpaceRows() {
  static const std::vector<Row> rows{
      // clang-format off
      // -- geometry
      {"HorizontalFlip", "hflip", kExact, 0.5},
      {"VerticalFlip", "vflip", kExact, 0.5},
      {"Flip", "one_of", kExact, 0.5, "", {}, Makes::kSame, FlipDirection},
      {"TimeReverse", "hflip", kExact, 0.5},
      {"Transpose", "transpose", kExact, 0.5},
      {"RandomRotate90", "rotate90", kExact, 1, "", {{"", "k", nullptr, "[0, 3]"}}},
      {"D4", "d4", kExact, 1},
      {"SquareSymmetry", "d4", kExact, 1},
      {"Rotate", "rotate", kExact, 0.5, "",
       Join({{{"limit", "angle", Symmetric, "[-90, 90]"},
              {"crop_border", "crop_border", CropBorder, "false"},
              {"rotate_method", "", nullptr, "\"largest_box\"",
               "boxes become the hull of their outline"}},
             kWarp})},
      {"SafeRotate", "safe_rotate", kClose, 0.5,
       "both axes shrink alike; the peer stretches each to the old size",
       Join({{{"limit|rotate", "angle", Symmetric, "[-90, 90]"},
              {"rotate_method", "", nullptr, "\"largest_box\"",
               "boxes become the hull of their outline"},
              {"scale", ""}, {"shear", ""}, {"translate_percent", ""},
              {"translate_px", ""}, {"fit_output", ""},
              {"keep_ratio", ""}, {"balanced_scale", ""}},
             kWarp})},
      {"Affine", "affine", kExact, 0.5, "",
       Join({{{"scale", "scale", AffineScale, "1"},
              {"translate_percent", "translate_x", AffineShift},
              {"translate_px", "translate_x", AffinePixels},
              {"rotate", "rotate", nullptr, "0"},
              {"shear", "shear_x", AffineShear, "0"},
              {"keep_ratio", "keep_ratio", nullptr, "false"},
              {"balanced_scale", "balanced_scale", nullptr, "false"},
              {"fit_output", "fit_output", FitOutput, "false"},
              {"rotate_method", "", nullptr, "\"largest_box\"",
               "boxes become the hull of their outline"},
              {"mode|cval|cval_mask", ""}},
             kWarp})},
      {"ShiftScaleRotate", "shift_scale_rotate", kClose, 0.5,
       "shifts are not rounded to whole pixels",
       Join({{{"shift_limit", "shift", Symmetric, "[-0.0625, 0.0625]"},
              {"scale_limit", "scale", AroundOne, "[-0.1, 0.1]"},
              {"rotate_limit", "rotate", Symmetric, "[-45, 45]"},
              {"shift_limit_x", ""}, {"shift_limit_y", ""},
              {"rotate_method", "", nullptr, "\"largest_box\"",
               "boxes become the hull of their outline"}},
             kWarp}),
       Makes::kSame, ShiftAxes},
      {"Perspective", "perspective", kExact, 0.5, "",
       Join({{{"scale", "scale", FromZero, "[0.05, 0.1]"},
              {"keep_size", "keep_size", nullptr, "true"},
              {"fit_output", "fit_output", nullptr, "false"},
              {"pad_mode", ""}},
             kWarp})},
      {"ElasticTransform", "elastic", kClose, 0.5,
       "another noise of the same strength and smoothness",
       Join({{{"alpha", "alpha", nullptr, "1"},
              {"sigma", "sigma", nullptr, "50"},
              {"same_dxdy", "same_dxdy", nullptr, "false"},
              {"noise_distribution", "", nullptr, "\"gaussian\"",
               "noise is gaussian, not uniform: fields are some 1.7 times as strong"},
              {"alpha_affine", ""}},
             kField})},
      {"GridDistortion", "grid_distortion", kExact, 0.5, "",
       Join({{{"distort_limit", "distort", Symmetric, "[-0.3, 0.3]"},
              {"num_steps", "num_steps", nullptr, "5"},
              {"normalized", "normalized", nullptr, "true"}},
             kField})},
      {"GridElasticDeform", "grid_elastic", kClose, 1,
       "nodes stay within 23 % of a cell, so that nothing folds",
       Join({{{"num_grid_xy", "num_grid", ColumnsFirst}, {"magnitude", "magnitude"}}, kField})},
      {"OpticalDistortion", "optical_distortion", kClose, 0.5,
       "the middle of the lens is that of the picture; the peer's lies half a pixel off",
       Join({{{"distort_limit", "distort", Symmetric, "[-0.05, 0.05]"},
              {"mode", "model", nullptr, "\"camera\""},
              {"shift_limit", "", nullptr, "0", "shift_limit has no equivalent"}},
             kField})},
      {"PiecewiseAffine", "piecewise_affine", kClose, 0.5,
       "nodes stay within 23 % of a cell, so that nothing folds",
       Join({{{"scale", "scale", FromZero, "[0.03, 0.05]"},
              {"nb_rows", "nb_rows", nullptr, "4"},
              {"nb_cols", "nb_cols", nullptr, "4"},
              {"absolute_scale", "", AbsoluteScale}},
             kField})},
      {"ThinPlateSpline", "thin_plate_spline", kExact, 0.5, "",
       Join({{{"scale_range", "scale", nullptr, "[0.2, 0.4]"},
              {"num_control_points", "num_control_points", nullptr, "4"}},
             kField})},
      {"RandomGridShuffle", "grid_shuffle", kExact, 0.5, "", {{"grid", "grid", nullptr, "[3, 3]"}}},
      {"Morphological", "dilate", kClose, 0.5,
       "the neighbourhood has one odd side; the peer takes scale as its width and height",
       {{"scale", "kernel", MorphologySide, "[2, 3]"},
        {"operation", "", Operation},
        {"", "shape", nullptr, "\"ellipse\""},
        {"", "masks", nullptr, "true"}}},

      // -- crops, pads, sizes
      {"Resize", "resize", kExact, 1, "", Join({kSize, kResizing, kArea}), Makes::kSame, TakeSize},
      {"LongestMaxSize", "longest_max_size", kExact, 1, "",
       Join({{{"max_size", "size", OneOfList}, {"max_size_hw", ""}}, kResizing, kArea}),
       Makes::kSame, MaxSize},
      {"SmallestMaxSize", "smallest_max_size", kExact, 1, "",
       Join({{{"max_size", "size", OneOfList}, {"max_size_hw", ""}}, kResizing, kArea}),
       Makes::kSame, MaxSize},
      {"RandomScale", "random_scale", kExact, 0.5, "",
       Join({{{"scale_limit", "scale", AroundOne, "[-0.1, 0.1]"}}, kResizing, kArea})},
      {"Pad", "pad", kExact, 1, "", Join({{{"padding", "all", PadSides, "0"}}, kBorder})},
      {"PadIfNeeded", "pad_if_needed", kExact, 1, "",
       Join({{{"min_height", "min_height"},
              {"min_width", "min_width"},
              {"pad_height_divisor", "height_divisor"},
              {"pad_width_divisor", "width_divisor"},
              {"position", "position", nullptr, "\"center\""},
              {"padding", ""}},
             kBorder}),
       Makes::kSame,
       [](Conversion& c) {
         // Nothing at all stands for the peer's 1024, null beside a divisor for no least size.
         const auto mentioned = [&](std::string_view name) {
           return std::any_of(c.peer.args.begin(), c.peer.args.end(),
                              [&](const Value::Entry& entry) { return entry.key == name; });
         };
         if (!mentioned("min_height")) c.step.Set("min_height", Value::Int(1024));
         if (!mentioned("min_width")) c.step.Set("min_width", Value::Int(1024));
       }},
      {"CenterCrop", "center_crop", kExact, 1, "", Join({kSize, kPadding}), Makes::kSame, TakeSize},
      {"RandomCrop", "random_crop", kExact, 1, "", Join({kSize, kPadding}), Makes::kSame, TakeSize},
      {"Crop", "crop", kExact, 1, "",
       Join({{{"x_min", "x_min", nullptr, "0"},
              {"y_min", "y_min", nullptr, "0"},
              {"x_max", "x_max", nullptr, "1024"},
              {"y_max", "y_max", nullptr, "1024"}},
             kPadding})},
      {"RandomResizedCrop", "random_resized_crop", kExact, 1, "",
       Join({kSize,
             {{"scale", "scale", nullptr, "[0.08, 1]"},
              {"ratio", "ratio", nullptr, "[0.75, 1.3333333333333333]"}},
             kResizing, kArea}),
       Makes::kSame, TakeSize},
      {"RandomSizedCrop", "random_sized_crop", kExact, 1, "",
       Join({kSize,
             {{"min_max_height", "height"}, {"w2h_ratio", "w2h_ratio", nullptr, "1"}},
             kResizing, kArea}),
       Makes::kSame, TakeSize},
      {"RandomCropFromBorders", "random_crop_from_borders", kExact, 1, "",
       {{"crop_left", "left", nullptr, "0.1"},
        {"crop_right", "right", nullptr, "0.1"},
        {"crop_top", "top", nullptr, "0.1"},
        {"crop_bottom", "bottom", nullptr, "0.1"}}},
      {"RandomCropNearBBox", "random_crop_near_box", kClose, 1,
       "the box is that of a random object, not the one under cropping_bbox_key",
       {{"max_part_shift", "shift", FromZero, "[0, 0.3]"},
        {"cropping_bbox_key|cropping_box_key", ""}}},
      {"BBoxSafeRandomCrop", "box_safe_random_crop", kExact, 1, "",
       {{"erosion_rate", "erosion_rate", nullptr, "0"}}},
      {"RandomSizedBBoxSafeCrop", "random_sized_box_safe_crop", kExact, 1, "",
       Join({kSize, {{"erosion_rate", "erosion_rate", nullptr, "0"}}, kResizing}),
       Makes::kSame, TakeSize},
      {"AtLeastOneBBoxRandomCrop", "at_least_one_box_crop", kExact, 1, "",
       Join({kSize, {{"erosion_factor", "erosion_factor", nullptr, "0"}}}),
       Makes::kSame, TakeSize},
      {"CropNonEmptyMaskIfExists", "crop_non_empty_mask", kExact, 1, "",
       Join({kSize,
             {{"ignore_values", "ignore_values"},
              {"ignore_channels", "", nullptr, "[]", "masks have one channel"}}}),
       Makes::kSame, TakeSize},
      {"CropAndPad", "crop_and_pad", kExact, 1, "",
       Join({{{"px", "px", CropPadAmount},
              {"percent", "fraction", CropPadAmount},
              {"keep_size", "keep_size", nullptr, "true"},
              {"sample_independently", "sample_independently", nullptr, "true"}},
             kWarp})},

      // -- erasing
      {"CoarseDropout", "coarse_dropout", kExact, 0.5, "",
       Join({{{"num_holes_range", "holes", nullptr, "[1, 2]"},
              {"hole_height_range", "hole_height", nullptr, "[0.1, 0.2]"},
              {"hole_width_range", "hole_width", nullptr, "[0.1, 0.2]"},
              {"max_holes", ""},
              {"max_height", ""},
              {"max_width", ""},
              {"min_holes", ""},
              {"min_height", ""},
              {"min_width", ""}},
             kHoles}),
       Makes::kSame,
       [](Conversion& c) {
         OldHoles(c);
         ShrinkBoxes(c);
       }},
      {"Cutout", "coarse_dropout", kExact, 0.5, "",
       Join({{{"num_holes", "holes", nullptr, "8"},
              {"max_h_size", "hole_height", nullptr, "8"},
              {"max_w_size", "hole_width", nullptr, "8"}},
             kHoles}),
       Makes::kSame, OldCutout},
      {"Erasing", "erasing", kClose, 0.5,
       "shapes are even in their logarithm, and an area that cannot fit does not stop it",
       Join({{{"scale", "scale", nullptr, "[0.02, 0.33]"},
              {"ratio", "ratio",
               [](const Value& value, std::string_view ours, Conversion& c) {
                 // The peer's is width / height.
                 const auto pair = AsPair(value);
                 if (!pair || pair->first <= 0) return Unexpected(value, "two numbers above 0", c);
                 c.step.Set(ours, Numbers({1 / pair->second, 1 / pair->first}));
               },
               "[0.3, 3.3]"}},
             kHoles}),
       Makes::kSame, ShrinkBoxes},
      {"ConstrainedCoarseDropout", "constrained_dropout", kExact, 0.5, "",
       Join({{{"num_holes_range", "holes", nullptr, "1"},
              {"hole_height_range", "hole_height", nullptr, "0.1"},
              {"hole_width_range", "hole_width", nullptr, "0.1"},
              {"mask_indices", ""}, {"bbox_labels", ""}},
             kHoles}),
       Makes::kSame, ConstrainedObjects},
      {"GridDropout", "grid_dropout", kExact, 0.5, "",
       Join({{{"ratio", "ratio", nullptr, "0.5"},
              {"random_offset", "random_offset", nullptr, "true"},
              {"unit_size_range", "tile", GridUnit},
              {"holes_number_xy", "grid", ColumnsFirst},
              {"shift_xy", ""}, {"unit_size_min", ""},
              {"unit_size_max", ""},
              {"holes_number_x|holes_number_y|shift_x|shift_y", ""}},
             kHoles}),
       Makes::kSame, GridDropoutDefaults},
      {"MaskDropout", "mask_dropout", kClose, 0.5,
       "objects are those of the sample; the peer takes connected parts of its mask",
       Join({{{"max_objects", "objects", nullptr, "1"}}, kHoles})},
      {"PixelDropout", "pixel_dropout", kExact, 0.5, "",
       {{"dropout_prob", "rate", nullptr, "0.01"},
        {"per_channel", "per_channel", nullptr, "false"},
        {"drop_value", "level", nullptr, "0"},
        {"mask_drop_value", "mask_fill", HoleMaskFill}},
       Makes::kSame, RandomDrop},
      {"XYMasking", "xy_masking", kExact, 0.5, "",
       Join({{{"num_masks_x", "count_x", nullptr, "0"},
              {"num_masks_y", "count_y", nullptr, "0"},
              {"mask_x_length", "length_x", Stripes, "0"},
              {"mask_y_length", "length_y", Stripes, "0"}},
             kHoles}),
       Makes::kSame, ShrinkBoxes},
      {"TimeMasking", "xy_masking", kExact, 0.5, "",
       Join({{{"time_mask_param", "length_x", Stripes, "40"},
              {"mask_x_length", ""}, {"mask_y_length", ""},
              {"num_masks_x", ""}, {"num_masks_y", ""}},
             kHoles}),
       Makes::kSame, OnlyColumns},
      {"FrequencyMasking", "xy_masking", kExact, 0.5, "",
       Join({{{"freq_mask_param", "length_y", Stripes, "30"},
              {"mask_x_length", ""}, {"mask_y_length", ""},
              {"num_masks_x", ""}, {"num_masks_y", ""}},
             kHoles}),
       Makes::kSame, OnlyRows},
      // clang-format on
  };
  return rows;
}

}  // namespace pixloom::importing
