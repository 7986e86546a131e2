// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "ops/register.h"
#include "pipeline/config.h"
#include "pipeline/exact_math.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

using Names = std::vector<std::string>;

const Registry& Ops() {
  static const auto* registry = [] {
    auto* r = new Registry;
    RegisterOps(*r);
    return r;
  }();
  return *registry;
}

// Binds `verb` to arguments in YAML ("" for none).
std::shared_ptr<const Operator> Bind(std::string_view verb, const std::string& yaml,
                                     Diagnostics& diagnostics, const Services& services = {}) {
  const OpInfo* info = Ops().FindOperator(verb);
  REQUIRE(info != nullptr);
  Variables variables;
  Value args;
  if (!yaml.empty()) {
    const auto parsed = ParseYaml(yaml, "t.yaml", variables, diagnostics);
    REQUIRE(parsed.has_value());
    args = *parsed;
  }
  return info->bind(args, services, "look (" + info->name + ")", diagnostics);
}

std::shared_ptr<const Operator> Bind(std::string_view verb, const std::string& yaml,
                                     const Services& services = {}) {
  Diagnostics diagnostics;
  auto op = Bind(verb, yaml, diagnostics, services);
  for (const Diagnostic& d : diagnostics.All()) MESSAGE(d.Text());
  REQUIRE(!diagnostics.HasErrors());
  return op;
}

Names Errors(std::string_view verb, const std::string& yaml) {
  Diagnostics diagnostics;
  Bind(verb, yaml, diagnostics);
  Names texts;
  for (const Diagnostic& d : diagnostics.All()) {
    if (d.severity == Severity::kError) texts.push_back(d.Text());
  }
  return texts;
}

struct Drawn {
  std::vector<Step> steps;
  Rng::Record record;

  double At(std::string_view name) const {
    for (const auto& [key, value] : record) {
      if (key == name) return value;
    }
    FAIL("nothing recorded as " << std::string(name));
    return 0;
  }
  Names RecordedNames() const {
    Names names;
    for (const auto& entry : record) names.push_back(entry.first);
    return names;
  }
  const AffineStep& Affine(std::size_t i = 0) const { return std::get<AffineStep>(steps.at(i)); }
};

Facts Picture(int width, int height, int channels = 3, Depth depth = Depth::kU8) {
  Facts facts;
  facts.size = {width, height};
  facts.channels = channels;
  facts.depth = depth;
  return facts;
}

Drawn Draw(const Operator& op, const Facts& facts, std::uint64_t id = 1) {
  Drawn drawn;
  Rng rng({DrawKey(7, 0, {}), id, StreamId("look/op")}, &drawn.record);
  drawn.steps = op.Draw(rng, facts);
  return drawn;
}

Drawn Draw(std::string_view verb, const std::string& yaml, const Facts& facts) {
  return Draw(*Bind(verb, yaml), facts);
}

void CheckPoint(const Matrix& map, Point from, Point to) {
  const Point at = map(from);
  CAPTURE(from);
  CHECK(at.x == doctest::Approx(to.x).epsilon(1e-12));
  CHECK(at.y == doctest::Approx(to.y).epsilon(1e-12));
}

template <class T>
std::vector<T> ThroughKernel(const Step& step, std::vector<T> row, int channels,
                             const Stats& stats = {}) {
  std::get<PixelStep>(step).kernel->Row(row.data(), row.data(),
                                        static_cast<int>(row.size()) / channels, channels, stats);
  return row;
}

using Bytes = std::vector<std::uint8_t>;

// ---- The table ----------------------------------------------------------------------------------

