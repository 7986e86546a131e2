// SPDX-License-Identifier: Apache-2.0
// Every built-in operator keeps the contract, and the checks find operators that do not.
#include <algorithm>
#include <atomic>
#include <set>

#include <doctest/doctest.h>

#include "tests/ops/alignment_table.h"
#include "tests/ops/contract_checks.h"
#include "tests/support/verbs.h"

namespace pixloom {
namespace {

using testing::Violations;

std::string Joined(const Violations& violations) {
  std::string text;
  for (std::size_t i = 0; i < violations.size() && i < 20; ++i) text += "\n  " + violations[i];
  if (violations.size() > 20) text += "\n  and more";
  return text;
}

template <class Check>
void ForEachOperator(Check check) {
  CHECK(BuiltIns().Operators().size() >= 50);
  for (const auto& [name, op] : BuiltIns().Operators()) {
    INFO("operator " << name);
    const OpInfo* same = testing::TestRegistry().FindOperator(name);
    REQUIRE(same != nullptr);
    const Violations violations = check(*same);
    INFO(Joined(violations));
    CHECK(violations.empty());
  }
}

TEST_CASE("every parameter has a doc, a unit, a range and a default inside it") {
  ForEachOperator([](const OpInfo& op) { return testing::CheckSchema(op); });
}

TEST_CASE("arguments survive YAML and values outside are refused") {
  ForEachOperator([](const OpInfo& op) { return testing::CheckArguments(op); });
}

TEST_CASE("every operator runs on the pixel types it names and is refused on the others") {
  ForEachOperator(
      [](const OpInfo& op) { return testing::CheckPixelTypes(op, testing::TestRegistry()); });
}

TEST_CASE("one identity gives one result, on any number of threads and with any pass left out") {
  ForEachOperator(
      [](const OpInfo& op) { return testing::CheckDraws(op, testing::TestRegistry()); });
}

TEST_CASE("labels follow the pixels, or stay where the pixels stay") {
  ForEachOperator([](const OpInfo& op) {
    if (testing::FindExemption(op.name) != nullptr) return Violations{};
    return testing::CheckLabels(op, testing::TestRegistry());
  });
}

TEST_CASE("operators that claim to be fixed are") {
  std::string names;
  std::set<std::string> fixed;
  ForEachOperator([&](const OpInfo& op) {
    if (op.fixed) {
      fixed.insert(op.name);
      names += " " + op.name;
    }
    return testing::CheckFixed(op, testing::TestRegistry());
  });
  MESSAGE("fixed:" << names);
  for (const char* name : {"resize", "center_crop", "letter_box", "to_gray", "normalize", "remap",
                           "clahe", "denoise", "sanitize"}) {
    CHECK(fixed.contains(name));
  }
  for (const char* name : {"random_crop", "rotate90", "d4", "gaussian_noise", "channel_shuffle",
                           "color_jitter", "crop_mirror_normalize", "glass_blur", "superpixels"}) {
    CHECK(!fixed.contains(name));
  }
}

TEST_CASE("no operator writes to pixels that others hold") {
  ForEachOperator(
      [](const OpInfo& op) { return testing::CheckSharing(op, testing::TestRegistry()); });
}

// ---- the checks can fail
// -------------------------------------------------------------------------

// No doc, no unit, no range, a default outside its range, two primaries, an upper-case name.
struct Undocumented {
  Range amount{0, 1};
  std::int64_t count = 11;
  double level = 0.5;
  static constexpr std::string_view kName = "undocumented";
  static constexpr std::string_view kDoc = "";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using U = Undocumented;
    return std::tuple{Param("amount", &U::amount).In(0, 1).Primary().Doc("How much."),
                      Param("count", &U::count).In(0, 10).Unit("px").Primary().Doc("How many."),
                      Param("Level", &U::level).Unit("levels")};
  }
  Lut Draw(Rng& rng, const Facts&) const {
    rng.Draw("amount", amount);
    return {[](int, double x) { return x; }};
  }
};

// Needs an argument that the table does not have.
struct Unlisted {
  std::int64_t window = 0;
  static constexpr std::string_view kName = "unlisted";
  static constexpr std::string_view kDoc = "Needs an argument nobody knows.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("window", &Unlisted::window).In(1, 9).Unit("px").Required().Doc("Side.")};
  }
  Steps<Lut> Draw(Rng&, const Facts&) const { return {}; }
};

// Says that it keeps the size and the pixel type, and does not; changes with every call.
struct Liar {
  static constexpr std::string_view kName = "liar";
  static constexpr std::string_view kDoc = "Hands out something else than it says.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() { return std::tuple{}; }
  ImageStep Draw(Rng&, const Facts&) const {
    return {[](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      static std::atomic<int> calls{0};
      return cv::Mat(in.rows + 1, in.cols, CV_8UC3, cv::Scalar::all(++calls % 250));
    }};
  }
};

// Draws outside its argument and ignores who asks.
struct Deaf {
  Range amount{0, 1};
  static constexpr std::string_view kName = "deaf";
  static constexpr std::string_view kDoc = "Draws always the same.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("amount", &Deaf::amount).In(0, 1).Unit("factor").Doc("How much.")};
  }
  Lut Draw(Rng& rng, const Facts&) const {
    rng.Note("amount", 7);
    return {[](int, double x) { return x; }};
  }
};

