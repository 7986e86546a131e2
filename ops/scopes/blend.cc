// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include "ops/common.h"
#include "ops/kernels/dirichlet.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// base + sum of share * (part - base), value by value: what no branch has changed stays exactly.
template <class T>
void Mix(const cv::Mat& base, const std::vector<cv::Mat>& parts, const std::vector<float>& shares,
         cv::Mat& out) {
  const std::ptrdiff_t values = std::ptrdiff_t{base.cols} * base.channels();
  std::vector<float> sum(static_cast<std::size_t>(values));
  for (int y = 0; y < base.rows; ++y) {
    const T* from = base.ptr<T>(y);
    float* const to = sum.data();
    for (std::ptrdiff_t i = 0; i < values; ++i) to[i] = static_cast<float>(from[i]);
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const T* part = parts[p].ptr<T>(y);
      const float share = shares[p];
      for (std::ptrdiff_t i = 0; i < values; ++i) {
        to[i] += share * (static_cast<float>(part[i]) - static_cast<float>(from[i]));
      }
    }
    T* result = out.ptr<T>(y);
    for (std::ptrdiff_t i = 0; i < values; ++i) result[i] = RoundTo<T>(to[i]);
  }
}

class BlendScope final : public ScopeOperator {
 public:
  BlendScope(double alpha, bool original) : alpha_(alpha), original_(original) {}

  bool AllowsGeometry() const override { return true; }

  Result<Sample> Enter(const Sample& whole, std::size_t, const std::vector<std::string>&,
                       Rng&) const override {
    return whole.Clone();
  }

  std::optional<DataError> Leave(Sample& whole, std::vector<Sample> parts,
                                 const std::vector<std::string>& fields, Rng& rng) const override {
    const double kept = original_ ? DrawDirichlet(rng, alpha_, 2)[0] : 0;
    const std::vector<double> weights = DrawDirichlet(rng, alpha_, parts.size());
    rng.Note("original", kept);
    std::vector<float> shares;
    for (const double weight : weights) {
      rng.Note("share", (1 - kept) * weight);
      shares.push_back(static_cast<float>((1 - kept) * weight));
    }
    for (auto& [name, field] : whole.images) {
      if (!fields.empty() && std::find(fields.begin(), fields.end(), name) == fields.end())
        continue;
      std::vector<const ImageField*> made;
      for (const Sample& part : parts) made.push_back(part.Image(name));
      for (std::size_t f = 0; f < field.frames.size(); ++f) {
        cv::Mat& base = field.frames[f].pixels;
        std::vector<cv::Mat> pictures;
        for (const ImageField* one : made) {
          if (one == nullptr || one->frames.size() != field.frames.size() ||
              one->frames[f].pixels.size() != base.size() ||
              one->frames[f].pixels.type() != base.type() || !(one->range == field.range)) {
            return DataError{
                "OP-SIZE", fmt::format("blend: a branch makes another size or type of '{}'", name),
                "keep size and type inside, or resize before", ""};
          }
          pictures.push_back(one->frames[f].pixels);
        }
        cv::Mat out(base.size(), base.type());
        WithDepth(base, [&](auto zero) { Mix<decltype(zero)>(base, pictures, shares, out); });
        base = std::move(out);
      }
    }
    return std::nullopt;
  }

 private:
  double alpha_;
  bool original_;
};

struct Blend {
  double alpha = 1;
  bool original = true;

  static constexpr std::string_view kName = "blend";
  static constexpr std::string_view kDoc =
      "Mix what each of the steps makes of the picture, in random shares; labels stay, so geometry "
      "inside leaves traces that no label describes.";
  static constexpr bool kBranches = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("alpha", &Blend::alpha)
            .In(0.01, 100)
            .Unit("shape")
            .Doc("Shares follow a Dirichlet distribution: below 1 one branch dominates, 1 takes "
                 "all mixtures alike, high values mix evenly."),
        Param("original", &Blend::original)
            .Doc("Mix the result with the picture as it came, by a share that follows Beta(alpha, "
                 "alpha).")};
  }

  std::shared_ptr<const ScopeOperator> Make(const Services&) const {
    return std::make_shared<BlendScope>(alpha, original);
  }
};

}  // namespace

void RegisterBlend(Registry& registry) { registry.AddScope<Blend>(); }

}  // namespace pixloom
