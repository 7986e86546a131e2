// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/draw_op.h"

namespace pixloom {
namespace {

Names Errors(std::string_view verb, const std::string& yaml) {
  Diagnostics diagnostics;
  Bind(verb, yaml, diagnostics);
  Names texts;
  for (const Diagnostic& d : diagnostics.All()) {
    if (d.severity == Severity::kError) texts.push_back(d.Text());
  }
  return texts;
}

// ---- Names --------------------------------------------------------------------------------------

TEST_CASE("peers' names of operators lead to ours") {
  CHECK(Ops().FindOperator("HorizontalFlip")->name == "hflip");
  CHECK(Ops().FindOperator("vertical_flip")->name == "vflip");
  CHECK(Ops().FindOperator("HueSaturationValue")->name == "hue_saturation");
}

TEST_CASE("arguments written out bind to the same operator") {
  for (const auto& [name, info] : Ops().Operators()) {
    CAPTURE(name);
    const bool needs_size = info.Param("size") != nullptr;
    const auto op = Bind(name, needs_size         ? "size: [5, 6]"
                               : name == "crop"   ? "{x_min: 0, y_min: 1, x_max: 4, y_max: 5}"
                               : name == "rotate" ? "{angle: {choice: [0, 90]}, border: wrap}"
                               : name == "remap"  ? "tests/support/maps/swirl.npy"
                                                  : "");
    const std::string yaml = ToYaml(op->Arguments());
    CHECK(ToYaml(Bind(name, yaml)->Arguments()) == yaml);
  }
}

TEST_CASE("draws are recorded under the names of the table") {
  struct Row {
    std::string_view verb;
    std::string yaml;
    Names names;
  };
  const std::vector<Row> rows{
      {"hflip", "", {}},
      {"vflip", "", {}},
      {"rotate", "", {"angle"}},
      {"affine",
       "",
       {"scale_x", "scale_y", "translate_x", "translate_y", "rotate", "shear_x", "shear_y"}},
      {"affine",
       "keep_ratio: true",
       {"scale_x", "scale_y", "translate_x", "translate_y", "rotate", "shear_x", "shear_y"}},
      {"crop", "{x_min: 0, y_min: 0, x_max: 4, y_max: 4}", {}},
      {"random_crop", "[4, 4]", {"x", "y"}},
      {"random_crop", "[99, 99]", {"x", "y"}},
      {"random_resized_crop", "8", {"x", "y", "width", "height"}},
      {"resize", "8", {}},
      {"brightness_contrast", "", {"brightness", "contrast"}},
      {"gamma", "", {"gamma"}},
      {"color_jitter", "", {"brightness", "contrast", "saturation", "hue", "order"}},
      {"hue_saturation", "", {"hue", "saturation", "value"}},
      {"gaussian_blur", "", {"sigma"}},
      {"gaussian_noise", "", {"std", "mean"}},
      {"elastic", "", {"alpha", "sigma"}},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.verb));
    CHECK(Draw(row.verb, row.yaml, Picture(16, 12)).RecordedNames() == row.names);
  }
}

TEST_CASE("inferred size is the size drawn") {
  for (const auto& [verb, yaml] : std::vector<std::pair<std::string, std::string>>{
           {"crop", "{x_min: 2, y_min: 1, x_max: 12, y_max: 31}"},
           {"random_crop", "[30, 10]"},
           {"random_resized_crop", "[30, 10]"},
           {"resize", "[30, 10]"}}) {
    CAPTURE(verb);
    const auto op = Bind(verb, yaml);
    CHECK(op->Out({}).size == Size{10, 30});
    CHECK(Draw(*op, Picture(64, 48)).Affine(verb == "random_resized_crop" ? 1 : 0).out ==
          Size{10, 30});
  }
}

// ---- Binding ------------------------------------------------------------------------------------