TEST_CASE("sixteen operators, each of them documented") {
  Names names;
  for (const auto& [name, info] : Ops().Operators()) {
    CAPTURE(name);
    names.push_back(name);
    CHECK(!info.doc.empty());
    CHECK(!info.classes.empty());
    for (const ParamInfo& param : info.params) {
      CAPTURE(param.name);
      CHECK(!param.doc.empty());
      const bool number = param.type == ParamType::kInt || param.type == ParamType::kFloat ||
                          param.type == ParamType::kRange || param.type == ParamType::kSize ||
                          param.type == ParamType::kFloats;
      CHECK(number == !param.unit.empty());
      CHECK(number == param.range.has_value());
      if (number && !param.required) {
        CHECK(schema::CheckRange(param.default_value, *param.range) == "");
      }
    }
  }
  CHECK(names == Names{"affine", "brightness_contrast", "color_jitter", "crop", "elastic", "gamma",
                       "gaussian_blur", "gaussian_noise", "hflip", "hue_saturation", "jpeg",
                       "random_crop", "random_resized_crop", "resize", "rotate", "vflip"});
}

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

// ---- Geometry -----------------------------------------------------------------------------------

TEST_CASE("flips") {
  const Drawn h = Draw("hflip", "", Picture(4, 2));
  CheckPoint(h.Affine().map, {1, 0.5}, {3, 0.5});
  CHECK(!h.Affine().border);
  CHECK(!h.Affine().resampling);
  CheckPoint(Draw("vflip", "", Picture(4, 2)).Affine().map, {1, 0.5}, {1, 1.5});
}

TEST_CASE("rotate turns counter-clockwise about the centre") {
  const Drawn quarter = Draw("rotate", "{angle: 90, border: reflect, fill: [1, 2]}", Picture(4, 2));
  CheckPoint(quarter.Affine().map, {2, 1}, {2, 1});
  CheckPoint(quarter.Affine().map, {3, 1}, {2, 0});  // what was on the right is at the top
  CheckPoint(quarter.Affine().map, {2, 0}, {1, 1});
  CHECK(quarter.Affine().out == Size{4, 2});
  CHECK(quarter.Affine().border->mode == Border::kReflect);
  CHECK(quarter.Affine().border->fill == std::array<double, 4>{1, 2, 2, 2});
  CHECK(quarter.Affine().resampling == Resampling::kLinear);
}

TEST_CASE("affine") {
  const Facts facts = Picture(4, 2);
  const auto map = [&](const std::string& yaml) {
    return Draw("affine", yaml, facts).Affine().map;
  };
  CheckPoint(map(""), {0.25, 1.75}, {0.25, 1.75});
  CheckPoint(map("scale: 2"), {3, 1.5}, {4, 2});
  CheckPoint(map("{translate_x: 0.25, translate_y: -0.5}"), {3, 1}, {4, 0});
  CheckPoint(map("rotate: 90"), {3, 1}, {2, 0});
  CheckPoint(map("shear_x: 45"), {2, 2}, {3, 2});
  CheckPoint(map("shear_y: 45"), {4, 1}, {4, 3});
  // Scale, then rotate, then shear, then shift: (3, 1) is (1, 0) from the centre; (2, 0); (0, -2);
  // (-2, -2); (-1, -2).
  CheckPoint(map("{scale: 2, rotate: 90, shear_x: 45, translate_x: 0.25}"), {3, 1}, {1, -1});

  const Drawn free = Draw("affine", "scale: [0.5, 2]", facts);
  CHECK(free.At("scale_x") != free.At("scale_y"));
  const Drawn kept = Draw("affine", "{scale: [0.5, 2], keep_ratio: true, rotate: [-9, 9]}", facts);
  CHECK(kept.At("scale_x") == kept.At("scale_y"));
  CHECK(kept.At("scale_x") == free.At("scale_x"));
  // keep_ratio shifts no later draw.
  CHECK(kept.At("rotate") ==
        Draw("affine", "{scale: [0.5, 2], rotate: [-9, 9]}", facts).At("rotate"));
}

TEST_CASE("crop") {
  const Drawn inside = Draw("crop", "{x_min: 2, y_min: 1, x_max: 5, y_max: 3}", Picture(5, 3));
  CheckPoint(inside.Affine().map, {2, 1}, {0, 0});
  CHECK(inside.Affine().out == Size{3, 2});
  CHECK(!inside.Affine().border);
  CHECK(!inside.Affine().resampling);
  const Drawn outside =
      Draw("crop", "{x_min: -1, y_min: 0, x_max: 2, y_max: 2, fill: 9}", Picture(5, 3));
  CheckPoint(outside.Affine().map, {0, 0}, {1, 0});
  CHECK(outside.Affine().border->fill[3] == 9);
}

