// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "models/node_base.h"
#include "models/nodes.h"
#include "models/pictures.h"
#include "models/register_nodes.h"
#include "models/resample.h"
#include "pipeline/model.h"
#include "pipeline/registry.h"

namespace pixloom {

template <>
struct EnumNames<Softmax> {
  static constexpr std::array kAll{std::pair{Softmax::kAuto, "auto"},
                                   std::pair{Softmax::kYes, "yes"}, std::pair{Softmax::kNo, "no"}};
};

namespace {

// Shares of a whole, but for rounding.
bool AreShares(std::span<const double> scores) {
  double sum = 0;
  for (const double score : scores) {
    if (score < -1e-6) return false;
    sum += score;
  }
  return std::abs(sum - 1) < 1e-3;
}

void MakeShares(std::span<double> scores) {
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  for (double& score : scores) score /= sum;
}

class ScoreOperator final : public NetworkOperator {
 public:
  ScoreOperator(const std::shared_ptr<Model>& model, const ScoreOptions& options)
      : NetworkOperator(model), options_(options) {
    const Network& network = Graph("main");
    const auto reject = [&](const std::string& why) {
      throw ModelRejectedError("MOD-SHAPE", manifest().path + ": score: " + why);
    };
    if (network.Inputs().size() != 1) {
      reject(fmt::format("takes a network with one input, a picture; this one has {}",
                         network.Inputs().size()));
    }
    // The first output is about the classes, where there are any or nothing else is said.
    const bool classes = !manifest().classes.empty() || manifest().features.empty();
    if (classes) classes_ = 0;
    for (const std::string& name : manifest().features) {
      const std::size_t output = PortOf("main", network.Outputs(), name);
      if (classes_ != output) features_.push_back(output);
    }
    if (classes_) {
      const Port& port = network.Outputs()[*classes_];
      const std::size_t named = manifest().classes.size();
      const bool open =
          std::any_of(port.dims.begin(), port.dims.end(), [](auto d) { return d < 0; });
      if (named > 0 && !open && static_cast<std::size_t>(Elements(port.dims)) != named) {
        reject(fmt::format("output '{}' has {} scores for {} classes", port.name,
                           Elements(port.dims), named));
      }
    }
  }

  std::string Refuses(const Meta& in) const override {
    Meta meta = in;
    if (meta.size) meta.size = PaddedSize(manifest().picture, *meta.size);
    if (options_.resize) meta.size.reset();
    return RefusesPicture(manifest().picture, meta, PictureUse::kInputOnly);
  }

  std::vector<std::optional<DataError>> Run(std::span<Item> block, bool may_shrink) override {
    // The first picture that the step is about; the frames of a clip count alike.
    std::vector<std::string> names(block.size());
    std::vector<Item> items;
    for (std::size_t i = 0; i < block.size(); ++i) {
      names[i] =
          block[i].fields.empty() ? block[i].sample->images.front().first : block[i].fields.front();
      items.push_back({block[i].sample, {&names[i], 1}, block[i].rng});
    }
    std::vector<Scores> scores(block.size());
    for (const auto& group : GroupPictures(items, std::numeric_limits<std::size_t>::max())) {
      RunEqual(group, items, may_shrink, scores);
    }
    std::vector<std::optional<DataError>> errors;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (!scores[i].error && scores[i].frames > 0) Note(scores[i], *block[i].sample);
      errors.push_back(std::move(scores[i].error));
    }
    return errors;
  }

 private:
  // Sums over the frames of one picture.
  struct Scores {
    std::vector<double> classes;
    std::vector<std::vector<double>> features;
    int frames = 0;
    std::optional<DataError> error;
  };

  void RunEqual(const std::vector<BlockPicture>& group, std::span<const Item> items,
                bool may_shrink, std::vector<Scores>& scores) {
    const PictureInput& input = manifest().picture;
    const cv::Mat& first = group.front().frame->pixels;
    if (const std::string why = Refuses(MetaOf(first)); !why.empty()) {
      for (const BlockPicture& p : group)
        scores[p.item].error = DataError{"MOD-SHAPE", why, "", ""};
      return;
    }
    const bool resample = input.size && SizeOf(first) != *input.size;
    const Size seen = resample ? *input.size : PaddedSize(input, SizeOf(first));
    const std::int64_t channels = input.channels();
    Dims dims{channels, seen.height, seen.width};
    if (Graph("main").Inputs()[0].dims.size() == 1) dims = {Elements(dims)};
    std::vector<float> scratch;
    const auto pack = [&](std::size_t i, std::span<const std::span<float>> inputs) {
      const cv::Mat& pixels = group[i].frame->pixels;
      const Item& item = items[group[i].item];
      const ValueRange range = item.sample->Image(item.fields.front())->range;
      if (!resample) {
        return PackPicture(pixels, range, {0, 0, seen.width, seen.height}, input, inputs[0]);
      }
      scratch.resize(pixels.total() * static_cast<std::size_t>(channels));
      PackPicture(pixels, range, {0, 0, pixels.cols, pixels.rows}, input, scratch);
      ResamplePlanes(scratch, SizeOf(pixels), inputs[0], seen);
    };
    const auto unpack = [&](std::size_t i, std::span<const std::span<const float>> outputs,
                            std::span<const Dims>) { Add(outputs, scores[group[i].item]); };
    const auto errors = RunAll("main", may_shrink, {dims}, group.size(), pack, unpack);
    for (std::size_t i = 0; i < errors.size(); ++i) {
      if (errors[i] && !scores[group[i].item].error) scores[group[i].item].error = errors[i];
    }
  }

