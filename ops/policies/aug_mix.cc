// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/policies/space.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class MixGeometry { kAuto, kAlways, kNever };

}  // namespace

template <>
struct EnumNames<MixGeometry> {
  static constexpr std::array kAll{std::pair{MixGeometry::kAuto, "auto"},
                                   std::pair{MixGeometry::kAlways, "always"},
                                   std::pair{MixGeometry::kNever, "never"}};
};

namespace {

constexpr int kBins = 10;
constexpr int kDeepest = 3;  // of branches whose depth is drawn

struct AugMix : Warped {
  std::int64_t severity = 3;
  std::int64_t width = 3;
  std::int64_t depth = -1;
  double alpha = 1;
  bool all_ops = true;
  MixGeometry geometry = MixGeometry::kAuto;

  static constexpr std::string_view kName = "aug_mix";
  static constexpr std::string_view kDoc =
      "AugMix: several chains of operations, mixed with each other and with the picture.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("severity", &AugMix::severity)
                       .In(1, kBins)
                       .Unit("bins")
                       .Doc("Strengths to choose from, the weakest first."),
                   Param("width", &AugMix::width)
                       .In(1, 8)
                       .Unit("chains")
                       .Alias("mixture_width")
                       .Doc("How many chains are mixed."),
                   Param("depth", &AugMix::depth)
                       .In(-1, 8)
                       .Unit("operations")
                       .Alias("chain_depth")
                       .Doc("Operations in each chain; -1 draws 1, 2 or 3."),
                   Param("alpha", &AugMix::alpha)
                       .In(0.01, 100)
                       .Unit("shape")
                       .Doc("Of the shares' distributions: high values mix evenly."),
                   Param("all_ops", &AugMix::all_ops)
                       .Doc("Also brightness, saturation, contrast and sharpness, which overlap "
                            "with the corruptions of ImageNet-C."),
                   Param("geometry", &AugMix::geometry)
                       .Doc("Chains that move pixels leave ghosts, which no box or mask describes: "
                            "auto moves pixels only of samples without objects and masks.")},
        Warped::Table<AugMix>());
  }

  std::string Check() const {
    if (depth == 0) return "depth: a chain has at least one operation; -1 draws 1, 2 or 3";
    return Outside::Check();
  }

  std::string Steps() const {
    if (geometry == MixGeometry::kNever) return Mixture(false, 0);
    if (geometry == MixGeometry::kAlways) return Mixture(true, 0);
    return fmt::format(
        "- switch:\n"
        "    - when: objects + masks == 0\n"
        "      then:\n{}"
        "    - else:\n{}",
        Mixture(true, 8), Mixture(false, 8));
  }

 private:
  std::string Mixture(bool moving, int indent) const {
    const std::string margin(static_cast<std::size_t>(indent), ' ');
    std::string text =
        fmt::format("{0}- blend:\n{0}    alpha: {1}\n{0}    steps:\n", margin, alpha);
    for (std::int64_t branch = 0; branch < width; ++branch) text += Branch(moving, indent + 6);
    return text;
  }

  // As many draws from the operations as the chain is deep.
  std::string Branch(bool moving, int indent) const {
    const std::string margin(static_cast<std::size_t>(indent), ' ');
    const PolicySpace space(kMixScale, kBins, WarpText(*this));
    std::vector<std::string> ops;
    const auto add = [&](const auto& list) {
      for (const PolicyOp op : list) ops.push_back(space.Step(op, 0, severity));
    };
    if (moving) add(kGeometricOps);
    add(kLevelOps);
    if (all_ops) add(kEnhancingOps);
    if (depth > 0) {
      return fmt::format("{0}- repeat:\n{0}    times: {1}\n{0}    steps:\n{0}      - one_of:\n{2}",
                         margin, depth, StepList(ops, indent + 10));
    }
    std::string text =
        fmt::format("{0}- some_of:\n{0}    n: [1, {1}]\n{0}    steps:\n", margin, kDeepest);
    for (int i = 0; i < kDeepest; ++i) {
      text += fmt::format("{}      - one_of:\n{}", margin, StepList(ops, indent + 10));
    }
    return text;
  }
};

}  // namespace

void RegisterAugMix(Registry& registry) { registry.AddPolicy<AugMix>(); }

}  // namespace pixloom
