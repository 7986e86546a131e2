// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "models/node_base.h"
#include "models/nodes.h"
#include "models/picture_network.h"
#include "models/register_nodes.h"
#include "pipeline/registry.h"

namespace pixloom {

namespace {

class ReconstructOperator final : public NetworkOperator {
 public:
  ReconstructOperator(const std::shared_ptr<Model>& model, const ReconstructOptions& options)
      : NetworkOperator(model),
        options_(options),
        network_(model, "reconstruct",
                 {.batch = options.batch,
                  .whole = true,
                  .resize = options.resize,
                  .measure = !options.error.empty()}) {}

  ModelUse GetUse() const override {
    ModelUse use = NetworkOperator::GetUse();
    use.padding += network_.padding();
    return use;
  }
  std::string Refuses(const Meta& meta) const override { return network_.Refuses(meta); }

  std::vector<std::optional<DataError>> Run(std::span<Item> block, bool may_shrink) override {
    std::vector<float> strengths;
    for (Item& item : block) {
      strengths.push_back(static_cast<float>(item.rng.Draw("strength", options_.strength)));
    }
    const auto outcomes = network_.Run(block, strengths, may_shrink);
    std::vector<std::optional<DataError>> errors;
    for (std::size_t i = 0; i < block.size(); ++i) {
      errors.push_back(outcomes[i].error);
      if (errors[i] || options_.error.empty()) continue;
      block[i].sample->scalars[options_.error] = outcomes[i].squared_error;
    }
    return errors;
  }

 private:
  const ReconstructOptions options_;
  PictureNetwork network_;
};

struct Reconstruct : NetworkParams {
  Range strength{1};
  bool resize = false;
  std::string error = "reconstruction_error";

  static constexpr std::string_view kName = "reconstruct";
  static constexpr std::string_view kDoc =
      "Send pictures through an autoencoder or a deconvolution network, whole, and measure how far "
      "they come back from what they were.";
  static constexpr auto Params() {
    return std::tuple_cat(
        NetworkParams::Table<Reconstruct>(),
        std::tuple{
            Param("strength", &Reconstruct::strength)
                .In(0, 1)
                .Unit("share")
                .Doc("How much of the network's picture is blended with the one that went in."),
            Param("resize", &Reconstruct::resize)
                .Doc("Resample pictures of other sizes to the network's, and what comes back to "
                     "theirs; without it they are refused."),
            Param("error", &Reconstruct::error)
                .Doc("Scalar that becomes the mean squared difference, in the network's range: "
                     "large for pictures unlike those it was trained on. Empty: none.")});
  }

  std::shared_ptr<ModelOperator> Make(const Services&) const {
    return MakeReconstruct(LoadModel(model, Choice()),
                           {strength, static_cast<int>(batch), resize, error});
  }
};

}  // namespace

std::shared_ptr<ModelOperator> MakeReconstruct(std::shared_ptr<Model> model,
                                               const ReconstructOptions& options) {
  RequireRole(*model, "reconstruct", std::array{ModelRole::kAutoencoder});
  RequireGraph(*model, "reconstruct", "main");
  if (model->manifest.output.scale != 1) {
    throw ModelRejectedError("MOD-MANIFEST", model->manifest.path +
                                                 ": reconstruct: pictures come back in their size, "
                                                 "so scale must be 1; use enhance");
  }
  return std::make_shared<ReconstructOperator>(model, options);
}

void RegisterReconstruct(Registry& registry) { registry.AddModel<Reconstruct>(); }

}  // namespace pixloom