TEST_CASE("random_crop stays inside, or centres a picture that is too small") {
  const auto op = Bind("random_crop", "[2, 3]");
  std::array<int, 3> seen_x{};
  std::array<int, 3> seen_y{};
  for (std::uint64_t id = 0; id < 300; ++id) {
    const Drawn drawn = Draw(*op, Picture(5, 4), id);
    CHECK(!drawn.Affine().border);
    CheckPoint(drawn.Affine().map, {drawn.At("x"), drawn.At("y")}, {0, 0});
    ++seen_x.at(static_cast<std::size_t>(drawn.At("x")));
    ++seen_y.at(static_cast<std::size_t>(drawn.At("y")));
  }
  CHECK(*std::min_element(seen_x.begin(), seen_x.end()) > 70);
  CHECK(*std::min_element(seen_y.begin(), seen_y.end()) > 70);

  const Drawn small = Draw("random_crop", "[10, 7]", Picture(4, 3));
  CHECK(small.At("x") == -2);
  CHECK(small.At("y") == -4);
  CHECK(small.Affine().border.has_value());
}

TEST_CASE("resize") {
  const Drawn drawn = Draw("resize", "{size: [10, 6], interpolation: antialias}", Picture(3, 4));
  CheckPoint(drawn.Affine().map, {3, 4}, {6, 10});
  CHECK(drawn.Affine().resampling == Resampling::kAntialias);
  CHECK(!drawn.Affine().border);
}

TEST_CASE("random_resized_crop draws area and shape from their ranges") {
  const auto op = Bind("random_resized_crop", "{size: [8, 6], scale: [0.2, 0.5], ratio: [0.5, 2]}");
  constexpr int kDraws = 4000;
  double area = 0;
  double log_ratio = 0;
  for (std::uint64_t id = 0; id < kDraws; ++id) {
    const Drawn drawn = Draw(*op, Picture(1000, 1000), id);
    const double w = drawn.At("width");
    const double h = drawn.At("height");
    area += w * h / 1e6 / kDraws;
    log_ratio += exact::Log(w / h) / kDraws;
    const bool fits = drawn.At("x") >= 0 && drawn.At("y") >= 0 && drawn.At("x") + w <= 1000 &&
                      drawn.At("y") + h <= 1000;
    const bool allowed = w * h > 0.199e6 && w * h < 0.501e6 && w / h > 0.497 && w / h < 2.01;
    if (!fits || !allowed) FAIL_CHECK("window " << w << "x" << h);
    REQUIRE(drawn.steps.size() == 2);
    CHECK(drawn.Affine(0).out == Size{static_cast<int>(w), static_cast<int>(h)});
    CHECK(!drawn.Affine(0).border);
    CheckPoint(drawn.Affine(1).map * drawn.Affine(0).map, {drawn.At("x") + w, drawn.At("y") + h},
               {6, 8});
  }
  // Four standard errors of a uniform mean.
  CHECK(std::abs(area - 0.35) < 4 * 0.3 / std::sqrt(12.0 * kDraws));
  CHECK(std::abs(log_ratio) < 4 * 2 * std::log(2.0) / std::sqrt(12.0 * kDraws));
}

TEST_CASE("random_resized_crop falls back to a centred window after ten tries") {
  const auto window = [](const std::string& yaml, int width, int height) {
    const Drawn d = Draw("random_resized_crop", yaml, Picture(width, height));
    return std::array{d.At("x"), d.At("y"), d.At("width"), d.At("height")};
  };
  CHECK(window("{size: 8, scale: [0.9, 1]}", 1000, 10) == std::array{493.0, 0.0, 13.0, 10.0});
  CHECK(window("{size: 8, scale: [0.9, 1]}", 10, 1000) == std::array{0.0, 493.0, 10.0, 13.0});
  CHECK(window("{size: 8, scale: 1}", 100, 100) == std::array{0.0, 0.0, 100.0, 100.0});
  CHECK(window("{size: 8, ratio: 0.01}", 3, 1) == std::array{1.0, 0.0, 1.0, 1.0});
}

