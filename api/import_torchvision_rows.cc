// SPDX-License-Identifier: Apache-2.0
// What torchvision's transforms are here, those of v1 and of v2. One row each; a new one is a new
// row, and its name stands in tests/import/torchvision_names.txt.
//
// What a transform does not print is taken to be its default.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "api/import_rules.h"

namespace pixloom::importing {

namespace {

constexpr Likeness kExact = Likeness::kExact;
constexpr Likeness kClose = Likeness::kClose;
constexpr Likeness kMissing = Likeness::kMissing;

// ---- Words --------------------------------------------------------------------------------------

// Of warps: the filter as it is.
void Interpolation(const Value& value, std::string_view ours, Conversion& c) {
  const std::string& name = value.text;
  if (name == "nearest" || name == "nearest_exact" || name == "nearest-exact" || name == "0") {
    return c.step.Set(ours, Text("nearest"));
  }
  if (name == "bilinear" || name == "linear" || name == "2") {
    return c.step.Set(ours, Text("linear"));
  }
  if (name == "bicubic" || name == "cubic" || name == "3") return c.step.Set(ours, Text("cubic"));
  if (name == "lanczos" || name == "antialias" || name == "1") {
    return c.step.Set(ours, Text("lanczos"));
  }
  if (name == "box" || name == "4") return c.step.Set(ours, Text("area"));
  Unexpected(value, "nearest, bilinear, bicubic, lanczos or box", c);
}

// Of resizes: pictures of Pillow, and tensors by default, are smoothed where they shrink.
void Resampling(const Value& value, std::string_view ours, Conversion& c) {
  Interpolation(value, ours, c);
  const Value* antialias = c.peer.Find("antialias");
  if (antialias != nullptr && antialias->kind == Value::Kind::kBool && !antialias->boolean) return;
  const Value* made = c.step.Find(ours);
  if (made == nullptr) return;
  if (made->text == "linear") c.step.Set(ours, Text("antialias"));
  if (made->text == "cubic") c.step.Set(ours, Text("antialias_cubic"));
}

void PaddingMode(const Value& value, std::string_view ours, Conversion& c) {
  if (value.text == "edge") return c.step.Set(ours, Text("replicate"));
  if (value.text == "reflect") return c.step.Set(ours, Text("reflect101"));
  if (value.text == "symmetric") return c.step.Set(ours, Text("reflect"));
  if (value.text == "constant") return c.step.Set(ours, value);
  Unexpected(value, "constant, edge, reflect or symmetric", c);
}

// ---- Sizes --------------------------------------------------------------------------------------

// 224, [224] or [224, 224].
void Square(const Value& value, std::string_view ours, Conversion& c) {
  if (value.kind == Value::Kind::kList && value.items.size() == 1) {
    return c.step.Set(ours, value.items[0]);
  }
  c.step.Set(ours, value);
}

// One number is the shorter side.
void ResizeTo(Conversion& c) {
  const Value* size = c.peer.Find("size");
  const Value* most = c.peer.Find("max_size");
  if (size == nullptr) return c.Missing("size is not given");
  const bool list = size->kind == Value::Kind::kList;
  if (list && size->items.size() == 2) return c.step.Set("size", *size);
  const Value side = list && size->items.size() == 1 ? size->items[0] : *size;
  c.step.verb = most != nullptr ? "random_shortest_size" : "smallest_max_size";
  c.step.Set("size", side);
  if (most != nullptr) c.step.Set("max_size", *most);
  c.Close("the longer side is rounded, the peer cuts off what is behind the point: up to a pixel");
}

void PadSides(const Value& value, ImportedStep& step, Conversion& c) {
  if (value.IsNumber()) return step.Set("all", value);
  const std::size_t n = value.items.size();
  if (n == 1) return step.Set("all", value.items[0]);
  if (n != 2 && n != 4) return Unexpected(value, "one, two or four numbers", c);
  static constexpr std::string_view kSides[] = {"left", "top", "right", "bottom"};
  for (std::size_t i = 0; i < 4; ++i) step.Set(kSides[i], value.items[n == 2 ? i % 2 : i]);
}

void Padding(const Value& value, std::string_view, Conversion& c) { PadSides(value, c.step, c); }

// RandomCrop(32, padding=4): a pad, then the crop.
void PaddedCrop(Conversion& c) {
  const Value* padding = c.peer.Find("padding");
  if (padding == nullptr) return;
  ImportedStep pad;
  pad.verb = "pad";
  PadSides(*padding, pad, c);
  ImportedStep crop = c.step;
  crop.p = 1;
  for (const char* name : {"border", "fill", "mask_fill"}) {
    if (const Value* value = c.step.Find(name)) pad.Set(name, *value);
  }
  c.step.verb = "chain";
  c.step.args.clear();
  c.step.children.push_back(std::move(pad));
  c.step.children.push_back(std::move(crop));
}

const Rules kFill{{"fill", "fill", nullptr, "0"}, {"", "mask_fill", nullptr, "0"}};
const Rules kWarp =
    Join({{{"interpolation|resample", "interpolation", Interpolation, "\"nearest\""}},
          kFill,
          {{"fillcolor", "fill"}}});
const Rules kResize{{"interpolation", "interpolation", Resampling, "\"bilinear\""},
                    {"antialias", ""}};

// ---- Geometry -----------------------------------------------------------------------------------

void Expand(const Value& value, std::string_view ours, Conversion& c) {
  c.step.Set(ours, value);
  if (value.kind == Value::Kind::kBool && value.boolean) {
    c.Close("the canvas is as small as can be: up to a pixel less on a side");
  }
}

std::optional<std::pair<double, double>> Around(const Value& value) {
  const auto pair = AsPair(value);
  if (pair && value.IsNumber()) return std::pair{-std::abs(pair->first), std::abs(pair->first)};
  return pair;
}

Value Range(double lo, double hi) { return lo == hi ? Number(lo) : Numbers({lo, hi}); }

// The peer scales, slants, turns clockwise and shifts; `affine` turns before it slants. Where both
// are asked for, steps of their own keep the order, and resample once all the same.
void AffineParts(Conversion& c) {
  const Value* degrees = c.peer.Find("degrees");
  const Value* shear = c.peer.Find("shear");
  const Value* shift = c.peer.Find("translate");
  const auto angle = degrees != nullptr ? Around(*degrees) : std::nullopt;
  if (!angle) return c.Missing("degrees: expected one or two numbers");
  std::pair<double, double> x{0, 0};
  std::pair<double, double> y{0, 0};
  if (shear != nullptr) {
    const auto one = Around(*shear);
    if (one) {
      x = *one;
    } else if (shear->kind == Value::Kind::kList && shear->items.size() == 4 &&
               std::all_of(shear->items.begin(), shear->items.end(),
                           [](const Value& v) { return v.IsNumber(); })) {
      x = {shear->items[0].number, shear->items[1].number};
      y = {shear->items[2].number, shear->items[3].number};
    } else {
      return Unexpected(*shear, "one, two or four numbers for shear", c);
    }
  }
  // Positive angles of the peer slant the other way.
  const Value slant_x = Range(-x.second, -x.first);
  const Value slant_y = Range(-y.second, -y.first);
  const Value turn = Range(-angle->second, -angle->first);
  const bool slants_x = x != std::pair{0.0, 0.0};
  const bool slants_y = y != std::pair{0.0, 0.0};
  const bool turns = *angle != std::pair{0.0, 0.0};
  c.step.Set("keep_ratio", Value::Bool(true));
  ImportedStep last = c.step;
  last.args.clear();
  for (const char* name : {"interpolation", "fill", "mask_fill"}) {
    if (const Value* value = c.step.Find(name)) last.Set(name, *value);
  }
  const auto finish = [&](ImportedStep& step) {
    step.Set("rotate", turn);
    if (shift == nullptr) return;
    const auto ways = AsPair(*shift);
    if (!ways) return c.Missing("translate: expected two parts of a side");
    step.Set("translate_x", Range(-ways->first, ways->first));
    step.Set("translate_y", Range(-ways->second, ways->second));
  };
  if (!slants_y && !(slants_x && turns)) {
    if (slants_x) c.step.Set("shear_x", slant_x);
    return finish(c.step);
  }
  ImportedStep first = c.step;
  first.p = 1;
  last.p = 1;
  ImportedStep middle = last;
  if (slants_x) first.Set("shear_x", slant_x);
  middle.Set("shear_y", slant_y);
  finish(last);
  c.step.verb = "chain";
  c.step.args.clear();
  c.step.children.push_back(std::move(first));
  if (slants_y) c.step.children.push_back(std::move(middle));
  c.step.children.push_back(std::move(last));
}

void Elastic(Conversion& c) {
  const auto mean = [](const Value* value, double fallback) {
    if (value == nullptr) return fallback;
    const auto pair = AsPair(
        value->kind == Value::Kind::kList && value->items.size() == 1 ? value->items[0] : *value);
    return pair ? (pair->first + pair->second) / 2 : fallback;
  };
  // Uniform noise from -1 to 1, moved by half of alpha.
  c.step.Set("alpha", Number(mean(c.peer.Find("alpha"), 50) * 0.5 / std::sqrt(3.0)));
  c.step.Set("sigma", Number(mean(c.peer.Find("sigma"), 5)));
}

// ---- Colour and blur ----------------------------------------------------------------------------

void Factor(const Value& value, std::string_view ours, Conversion& c) {
  if (!value.IsNumber()) return c.step.Set(ours, value);
  c.step.Set(ours, Numbers({std::max(0.0, 1 - value.number), 1 + value.number}));
}

void OneChannel(const Value& value, std::string_view ours, Conversion& c) {
  if (value.kind != Value::Kind::kInt || (value.integer != 1 && value.integer != 3)) {
    return Unexpected(value, "1 or 3 channels", c);
  }
  c.step.Set(ours, Value::Bool(value.integer == 1));
}

void Kernel(const Value& value, std::string_view ours, Conversion& c) {
  const Value& one =
      value.kind == Value::Kind::kList && value.items.size() == 1 ? value.items[0] : value;
  const auto sides = AsPair(one);
  if (!sides) return Unexpected(value, "one or two odd numbers", c);
  c.step.Set(ours, Number(std::max(sides->first, sides->second)));
  if (sides->first != sides->second) {
    c.Close(fmt::format("the kernel is {:.12g} px wide and high, not {:.12g} x {:.12g}",
                        std::max(sides->first, sides->second), sides->first, sides->second));
  }
}

// A level of 255, or of float pictures a part of full scale.
void Threshold(const Value& value, std::string_view ours, Conversion& c) {
  if (!value.IsNumber()) return Unexpected(value, "a level", c);
  c.step.Set(ours, Number(value.number <= 1 ? value.number : value.number / 255));
}

void ErasedValue(const Value& value, std::string_view ours, Conversion& c) {
  if (value.kind != Value::Kind::kString) return c.step.Set(ours, value);
  if (value.text != "random") return Unexpected(value, "levels or 'random'", c);
  c.step.Set("fill", Text("random"));
  c.Close("noise of all levels, the peer takes a normal one of deviation 1");
}

// ---- Types --------------------------------------------------------------------------------------

void ToPlanes(Conversion& c) { c.planes = true; }

void Dtype(Conversion& c) {
  const Value* dtype = c.peer.Find("dtype");
  std::string name = dtype != nullptr && dtype->IsScalar() ? dtype->text : "float32";
  const Value* scale = c.peer.Find("scale");
  // ConvertImageDtype always does.
  const bool scales = c.peer.name == "ConvertImageDtype" ||
                      (scale != nullptr && scale->kind == Value::Kind::kBool && scale->boolean);
  if (dtype != nullptr && dtype->kind == Value::Kind::kMap) {
    return c.Missing("a type for each kind of tensor: write cast or to_float yourself");
  }
  if (name == "float" || name == "float16" || name == "half" || name == "float64" ||
      name == "double" || name == "bfloat16") {
    if (name != "float") c.Close("float32 is the only float type");
    name = "float32";
  }
  if (name != "float32" && name != "uint8" && name != "uint16") {
    return c.Missing(fmt::format("there are no pixels of type {}", Quoted(name)));
  }
  c.step.Set("to", Text(name));
  c.step.Set("scale", Value::Bool(scales));
  c.step.makes = name != "float32" ? Makes::kInteger : scales ? Makes::kUnitFloat : Makes::kFloat;
}

const Rules kDtype{{"dtype", ""}, {"scale", ""}};

const Rules kPolicy{{"interpolation", "interpolation", Interpolation, "\"nearest\""},
                    {"fill", "fill"}};

}  // namespace

std::string_view TorchvisionOrder(std::string_view name) {
  struct Order {
    std::string_view name;
    std::string_view parameters;
  };
  static constexpr Order kOrders[] = {
      {"Resize", "size,interpolation,max_size,antialias"},
      {"CenterCrop", "size"},
      {"FiveCrop", "size"},
      {"TenCrop", "size,vertical_flip"},
      {"Pad", "padding,fill,padding_mode"},
      {"RandomCrop", "size,padding,pad_if_needed,fill,padding_mode"},
      {"RandomResizedCrop", "size,scale,ratio,interpolation,antialias"},
      {"RandomHorizontalFlip", "p"},
      {"RandomVerticalFlip", "p"},
      {"RandomRotation", "degrees,interpolation,expand,center,fill"},
      {"RandomAffine", "degrees,translate,scale,shear,interpolation,fill,center"},
      {"RandomPerspective", "distortion_scale,p,interpolation,fill"},
      {"ElasticTransform", "alpha,sigma,interpolation,fill"},
      {"ColorJitter", "brightness,contrast,saturation,hue"},
      {"Grayscale", "num_output_channels"},
      {"RandomGrayscale", "p"},
      {"GaussianBlur", "kernel_size,sigma"},
      {"RandomInvert", "p"},
      {"RandomPosterize", "bits,p"},
      {"RandomSolarize", "threshold,p"},
      {"RandomAdjustSharpness", "sharpness_factor,p"},
      {"RandomAutocontrast", "p"},
      {"RandomEqualize", "p"},
      {"RandomErasing", "p,scale,ratio,value,inplace"},
      {"Normalize", "mean,std,inplace"},
      {"ConvertImageDtype", "dtype"},
      {"ToDtype", "dtype,scale"},
      {"RandomApply", "transforms,p"},
      {"RandomChoice", "transforms,p"},
      {"AutoAugment", "policy,interpolation,fill"},
      {"RandAugment", "num_ops,magnitude,num_magnitude_bins,interpolation,fill"},
      {"TrivialAugmentWide", "num_magnitude_bins,interpolation,fill"},
      {"AugMix", "severity,mixture_width,chain_depth,alpha,all_ops,interpolation,fill"},
      {"GaussianNoise", "mean,sigma,clip"},
      {"JPEG", "quality"},
      {"RandomPhotometricDistort", "brightness,contrast,saturation,hue,p"},
      {"RandomZoomOut", "fill,side_range,p"},
      {"RandomIoUCrop",
       "min_scale,max_scale,min_aspect_ratio,max_aspect_ratio,sampler_options,trials"},
      {"RandomShortestSize", "min_size,max_size,interpolation,antialias"},
      {"RandomResize", "min_size,max_size,interpolation,antialias"},
      {"ScaleJitter", "target_size,scale_range,interpolation,antialias"},
      {"SanitizeBoundingBoxes", "min_size,min_area,labels_getter"},
  };
  for (const Order& order : kOrders) {
    if (order.name == name) return order.parameters;
  }
  return "";
}

// ---- The table ----------------------------------------------------------------------------------

const std::vector<CompositeRow>& TorchvisionComposites() {
  static const std::vector<CompositeRow> rows{
      {"Compose", Composite::kSequence, 1},        {"Sequential", Composite::kSequence, 1},
      {"RandomApply", Composite::kSequence, 0.5},  {"RandomChoice", Composite::kOneOf, 1},
      {"RandomOrder", Composite::kRandomOrder, 1},
  };
  return rows;
}

const std::vector<Row>& TorchvisionRows() {
  static const std::string_view kMixed =
      "mixes samples of a block of the plan; the peer those of a batch";
  static const std::vector<Row> rows{
      // clang-format off
      // -- geometry
      {"Resize", "resize", kExact, 1, "",
       Join({{{"size", ""}, {"max_size", ""}}, kResize}),
       Makes::kSame, ResizeTo},
      {"Scale", "resize", kExact, 1, "",
       Join({{{"size", ""}, {"max_size", ""}}, kResize}),
       Makes::kSame, ResizeTo},
      {"CenterCrop", "center_crop", kClose, 1,
       "an odd rest of the picture: the window may lie a pixel further left or up",
       {{"size", "size", Square}, {"", "mask_fill", nullptr, "0"}}},
      {"FiveCrop", "five_crop", kExact, 1, "", {{"size", "size", Square}}},
      {"TenCrop", "ten_crop", kExact, 1, "",
       {{"size", "size", Square}, {"vertical_flip", "vertical", nullptr, "false"}}},
      {"Pad", "pad", kExact, 1, "",
       Join({{{"padding", "all", Padding},
              {"padding_mode", "border", PaddingMode, "\"constant\""}},
             kFill})},
      {"RandomCrop", "random_crop", kExact, 1, "",
       Join({{{"size", "size", Square},
              {"padding", ""}, {"pad_if_needed", ""},
              {"padding_mode", "border", PaddingMode, "\"constant\""}},
             kFill}),
       Makes::kSame, PaddedCrop},
      {"RandomResizedCrop", "random_resized_crop", kExact, 1, "",
       Join({{{"size", "size", Square},
              {"scale", "scale", nullptr, "[0.08, 1]"},
              {"ratio", "ratio", nullptr, "[0.75, 1.3333333333333333]"}},
             kResize})},
      {"RandomSizedCrop", "random_resized_crop", kExact, 1, "",
       Join({{{"size", "size", Square},
              {"scale", "scale", nullptr, "[0.08, 1]"},
              {"ratio", "ratio", nullptr, "[0.75, 1.3333333333333333]"}},
             kResize})},
      {"RandomHorizontalFlip", "hflip", kExact, 0.5},
      {"RandomVerticalFlip", "vflip", kExact, 0.5},
      {"RandomRotation", "rotate", kExact, 1, "",
       Join({{{"degrees", "angle", Symmetric},
              {"expand", "expand", Expand, "false"},
              {"center", "", nullptr, "\"\"", "turns about the centre of the picture"}},
             kWarp})},
      {"RandomAffine", "affine", kExact, 1, "",
       Join({{{"degrees", ""}, {"translate", ""},
              {"scale", "scale", nullptr, "1"},
              {"shear", ""},
              {"center", "", nullptr, "\"\"", "turns about the centre of the picture"}},
             kWarp}),
       Makes::kSame, AffineParts},
      {"RandomPerspective", "perspective", kExact, 0.5, "",
       Join({{{"", "sampler", nullptr, "\"distortion\""},
              {"distortion_scale", "distortion_scale", nullptr, "0.5"},
              {"interpolation", "interpolation", Interpolation, "\"bilinear\""}},
             kFill})},
      {"ElasticTransform", "elastic", kClose, 1,
       "another noise of the same strength and smoothness",
       Join({{{"alpha", ""},
              {"sigma", ""},
              {"interpolation", "interpolation",
               [](const Value& value, std::string_view ours, Conversion& c) {
                 // Version 0.14 prints the words {self.interpolation}.
                 if (!value.text.starts_with('{')) return Interpolation(value, ours, c);
                 c.step.Set(ours, Text("linear"));
               },
               "\"bilinear\""},
              {"fill", "fill",
               [](const Value& value, std::string_view ours, Conversion& c) {
                 if (value.kind == Value::Kind::kString && value.text.starts_with('{')) return;
                 c.step.Set(ours, value);
               },
               "0"},
              {"", "mask_fill", nullptr, "0"}}}),
       Makes::kSame, Elastic},
      {"RandomZoomOut", "random_zoom_out", kExact, 0.5, "",
       Join({{{"side_range", "side_range", nullptr, "[1, 4]"}}, kFill})},
      {"RandomIoUCrop",
       "random_iou_crop",
       kExact,
       1,
       "",
       {{"min_scale", "min_scale", nullptr, "0.3"},
        {"max_scale", "max_scale", nullptr, "1"},
        {"min_aspect_ratio", "min_aspect_ratio", nullptr, "0.5"},
        {"max_aspect_ratio", "max_aspect_ratio", nullptr, "2"},
        {"sampler_options|options", "options",
         [](const Value& value, std::string_view ours, Conversion& c) {
           // From 1 on the picture stays whole.
           Value capped = value;
           for (Value& one : capped.items) {
             if (one.IsNumber() && one.number > 1) one = Number(1);
           }
           c.step.Set(ours, std::move(capped));
         },
         "[0, 0.1, 0.3, 0.5, 0.7, 0.9, 1]"},
        {"trials", "trials", nullptr, "40"}}},
      {"RandomShortestSize", "random_shortest_size", kExact, 1, "",
       Join({{{"min_size", "size", OneOfList}, {"max_size", "max_size"}}, kResize})},
      {"RandomResize", "smallest_max_size", kExact, 1, "",
       Join({{{"min_size", ""}, {"max_size", ""}}, kResize}), Makes::kSame,
       [](Conversion& c) {
         const Value* lo = c.peer.Find("min_size");
         const Value* hi = c.peer.Find("max_size");
         if (lo == nullptr || hi == nullptr || !lo->IsNumber() || !hi->IsNumber()) {
           return c.Missing("min_size and max_size are needed");
         }
         c.step.Set("size", Numbers({lo->number, std::max(lo->number, hi->number - 1)}));
       }},
      {"ScaleJitter", "scale_jitter", kExact, 1, "",
       Join({{{"target_size", "size", Square}, {"scale_range", "scale", nullptr, "[0.1, 2]"}},
             kResize})},

      // -- colour, blur, noise
      {"ColorJitter", "color_jitter", kExact, 1, "",
       {{"brightness", "brightness", Factor, "[1, 1]"},
        {"contrast", "contrast", Factor, "[1, 1]"},
        {"saturation", "saturation", Factor, "[1, 1]"},
        {"hue", "hue", Symmetric, "[0, 0]"}}},
      {"RandomPhotometricDistort",
       "photometric_distort",
       kExact,
       1,
       "",
       {{"brightness", "brightness", nullptr, "[0.875, 1.125]"},
        {"contrast", "contrast", nullptr, "[0.5, 1.5]"},
        {"saturation", "saturation", nullptr, "[0.5, 1.5]"},
        {"hue", "hue", nullptr, "[-0.05, 0.05]"}},
       Makes::kSame,
       [](Conversion& c) {
         // Its p is the chance of each of its changes.
         const Value* p = c.peer.Find("p");
         c.step.Set("chance", p != nullptr ? *p : Number(0.5));
         c.step.p = 1;
       }},
      {"Grayscale", "to_gray", kExact, 1, "",
       {{"num_output_channels", "single", OneChannel, "1"},
        {"", "method", nullptr, "\"weighted_average\""}}},
      {"RandomGrayscale", "to_gray", kExact, 0.1, "",
       {{"", "method", nullptr, "\"weighted_average\""}}},
      {"RGB", "to_rgb", kExact, 1},
      {"RandomChannelPermutation", "channel_shuffle", kExact, 1},
      {"GaussianBlur", "gaussian_blur", kExact, 1, "",
       {{"sigma", "sigma", nullptr, "[0.1, 2]"}, {"kernel_size", "kernel", Kernel}}},
      {"GaussianNoise", "gaussian_noise", kExact, 1, "",
       {{"sigma", "std", nullptr, "0.1"},
        {"mean", "mean", nullptr, "0"},
        {"clip", "", nullptr, "true", "levels are always clamped"}}},
      {"JPEG", "jpeg", kExact, 1, "", {{"quality", "quality"}}},
      {"RandomInvert", "invert", kExact, 0.5},
      {"RandomPosterize", "posterize", kExact, 0.5, "", {{"bits", "bits"}}},
      {"RandomSolarize", "solarize", kExact, 0.5, "", {{"threshold", "threshold", Threshold}}},
      {"RandomAdjustSharpness", "sharpness", kExact, 0.5, "", {{"sharpness_factor", "factor"}}},
      {"RandomAutocontrast", "auto_contrast", kExact, 0.5, "", {{"", "cutoff", nullptr, "0"}}},
      {"RandomEqualize", "equalize", kExact, 0.5, "", {{"", "mode", nullptr, "\"pil\""}}},
      {"RandomErasing", "erasing", kClose, 0.5,
       "a shape that does not fit is drawn so that it fits, not drawn again",
       {{"scale", "scale", nullptr, "[0.02, 0.33]"},
        {"ratio", "ratio", nullptr, "[0.3, 3.3]"},
        {"value", "level", ErasedValue, "0"}}},

      // -- policies
      {"AutoAugment", "auto_augment", kExact, 1, "",
       Join({{{"policy", "policy", nullptr, "\"imagenet\""}}, kPolicy})},
      {"RandAugment", "rand_augment", kExact, 1, "",
       Join({{{"num_ops", "n", nullptr, "2"},
              {"magnitude", "magnitude", nullptr, "9"},
              {"num_magnitude_bins", "bins", nullptr, "31"}},
             kPolicy})},
      {"TrivialAugmentWide", "trivial_augment_wide", kExact, 1, "",
       Join({{{"num_magnitude_bins", "bins", nullptr, "31"}}, kPolicy})},
      {"AugMix", "aug_mix", kExact, 1, "",
       {{"severity", "severity", nullptr, "3"},
        {"mixture_width", "width", nullptr, "3"},
        {"chain_depth", "depth", nullptr, "-1"},
        {"alpha", "alpha", nullptr, "1"},
        {"all_ops", "all_ops", nullptr, "true"},
        {"interpolation", "interpolation", Interpolation, "\"bilinear\""},
        {"fill", "fill"}}},
      {"ThreeAugment", "three_augment", kExact, 1},

      // -- types
      {"Normalize", "normalize", kExact, 1, "",
       {{"mean", "mean"}, {"std", "std"}, {"", "by", nullptr, "\"standard\""}},
       Makes::kFloat},
      {"ToTensor", "to_float", kExact, 1, "", {}, Makes::kUnitFloat, ToPlanes},
      {"PILToTensor", "", kExact, 1, "", {}, Makes::kSame, ToPlanes},
      {"ToImage", "", kExact, 1},
      {"ToImageTensor", "", kExact, 1},
      {"ToPureTensor", "", kExact, 1},
      {"ToPILImage", "cast", kExact, 1, "",
       {{"", "to", nullptr, "\"uint8\""}, {"mode", ""}},
       Makes::kInteger},
      {"ConvertImageDtype", "cast", kExact, 1, "", kDtype, Makes::kSame, Dtype},
      {"ToDtype", "cast", kExact, 1, "", kDtype, Makes::kSame, Dtype},
      {"Identity", "", kExact, 1},

      // -- labels
      {"SanitizeBoundingBoxes", "sanitize", kExact, 1, "",
       {{"min_size", "min_size", nullptr, "1"},
        {"min_area", "min_area", nullptr, "1"},
        {"labels_getter", ""}}},
      {"SanitizeBoundingBox", "sanitize", kExact, 1, "",
       {{"min_size", "min_size", nullptr, "1"},
        {"", "min_area", nullptr, "0"},
        {"labels_getter", ""}}},
      {"ClampBoundingBoxes", "sanitize", kClose, 1,
       "objects that lie outside go, too",
       {{"", "min_size", nullptr, "0"}, {"clamping_mode", ""}}},
      {"ClampBoundingBox", "sanitize", kClose, 1,
       "objects that lie outside go, too",
       {{"", "min_size", nullptr, "0"}}},
      {"ClampKeyPoints", "", kClose, 1,
       "points outside the picture stay where they are and become unlabelled"},
      {"SanitizeKeyPoints", "", kClose, 1,
       "points outside the picture stay in their objects as unlabelled ones"},
      {"ConvertBoundingBoxFormat", "", kExact, 1, "", {{"format", ""}}},
      {"ConvertBoundingBoxToRotated", "", kExact, 1, "", {{"format", ""}}},
      {"SetClampingMode", "", kExact, 1, "", {{"clamping_mode", ""}}},

      // -- several samples, functions, clips
      {"CutMix", "cutmix", kClose, 1,
       kMixed,
       {{"alpha", "alpha", nullptr, "1"}, {"num_classes", "num_classes"}, {"labels_getter", ""}}},
      {"MixUp", "mixup", kClose, 1,
       kMixed,
       {{"alpha", "alpha", nullptr, "1"}, {"num_classes", "num_classes"}, {"labels_getter", ""}}},
      {"SimpleCopyPaste", "", kMissing, 1, "use the node copy_paste"},
      {"Lambda", "", kMissing, 1, "functions cannot be read; write an operator"},
      {"LinearTransformation", "", kMissing, 1,
       "whitening of whole pictures belongs into the training loop"},
      {"UniformTemporalSubsample", "", kMissing, 1,
       "clips keep their frames; choose them in the source"},
      // clang-format on
  };
  return rows;
}

}  // namespace pixloom::importing