// Moves pixels by a field and says the opposite to the labels: the field is off by 3 px at once.
struct Shifter {
  static constexpr std::string_view kName = "shifter";
  static constexpr std::string_view kDoc = "Shifts the picture without telling the labels.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() { return std::tuple{}; }
  Steps<AffineStep, ImageStep> Draw(Rng&, const Facts& facts) const {
    Steps<AffineStep, ImageStep> steps;
    steps.push_back(AffineStep{Matrix::MirrorX(facts.size.width), facts.size, {}, {}});
    steps.push_back(ImageStep{[](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      if (in.cols > 3) in.colRange(3, in.cols).copyTo(out.colRange(0, in.cols - 3));
      return out;
    }});
    return steps;
  }
};

// Loses its argument on the way out of the table.
struct Forgetful {
  double strength = 0.5;
  static constexpr std::string_view kName = "forgetful";
  static constexpr std::string_view kDoc = "Accepts nothing but what it starts with.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("strength", &Forgetful::strength).In(0, 1).Unit("factor").Doc("How much.")};
  }
  std::string Check() const { return strength == 0.5 ? "" : "strength is not 0.5"; }
  Steps<Lut> Draw(Rng&, const Facts&) const { return {}; }
};

// Claim to be fixed: one draws by itself, one looks at the noise, one at a place that is drawn.
struct Wavering {
  static constexpr std::string_view kName = "wavering";
  static constexpr std::string_view kDoc = "Draws behind the back of its ranges.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return std::tuple{}; }
  Lut Draw(Rng& rng, const Facts&) const {
    return {[gain = rng.Unit()](int, double x) { return gain * x; }};
  }
};

struct Noisy {
  static constexpr std::string_view kName = "noisy";
  static constexpr std::string_view kDoc = "Draws nothing and makes noise.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kPerIsa;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return std::tuple{}; }
  ImageStep Draw(Rng&, const Facts&) const {
    return {[](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      out.ptr()[0] = static_cast<std::uint8_t>(context.noise.Block(0)[0]);
      return out;
    }};
  }
};

struct Telling {
  static constexpr std::string_view kName = "telling";
  static constexpr std::string_view kDoc = "Does nothing and records a draw.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return std::tuple{}; }
  Steps<Lut> Draw(Rng& rng, const Facts&) const {
    rng.Uniform("unused", 0, 1);
    return {};
  }
};

// Writes into the picture it is shown.
struct Scribbler {
  static constexpr std::string_view kName = "scribbler";
  static constexpr std::string_view kDoc = "Takes the input for its own.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() { return std::tuple{}; }
  ImageStep Draw(Rng&, const Facts&) const {
    return {[](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      cv::Mat out = in;
      out.ptr()[0] ^= 0x55;
      return out;
    }};
  }
};

const Registry& BadRegistry() {
  static const Registry& registry = *[] {
    auto* r = new Registry;
    r->AddOperator<Undocumented>();
    r->AddOperator<Unlisted>();
    r->AddOperator<Liar>();
    r->AddOperator<Deaf>();
    r->AddOperator<Shifter>();
    r->AddOperator<Forgetful>();
    r->AddOperator<Wavering>();
    r->AddOperator<Noisy>();
    r->AddOperator<Telling>();
    r->AddOperator<Scribbler>();
    testing::AddTestVerbs(*r);
    return r;
  }();
  return registry;
}

bool Reports(const std::string& op, const std::string& text) {
  const OpInfo* info = BadRegistry().FindOperator(op);
  REQUIRE(info != nullptr);
  const Violations violations = testing::CheckOperator(*info, BadRegistry());
  const bool found = std::any_of(violations.begin(), violations.end(), [&](const std::string& v) {
    return v.starts_with(op + ": ") && v.find(text) != std::string::npos;
  });
  if (!found) MESSAGE(op << " is not found to be: " << text << Joined(violations));
  return found;
}

TEST_CASE("an operator without docs, units and ranges is found out") {
  CHECK(Reports("undocumented", "doc is not one sentence: ''"));
  CHECK(Reports("undocumented", "parameter 'amount' has no unit"));
  CHECK(Reports("undocumented", "parameter 'Level' has no doc"));
  CHECK(Reports("undocumented", "parameter 'Level' has no range"));
  CHECK(Reports("undocumented", "parameter 'Level' is not snake_case"));
  CHECK(Reports("undocumented", "default of 'count': 11 is outside [0, 10]"));
  CHECK(Reports("undocumented", "several primary parameters"));
}

TEST_CASE("an operator that the table of arguments does not know is found out") {
  CHECK(Reports("unlisted", "'window' is required; add sample arguments to ArgumentTable()"));
}

TEST_CASE("an operator that does something else than it says is found out") {
  CHECK(Reports("liar", "inferred"));
  CHECK(Reports("liar", "run twice: image: pixels"));
  CHECK(Reports("deaf", "six samples get the same draws"));
  CHECK(Reports("deaf", "another seed gives the same draws"));
  CHECK(Reports("deaf", "drew amount = 7 outside"));
  CHECK(Reports("shifter", "keypoints are up to 3.000 px away from their pixels"));
  CHECK(Reports("shifter", "mask pixels belong elsewhere"));
  CHECK(Reports("forgetful", "'strength' refuses every value of its range"));
}

TEST_CASE("an operator that only claims to be fixed, or writes to its input, is found out") {
  CHECK(Reports("wavering", "seeds or ids change: image: pixels"));
  CHECK(Reports("noisy", "seeds or ids change: image: pixels"));
  CHECK(Reports("noisy", "claims to be fixed and is not exact"));
  CHECK(Reports("telling", "seeds or ids change: recipe"));
  CHECK(Reports("scribbler", "writes to what another reader holds: image: pixels"));
}

}  // namespace
}  // namespace pixloom