TEST_CASE("elastic") {
  // A Gaussian this narrow is one tap: the noise itself, times alpha.
  const Drawn raw = Draw("elastic", "{alpha: 2, sigma: 0.1}", Picture(5, 4));
  const auto& field = std::get<WarpField>(raw.steps.at(0));
  REQUIRE(field.displacement.size() == cv::Size(5, 4));
  REQUIRE(field.displacement.type() == CV_32FC2);
  const StreamKey key = StreamKey{DrawKey(7, 0, {}), 1, StreamId("look/op")}.Pixels();
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) {
      const PhiloxBlock words = key.Block(static_cast<std::uint32_t>(y * 5 + x));
      for (int axis = 0; axis < 2; ++axis) {
        const double noise = 2 * ((words[static_cast<std::size_t>(axis)] >> 8) * 0x1p-24) - 1;
        CHECK(field.displacement.at<cv::Vec2f>(y, x)[axis] == doctest::Approx(2 * noise));
      }
    }
  }
  const Drawn still = Draw("elastic", "{alpha: 0}", Picture(5, 4));
  CHECK(cv::norm(std::get<WarpField>(still.steps.at(0)).displacement) == 0);
}

// ---- Colour -------------------------------------------------------------------------------------

TEST_CASE("curves") {
  const auto at = [](std::string_view verb, const std::string& yaml, double x) {
    return std::get<Lut>(Draw(verb, yaml, Picture(4, 4)).steps.at(0)).curve(0, x);
  };
  CHECK(at("brightness_contrast", "{brightness: 0.1, contrast: 0.5}", 0.4) == doctest::Approx(0.7));
  CHECK(at("brightness_contrast", "{brightness: 0.1, contrast: 0.5, center: middle}", 0.4) ==
        doctest::Approx(0.45));
  CHECK(at("gamma", "2", 0.5) == doctest::Approx(0.25));
  CHECK(at("gamma", "2", -0.5) == 0);
  CHECK(at("gamma", "0.5", 1) == doctest::Approx(1));
}

TEST_CASE("contrast about the mean") {
  Stats stats;
  stats.gray_mean = 20.0 / 255;
  const Drawn bytes =
      Draw("brightness_contrast", "{brightness: 0, contrast: 1, center: mean}", Picture(4, 4));
  CHECK(std::get<PixelStep>(bytes.steps.at(0)).kernel->Needs() == StatsKind::kGrayMean);
  CHECK(ThroughKernel(bytes.steps.at(0), Bytes{5, 10, 20, 30, 200, 21}, 3, stats) ==
        Bytes{0, 0, 20, 40, 255, 22});
  // Alpha stays; two pixels of four channels.
  CHECK(ThroughKernel(bytes.steps.at(0), Bytes{5, 10, 20, 77, 30, 200, 21, 3}, 4, stats) ==
        Bytes{0, 0, 20, 77, 40, 255, 22, 3});
  // Half way to the mean; halves round up.
  const Drawn soft =
      Draw("brightness_contrast", "{brightness: 0, contrast: -0.5, center: mean}", Picture(4, 4));
  CHECK(ThroughKernel(soft.steps.at(0), Bytes{0, 10, 40}, 1, stats) == Bytes{10, 15, 30});
  CHECK(ThroughKernel(soft.steps.at(0), std::vector<std::uint16_t>{0, 65535}, 1, stats) ==
        std::vector<std::uint16_t>{2570, 35338});
  // Float pictures are not clamped.
  stats.gray_mean = 0.5;
  CHECK(ThroughKernel(bytes.steps.at(0), std::vector<float>{2}, 1, stats) ==
        std::vector<float>{3.5F});
}