  void Add(std::span<const std::span<const float>> outputs, Scores& scores) const {
    const auto add = [](std::span<const double> values, std::vector<double>& sums) {
      sums.resize(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) sums[i] += values[i];
    };
    ++scores.frames;
    scores.features.resize(features_.size());
    for (std::size_t f = 0; f < features_.size(); ++f) {
      const auto values = outputs[features_[f]];
      add(std::vector<double>(values.begin(), values.end()), scores.features[f]);
    }
    if (!classes_) return;
    std::vector<double> values(outputs[*classes_].begin(), outputs[*classes_].end());
    const std::size_t named = manifest().classes.size();
    if (named > 0 && values.size() != named) {
      scores.error =
          DataError{"MOD-SHAPE",
                    fmt::format("the network made {} scores for {} classes", values.size(), named),
                    "resize to the size it was trained on", ""};
      return;
    }
    const bool shares = options_.softmax == Softmax::kNo ||
                        (options_.softmax == Softmax::kAuto && AreShares(values));
    if (values.size() > 1 && !shares) MakeShares(values);
    add(values, scores.classes);
  }

  void Note(const Scores& scores, Sample& sample) const {
    const std::string prefix = options_.name.empty() ? "" : options_.name + "_";
    const double frames = scores.frames;
    for (std::size_t f = 0; f < features_.size(); ++f) {
      const std::string name = prefix + Graph("main").Outputs()[features_[f]].name;
      const std::vector<double>& values = scores.features[f];
      for (std::size_t i = 0; i < values.size(); ++i) {
        sample.scalars[values.size() == 1 ? name : fmt::format("{}_{}", name, i)] =
            values[i] / frames;
      }
    }
    if (scores.classes.empty()) return;
    const auto top = std::max_element(scores.classes.begin(), scores.classes.end());
    sample.scalars[prefix + "score"] = *top / frames;
    if (scores.classes.size() == 1) return;
    const auto name_of = [&](std::size_t i) {
      return manifest().classes.empty() ? std::to_string(i) : manifest().classes[i];
    };
    const auto index = static_cast<std::size_t>(top - scores.classes.begin());
    sample.scalars[prefix + "score_class"] = static_cast<double>(index);
    sample.text[prefix + "scored_as"] = name_of(index);
    for (std::size_t i = 0; i < scores.classes.size(); ++i) {
      sample.scalars[prefix + "score_" + name_of(i)] = scores.classes[i] / frames;
    }
  }

  const ScoreOptions options_;
  std::optional<std::size_t> classes_;  // output with a score for each class
  std::vector<std::size_t> features_;   // outputs that are noted as they are
};

struct Score : NetworkParams {
  std::string name;
  bool resize = true;
  Softmax softmax = Softmax::kAuto;

  static constexpr std::string_view kName = "score";
  static constexpr std::string_view kDoc =
      "Let a network judge the picture, and note what it says for filter, switch and the results: "
      "the class, or numbers such as quality. The picture stays as it is.";
  static constexpr auto Params() {
    return std::tuple_cat(
        NetworkParams::Table<Score>(),
        std::tuple{
            Param("name", &Score::name)
                .Doc("Stands before the names of what is noted, with an underscore: scalars score "
                     "(of the best class), score_class (its number), score_CLASS for each, and the "
                     "network's features; text scored_as."),
            Param("resize", &Score::resize)
                .Doc("Resample pictures of other sizes to the network's; without it they are "
                     "refused."),
            Param("softmax", &Score::softmax)
                .Doc("Whether scores of classes become shares of 1: auto does so unless they "
                     "are.")});
  }

  std::shared_ptr<ModelOperator> Make(const Services&) const {
    return MakeScore(LoadModel(model, Choice()), {name, resize, softmax});
  }
};

}  // namespace

std::shared_ptr<ModelOperator> MakeScore(std::shared_ptr<Model> model,
                                         const ScoreOptions& options) {
  RequireRole(*model, "score", std::array{ModelRole::kClassifier});
  RequireGraph(*model, "score", "main");
  return std::make_shared<ScoreOperator>(model, options);
}

void RegisterScore(Registry& registry) { registry.AddModel<Score>(); }

}  // namespace pixloom
