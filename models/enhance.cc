// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "models/node_base.h"
#include "models/nodes.h"
#include "models/picture_network.h"
#include "models/register_nodes.h"
#include "pipeline/model.h"
#include "pipeline/registry.h"

namespace pixloom {

namespace {

class EnhanceOperator final : public NetworkOperator {
 public:
  EnhanceOperator(const std::shared_ptr<Model>& model, const EnhanceOptions& options)
      : NetworkOperator(model),
        options_(options),
        network_(model, "enhance", {options.batch, options.tile, options.overlap}) {}

  Pace GetPace() const override {
    Pace pace = NetworkOperator::GetPace();
    if (network_.OneByOne()) pace.block = 1;
    if (options_.in_flight > 0) pace.in_flight = options_.in_flight;
    return pace;
  }
  ModelUse GetUse() const override {
    ModelUse use = NetworkOperator::GetUse();
    use.padding += network_.padding();
    return use;
  }
  std::string Refuses(const Meta& meta) const override { return network_.Refuses(meta); }
  Meta OutputMeta(const Meta& in) const override {
    Meta out = in;
    if (in.size) out.size = Size{in.size->width * Scale(), in.size->height * Scale()};
    return out;
  }

  std::vector<std::optional<DataError>> Run(std::span<Item> block, bool may_shrink) override {
    std::vector<float> strengths;
    for (Item& item : block) {
      strengths.push_back(static_cast<float>(item.rng.Draw("strength", options_.strength)));
    }
    const auto outcomes = network_.Run(block, strengths, may_shrink);
    std::vector<std::optional<DataError>> errors;
    for (std::size_t i = 0; i < block.size(); ++i) {
      errors.push_back(outcomes[i].error);
      if (errors[i] || Scale() == 1) continue;
      errors[i] = LeftBehind(block[i]);
      if (!errors[i]) EnlargeLabels(*block[i].sample, Scale());
    }
    return errors;
  }

 private:
  int Scale() const { return network_.scale(); }

  // Pictures of a sample have one coordinate system.
  std::optional<DataError> LeftBehind(const Item& item) const {
    if (item.fields.empty()) return std::nullopt;
    for (const auto& [name, field] : item.sample->images) {
      if (std::find(item.fields.begin(), item.fields.end(), name) != item.fields.end()) continue;
      return DataError{
          "MOD-FIELDS",
          fmt::format("enhance makes pictures {} times as large, but not '{}'", Scale(), name),
          "leave `fields` out, so that it enlarges all of them", ""};
    }
    return std::nullopt;
  }

  const EnhanceOptions options_;
  PictureNetwork network_;
};

struct Enhance : NetworkParams {
  Range strength{1};
  std::int64_t tile = 0, overlap = 0, in_flight = 0;

  static constexpr std::string_view kName = "enhance";
  static constexpr std::string_view kDoc =
      "Send pictures through a network that gives pictures back: it removes noise or blur, "
      "sharpens, relights, enlarges. Large ones go through it in tiles.";
  static constexpr auto Params() {
    return std::tuple_cat(
        NetworkParams::Table<Enhance>(),
        std::tuple{
            Param("strength", &Enhance::strength)
                .In(0, 1)
                .Unit("share")
                .Doc("How much of the network's picture is blended with the one that went in."),
            Param("tile", &Enhance::tile)
                .In(0, kMaxTile)
                .Unit("px")
                .Doc("Longest side of what goes through the network at once; 0 cuts pictures of "
                     "more than a megapixel into tiles of 512."),
            Param("overlap", &Enhance::overlap)
                .In(0, kMaxTile)
                .Unit("px")
                .Doc("Edge of a tile that is thrown away, at least the radius of what one pixel "
                     "depends on; 0 takes what the manifest says."),
            Param("in_flight", &Enhance::in_flight)
                .In(0, 64)
                .Unit("blocks")
                .Doc("Blocks under way at the same time; 0 takes what suits the device.")});
  }

  std::shared_ptr<ModelOperator> Make(const Services&) const {
    ModelChoice choice = Choice();
    choice.in_flight = in_flight;
    return MakeEnhance(LoadModel(model, choice),
                       {strength, static_cast<int>(batch), static_cast<int>(tile),
                        static_cast<int>(overlap), static_cast<int>(in_flight)});
  }

 private:
  static constexpr double kMaxTile = 16'384;
};

}  // namespace

std::shared_ptr<ModelOperator> MakeEnhance(std::shared_ptr<Model> model,
                                           const EnhanceOptions& options) {
  RequireRole(*model, "enhance", std::array{ModelRole::kEnhancer});
  RequireGraph(*model, "enhance", "main");
  return std::make_shared<EnhanceOperator>(model, options);
}

void RegisterEnhance(Registry& registry) { registry.AddModel<Enhance>(); }

}  // namespace pixloom