TEST_CASE("a kernel treats long rows like short ones") {
  Stats stats;
  stats.gray_mean = 0.25;
  const Drawn drawn =
      Draw("brightness_contrast", "{brightness: 0.1, contrast: 0.3, center: mean}", Picture(4, 4));
  for (const int channels : {1, 3, 4, 7}) {
    CAPTURE(channels);
    Bytes row(static_cast<std::size_t>(1500 * channels));
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<std::uint8_t>(i * 37);
    const Bytes all = ThroughKernel(drawn.steps.at(0), row, channels, stats);
    Bytes one_by_one;
    for (std::size_t i = 0; i < row.size(); i += static_cast<std::size_t>(channels)) {
      const auto at = row.begin() + static_cast<std::ptrdiff_t>(i);
      const Bytes pixel =
          ThroughKernel(drawn.steps.at(0), Bytes(at, at + channels), channels, stats);
      one_by_one.insert(one_by_one.end(), pixel.begin(), pixel.end());
    }
    CHECK(all == one_by_one);
  }
}

TEST_CASE("color_jitter draws every order equally often") {
  const auto op = Bind("color_jitter", "");
  constexpr int kPerOrder = 1000;
  std::array<int, 24> seen{};
  for (std::uint64_t id = 0; id < 24 * kPerOrder; ++id) {
    ++seen.at(static_cast<std::size_t>(Draw(*op, Picture(4, 4), id).At("order")));
  }
  double chi_square = 0;
  for (const int n : seen) chi_square += (n - kPerOrder) * (n - kPerOrder) / double{kPerOrder};
  CHECK(chi_square < 49.73);  // 99.9 % of 23 degrees of freedom
}