TEST_CASE("all errors of one operator are reported at once") {
  CHECK(Errors("rotate", "{angle: [-400, 10], angel: 3, border: reflcet}") ==
        Names{"t.yaml:1:21: error[CFG-KEY] look (rotate): unknown parameter 'angel'; did you mean "
              "'angle'?",
              "t.yaml:1:9: error[CFG-VALUE] look (rotate): angle: [-400, 10] is outside [-360, "
              "360]",
              "t.yaml:1:39: error[CFG-VALUE] look (rotate): border: expected one of constant, "
              "reflect, reflect101, replicate, wrap, got string 'reflcet'; did you mean "
              "'reflect'?"});
}

TEST_CASE("required parameters") {
  CHECK(Errors("crop", "{x_min: 0, x_max: 4}").size() == 2);
  CHECK(Errors("resize", "").size() == 1);
  CHECK(Errors("hflip", "{angle: 1}") ==
        Names{"t.yaml:1:2: error[CFG-KEY] look (hflip): unknown parameter 'angle'; it takes no "
              "parameters"});
}

TEST_CASE("rules between parameters") {
  CHECK(Errors("crop", "{x_min: 4, y_min: 0, x_max: 4, y_max: 4}") ==
        Names{"t.yaml:1:1: error[CFG-VALUE] look (crop): x_max 4 is not above x_min 4"});
  CHECK(Errors("affine", "{shear_x: [0, 50], shear_y: 40}").size() == 1);
  CHECK(Errors("affine", "{shear_x: -50, shear_y: [-40, 0]}").size() == 1);
  CHECK(Errors("affine", "{shear_x: -50, shear_y: 40}").empty());
  CHECK(Errors("gaussian_blur", "{kernel: 4}").size() == 1);
  CHECK(Errors("rotate", "{fill: [1, 2, 3, 4, 5]}").size() == 1);
  CHECK(Errors("resize", "[0, 4]").size() == 1);
}

TEST_CASE("peers' parameters are read with a notice") {
  const auto arguments = [](std::string_view verb, const std::string& yaml) {
    Diagnostics diagnostics;
    const auto op = Bind(verb, yaml, diagnostics);
    CHECK(!diagnostics.HasErrors());
    CHECK(std::all_of(diagnostics.All().begin(), diagnostics.All().end(),
                      [](const Diagnostic& d) { return d.code == "CFG-ALIAS"; }));
    CHECK(!diagnostics.All().empty());
    return op->Arguments();
  };
  const auto interval = [](const Value& args, std::string_view name) {
    const Value* v = args.Find(name);
    REQUIRE(v->items.size() == 2);
    return std::pair(v->items[0].number, v->items[1].number);
  };
  CHECK(interval(arguments("rotate", "limit: 30"), "angle") == std::pair(-30.0, 30.0));
  CHECK(interval(arguments("rotate", "limit: [-10, 20]"), "angle") == std::pair(-10.0, 20.0));
  CHECK(interval(arguments("hue_saturation", "hue_shift_limit: 20"), "hue") ==
        std::pair(-40.0, 40.0));
  CHECK(interval(arguments("hue_saturation", "hue_shift_limit: [-5, 10]"), "hue") ==
        std::pair(-10.0, 20.0));
  CHECK(interval(arguments("hue_saturation", "sat_shift_limit: 30"), "saturation") ==
        std::pair(-30.0, 30.0));
  CHECK(interval(arguments("gaussian_blur", "sigma_limit: 2"), "sigma") == std::pair(0.0, 2.0));
  CHECK(interval(arguments("jpeg", "quality_range: [20, 30]"), "quality") == std::pair(20.0, 30.0));
  CHECK(interval(arguments("brightness_contrast", "{brightness_limit: 0.5, contrast: 0}"),
                 "brightness") == std::pair(-0.5, 0.5));
  CHECK(Errors("rotate", "{limit: 30, angle: 3}").size() == 1);
}

}  // namespace
}  // namespace pixloom