TEST_CASE("color_jitter returns its steps in the order drawn") {
  const auto op = Bind("color_jitter", "{brightness: 2, contrast: 0.5, saturation: 0, hue: 0.25}");
  // Which alternative of Step, and which of the two pixel steps, stands for each of the four.
  const auto what = [](const Step& step) {
    if (std::holds_alternative<Lut>(step)) return 0;
    if (std::holds_alternative<ColorMatrix>(step)) return 2;
    const bool mean = std::get<PixelStep>(step).kernel->Needs() == StatsKind::kGrayMean;
    return mean ? 1 : 3;
  };
  std::array<bool, 24> seen{};
  for (std::uint64_t id = 0; id < 400; ++id) {
    const Drawn drawn = Draw(*op, Picture(4, 4), id);
    std::array<int, 4> expected{0, 1, 2, 3};
    const int order = static_cast<int>(drawn.At("order"));
    for (int i = 0; i < order; ++i) std::next_permutation(expected.begin(), expected.end());
    REQUIRE(drawn.steps.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(what(drawn.steps[i]) == expected[i]);
    seen.at(static_cast<std::size_t>(order)) = true;
  }
  CHECK(std::all_of(seen.begin(), seen.end(), [](bool s) { return s; }));
}

TEST_CASE("color_jitter leaves out what changes nothing") {
  CHECK(Draw("color_jitter", "{brightness: 1, contrast: 1, saturation: 1, hue: 0}", Picture(4, 4))
            .steps.empty());
  CHECK(Draw("color_jitter", "{brightness: 2, contrast: 2, saturation: 2, hue: 0.1}",
             Picture(4, 4, 1))
            .steps.size() == 2);
}

TEST_CASE("color_jitter's steps") {
  const Facts facts = Picture(4, 4);
  const auto only = [&](const std::string& yaml) {
    const std::string rest = "{brightness: 1, contrast: 1, saturation: 1, hue: 0";
    // The one that is given replaces its neutral value.
    const auto name = yaml.substr(0, yaml.find(':'));
    const auto start = rest.find(name);
    const auto end = rest.find(',', start);
    std::string all = rest;
    all.replace(start, (end == std::string::npos ? rest.size() : end) - start, yaml);
    const Drawn drawn = Draw("color_jitter", all + "}", facts);
    REQUIRE(drawn.steps.size() == 1);
    return drawn.steps[0];
  };
  CHECK(std::get<Lut>(only("brightness: 2")).curve(0, 0.3) == doctest::Approx(0.6));

  Stats stats;
  stats.gray_mean = 100.0 / 255;
  CHECK(ThroughKernel(only("contrast: 0.5"), Bytes{0, 100, 201}, 3, stats) == Bytes{50, 100, 151});

  const ColorMatrix gray = std::get<ColorMatrix>(only("saturation: 0"));
  for (std::size_t row = 0; row < 3; ++row) {
    CHECK(gray.m[row * 4] == doctest::Approx(0.299));
    CHECK(gray.m[row * 4 + 1] == doctest::Approx(0.587));
    CHECK(gray.m[row * 4 + 2] == doctest::Approx(0.114));
    CHECK(gray.m[row * 4 + 3] == 0);
  }
  const ColorMatrix twice = std::get<ColorMatrix>(only("saturation: 2"));
  CHECK(twice.m[0] == doctest::Approx(2 - 0.299));
  CHECK(twice.m[1] == doctest::Approx(-0.587));

  // A third of a turn takes red to green and green to blue; half a turn takes red to cyan.
  const Step third = only("hue: 0.3333333333333333");
  CHECK(ThroughKernel(third, Bytes{255, 0, 0, 0, 200, 0, 90, 90, 90}, 3) ==
        Bytes{0, 255, 0, 0, 0, 200, 90, 90, 90});
  CHECK(ThroughKernel(only("hue: -0.5"), Bytes{255, 0, 0, 17}, 4) == Bytes{0, 255, 255, 17});
}

TEST_CASE("hue_saturation") {
  const auto through = [](const std::string& yaml, const Bytes& row) {
    return ThroughKernel(Draw("hue_saturation", yaml, Picture(4, 4)).steps.at(0), row, 3);
  };
  CHECK(through("{hue: 120, saturation: 0, value: 0}", {255, 0, 0}) == Bytes{0, 255, 0});
  CHECK(through("{hue: -120, saturation: 0, value: 0}", {255, 0, 0}) == Bytes{0, 0, 255});
  CHECK(through("{hue: 360, saturation: 0, value: 0}", {10, 130, 200}) == Bytes{10, 130, 200});
  CHECK(through("{hue: 0, saturation: -255, value: 0}", {40, 80, 160}) == Bytes{160, 160, 160});
  CHECK(through("{hue: 0, saturation: 255, value: 0}", {40, 40, 160}) == Bytes{0, 0, 160});
  // Gray has no hue to saturate.
  CHECK(through("{hue: 90, saturation: 100, value: 0}", {99, 99, 99}) == Bytes{99, 99, 99});
  CHECK(through("{hue: 0, saturation: 0, value: 20}", {99, 99, 99}) == Bytes{119, 119, 119});
  CHECK(through("{hue: 0, saturation: 0, value: 255}", {99, 99, 99}) == Bytes{255, 255, 255});
  CHECK(through("{hue: 0, saturation: 0, value: -255}", {99, 9, 9}) == Bytes{0, 0, 0});

  const Drawn brighter =
      Draw("hue_saturation", "{hue: 0, saturation: 0, value: 51}", Picture(4, 4, 3, Depth::kF32));
  const auto bright = ThroughKernel(brighter.steps.at(0), std::vector<float>{0.9F, 0.9F, 0.9F}, 3);
  CHECK(bright[0] == doctest::Approx(1.1));
}

// ---- General ------------------------------------------------------------------------------------

Result<cv::Mat> RunImage(const Drawn& drawn, const cv::Mat& in, ValueRange range = {}) {
  return std::get<ImageStep>(drawn.steps.at(0)).run(in, {range, StreamKey{1, 2, 3}});
}

TEST_CASE("gaussian_blur") {
  const cv::Mat flat(9, 9, CV_8UC3, cv::Scalar(10, 20, 30));
  const auto same = RunImage(Draw("gaussian_blur", "2", Picture(9, 9)), flat);
  REQUIRE(same.Ok());
  CHECK(cv::norm(*same, flat, cv::NORM_INF) == 0);

  cv::Mat spike(1, 9, CV_32FC1, cv::Scalar(0));
  spike.at<float>(0, 4) = 1;
  const auto blurred =
      RunImage(Draw("gaussian_blur", "{sigma: 1, kernel: 3}", Picture(9, 1, 1)), spike);
  REQUIRE(blurred.Ok());
  const double side = exact::Exp(-0.5);
  CHECK(blurred->at<float>(0, 4) == doctest::Approx(1 / (1 + 2 * side)));
  CHECK(blurred->at<float>(0, 5) == doctest::Approx(side / (1 + 2 * side)));
  CHECK(blurred->at<float>(0, 6) == 0);
  CHECK(Draw("gaussian_blur", "0", Picture(9, 9)).steps.empty());
}

TEST_CASE("gaussian_noise") {
  const cv::Mat flat(64, 64, CV_8UC1, cv::Scalar(100));
  const auto shifted =
      RunImage(Draw("gaussian_noise", "{std: 0, mean: 0.2}", Picture(64, 64)), flat);
  REQUIRE(shifted.Ok());
  CHECK(cv::norm(*shifted, cv::Mat(64, 64, CV_8UC1, cv::Scalar(151)), cv::NORM_INF) == 0);
  CHECK(flat.at<std::uint8_t>(0, 0) == 100);  // the input is not written to

  const cv::Mat middle(64, 64, CV_32FC3, cv::Scalar(5, 5, 5));
  const auto noisy =
      RunImage(Draw("gaussian_noise", "0.1", Picture(64, 64)), middle, ValueRange{0, 10});
  REQUIRE(noisy.Ok());
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(*noisy, mean, deviation);
  for (int c = 0; c < 3; ++c) {
    CHECK(std::abs(mean[c] - 5) < 4.0 / 64);  // four standard errors
    CHECK(std::abs(deviation[c] - 1) < 4 / std::sqrt(2.0 * 4096));
  }
  const auto gray =
      RunImage(Draw("gaussian_noise", "{std: 0.1, per_channel: false}", Picture(64, 64)), middle,
               ValueRange{0, 10});
  REQUIRE(gray.Ok());
  const auto pixel = gray->at<cv::Vec3f>(3, 5);
  CHECK(pixel[0] == pixel[1]);
  CHECK(pixel[0] == pixel[2]);
}

// Keeps what it was asked; "decodes" to black.
class FakeCodec final : public Codec {
 public:
  Result<ImageHeader> ReadHeader(std::span<const std::uint8_t> bytes) const override {
    ImageHeader header;
    header.size = {bytes[0], bytes[1]};
    return header;
  }
  Result<DecodedImage> Decode(std::span<const std::uint8_t>, const ImageHeader& header,
                              const DecodeRequest& request) const override {
    return DecodedImage{
        cv::Mat(header.size.height, header.size.width, CV_8UC(request.channels), cv::Scalar()), 0};
  }
  Result<std::vector<std::uint8_t>> Encode(const cv::Mat& pixels,
                                           const EncodeRequest& request) const override {
    asked = request;
    if (pixels.cols > 255) return DataError{"ENC-TEST", "too wide", "", ""};
    return Bytes{static_cast<std::uint8_t>(pixels.cols), static_cast<std::uint8_t>(pixels.rows)};
  }
  mutable EncodeRequest asked;
};

TEST_CASE("jpeg goes through the injected codec") {
  const FakeCodec codec;
  const auto op = Bind("jpeg", "{quality: 49.5, subsampling: false}", Services{&codec});
  const Drawn drawn = Draw(*op, Picture(4, 3, 1));
  CHECK(drawn.RecordedNames() == Names{"quality"});
  const auto out = RunImage(drawn, cv::Mat(3, 4, CV_8UC1, cv::Scalar(9)));
  REQUIRE(out.Ok());
  CHECK(out->size() == cv::Size(4, 3));
  CHECK(out->type() == CV_8UC1);
  CHECK(codec.asked.format == ImageFormat::kJpeg);
  CHECK(codec.asked.quality == 50);
  CHECK(!codec.asked.subsample);
  CHECK(RunImage(drawn, cv::Mat(3, 400, CV_8UC1, cv::Scalar(9))).Error().code == "ENC-TEST");
  CHECK(!op->Info().support.Accepts(Depth::kU16, 3));
  CHECK(!op->Info().support.Accepts(Depth::kU8, 4));
}

}  // namespace
}  // namespace pixloom
