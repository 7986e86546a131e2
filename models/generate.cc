// SPDX-License-Identifier: Apache-2.0
// generate: a source whose pictures a network makes of noise: a generator, or a VAE's decoder.
//
// What the source reads is a black picture with its class; the network directly behind it fills
// that. The noise belongs to the sample's identity like every other draw.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "models/node_base.h"
#include "models/nodes.h"
#include "models/pictures.h"
#include "models/register_nodes.h"
#include "pipeline/registry.h"

namespace pixloom {

namespace {

using Errors = std::vector<std::optional<DataError>>;

constexpr std::string_view kScore = "discriminator";  // the graph, and the scalar of its score

// The graph that turns latents into pictures.
std::string MakerOf(const Manifest& manifest) {
  return manifest.role == ModelRole::kVae ? "decoder" : "generator";
}

class GenerateNetwork final : public NetworkOperator {
 public:
  GenerateNetwork(std::shared_ptr<Model> model, const GenerateOptions& options)
      : NetworkOperator(model), options_(options), maker_(MakerOf(model->manifest)) {
    constexpr std::array kRoles{ModelRole::kGenerator, ModelRole::kVae};
    RequireRole(*model, "generate", kRoles);
    RequireGraph(*model, "generate", maker_);
    if (!manifest().latent) Reject("latent is missing");
    maker_in_ = ClassedInputsOf(*model, maker_, manifest().latent->input);
    if (maker_in_.classes && manifest().classes.empty()) {
      Reject(fmt::format("condition is {}, but classes is empty", *manifest().condition));
    }
    if (!AllFixed(manifest().latent->dims)) Reject("latent.dims leaves a size open");
    const std::vector<Port>& outputs = Graph(maker_).Outputs();
    const Dims dims = outputs.empty() ? Dims{} : outputs[0].dims;
    if (dims.size() != 3 || !AllFixed(dims) || dims[0] != manifest().picture.channels()) {
      throw ModelRejectedError(
          "MOD-SHAPE",
          fmt::format("{}: graph {} gives {}; generate needs a picture of {} channels and one size",
                      manifest().name, maker_, DimsText(dims), manifest().picture.channels()));
    }
    size_ = {static_cast<int>(dims[2]), static_cast<int>(dims[1])};
    judges_ = model->graphs.contains(std::string(kScore));
    if (judges_) judge_in_ = ClassedInputsOf(*model, std::string(kScore), "");
    if (options_.min_score && !judges_) {
      throw ModelRejectedError(
          "MOD-MANIFEST",
          fmt::format("{}: min_score needs a graph 'discriminator', and the manifest lists none",
                      manifest().name));
    }
  }

  Size PictureSize() const { return size_; }
  bool TakesClasses() const { return maker_in_.classes.has_value(); }

  Errors Run(std::span<Item> block, bool may_shrink) override {
    Errors errors = Make(block, may_shrink);
    if (judges_) Judge(block, may_shrink, errors);
    return errors;
  }

 private:
  static bool AllFixed(const Dims& dims) {
    return std::all_of(dims.begin(), dims.end(), [](std::int64_t d) { return d > 0; });
  }

  [[noreturn]] void Reject(const std::string& why) const {
    throw ModelRejectedError("MOD-MANIFEST", fmt::format("{}: {}", manifest().name, why));
  }

  static cv::Mat& PixelsOf(const Item& item) {
    return item.sample->images[0].second.frames[0].pixels;
  }

  static void PackClass(const Item& item, const ClassedInputs& ports,
                        std::span<const std::span<float>> inputs) {
    if (ports.classes) FillOneHot(*item.sample->labels.label, inputs[*ports.classes]);
  }

  Errors Make(std::span<Item> block, bool may_shrink) {
    return RunAll(
        maker_, may_shrink, maker_in_.Of(manifest().latent->dims, manifest().classes.size()),
        block.size(),
        [&](std::size_t i, std::span<const std::span<float>> inputs) {
          const std::span<float> input = inputs[maker_in_.main];
          std::vector<double> latent(input.size());
          DrawNormals(LatentStream(block[i].rng.Key(), 0), options_.truncation, latent);
          std::transform(latent.begin(), latent.end(), input.begin(),
                         [](double v) { return static_cast<float>(v); });
          PackClass(block[i], maker_in_, inputs);
        },
        [&](std::size_t i, std::span<const std::span<const float>> outputs, std::span<const Dims>) {
          // Others may share the black picture.
          cv::Mat& pixels = PixelsOf(block[i]);
          pixels = MadePicture(outputs[0], manifest(), pixels, {});
        });
  }

  // By the picture that goes on, not by the numbers it was rounded from.
  void Judge(std::span<Item> block, bool may_shrink, Errors& errors) {
    std::vector<std::size_t> made;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (!errors[i]) made.push_back(i);
    }
    const PictureInput& input = manifest().picture;
    const Dims dims{input.channels(), size_.height, size_.width};
    const Errors found = RunAll(
        std::string(kScore), may_shrink, judge_in_.Of(dims, manifest().classes.size()), made.size(),
        [&](std::size_t i, std::span<const std::span<float>> inputs) {
          const Item& item = block[made[i]];
          PackPicture(PixelsOf(item), {}, PaddedRect(input, PixelsOf(item)), input,
                      inputs[judge_in_.main]);
          PackClass(item, judge_in_, inputs);
        },
        [&](std::size_t i, std::span<const std::span<const float>> outputs, std::span<const Dims>) {
          Item& item = block[made[i]];
          const double score = Mean(outputs[0]);
          item.sample->scalars[std::string(kScore)] = score;
          item.rng.Note(kScore, score);
          if (!options_.min_score || score >= *options_.min_score) return;
          item.sample->filtered = true;
          ++item.sample->counts["below min_score"];
        });
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i]) errors[made[i]] = found[i];
    }
  }

  // One value, or one for each patch.
  static double Mean(std::span<const float> values) {
    double sum = 0;
    for (const float v : values) sum += static_cast<double>(v);
    return sum / static_cast<double>(values.size());
  }

  const GenerateOptions options_;
  const std::string maker_;
  ClassedInputs maker_in_, judge_in_;
  Size size_;
  bool judges_ = false;
};

// A class and how often it comes, compared with others.
struct Share {
  int label = 0;
  double weight = 1;
};

class GenerateSource final : public Source {
 public:
  GenerateSource(std::shared_ptr<Model> model, const GenerateOptions& options)
      : options_(options), network_(std::make_shared<GenerateNetwork>(model, options)) {
    channels_ = model->manifest.picture.channels();
    if (!network_->TakesClasses()) {
      if (options.classes.empty()) return;
      problem_ = fmt::format("{} is not told classes; leave classes out", model->manifest.name);
      return;
    }
    names_ = std::make_shared<LabelNames>();
    names_->classes = model->manifest.classes;
    if (options.classes.empty()) {
      for (std::size_t c = 0; c < names_->classes.size(); ++c) {
        shares_.push_back({static_cast<int>(c)});
      }
    }
    for (const std::string& word : options.classes) AddShare(word);
  }

  Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>&) override {
    if (!problem_.empty()) return problem_;
    std::vector<SourceEntry> entries;
    entries.reserve(static_cast<std::size_t>(options_.count));
    std::vector<std::uint64_t> made(shares_.size(), 0);
    std::vector<double> credit(shares_.size(), 0);
    for (std::int64_t i = 0; i < options_.count; ++i) {
      if (shares_.empty()) {
        entries.push_back({fmt::format("{:06}", i)});
        continue;
      }
      const std::size_t s = NextShare(credit);
      const std::string& name = names_->classes[static_cast<std::size_t>(shares_[s].label)];
      entries.push_back({fmt::format("{}/{:06}", name, made[s]++)});
    }
    return entries;
  }

  Result<Sample> Read(const SourceEntry& entry) const override {
    Sample sample;
    const Size size = network_->PictureSize();
    sample.images.emplace_back(
        "image", ImageField::Of(cv::Mat::zeros(size.height, size.width, CV_8UC(channels_))));
    if (names_ == nullptr) return sample;
    const std::string name = entry.key.substr(0, entry.key.rfind('/'));
    sample.labels.label = *LabelOf(name);
    sample.names = names_;
    return sample;
  }

  Meta OutputMeta() const override {
    Meta meta;
    meta.size = network_->PictureSize();
    meta.depth = Depth::kU8;
    meta.channels = channels_;
    return meta;
  }

  std::shared_ptr<ModelOperator> Network() const override { return network_; }

 private:
  // The first word that is wrong; List tells it.
  void Refuse(std::string why) {
    if (problem_.empty()) problem_ = "classes: " + std::move(why);
  }

  std::optional<int> LabelOf(std::string_view name) const {
    const auto it = std::find(names_->classes.begin(), names_->classes.end(), name);
    if (it == names_->classes.end()) return std::nullopt;
    return static_cast<int>(it - names_->classes.begin());
  }

  // "shoe" or "shoe=3"; a class may have an equals sign in its name.
  void AddShare(const std::string& word) {
    Share share;
    std::string name = word;
    std::optional<int> label = LabelOf(name);
    if (const std::size_t sign = word.rfind('='); !label && sign != std::string::npos) {
      name = word.substr(0, sign);
      label = LabelOf(name);
      const char* end = word.data() + word.size();
      const auto [parsed, failed] = std::from_chars(word.data() + sign + 1, end, share.weight);
      if (failed != std::errc() || parsed != end || !(share.weight > 0 && share.weight < 1e12)) {
        return Refuse(fmt::format("the share of '{}' must be a number above 0", word));
      }
    }
    if (!label) {
      return Refuse(
          fmt::format("the network knows no '{}'{}", name, Suggestion(name, names_->classes)));
    }
    share.label = *label;
    for (const Share& other : shares_) {
      if (other.label == share.label) Refuse(fmt::format("'{}' stands there twice", name));
    }
    shares_.push_back(share);
  }

  // Classes take turns as evenly as their shares allow, so that a larger count only adds entries:
  // everybody earns their share, and the richest pays for all.
  std::size_t NextShare(std::vector<double>& credit) const {
    double total = 0;
    for (std::size_t s = 0; s < shares_.size(); ++s) {
      credit[s] += shares_[s].weight;
      total += shares_[s].weight;
    }
    const auto richest = std::max_element(credit.begin(), credit.end());
    *richest -= total;
    return static_cast<std::size_t>(richest - credit.begin());
  }

  const GenerateOptions options_;
  const std::shared_ptr<GenerateNetwork> network_;
  std::shared_ptr<LabelNames> names_;  // null: the network knows no classes
  std::vector<Share> shares_;
  std::string problem_;  // with the options
  int channels_ = 3;
};

struct GenerateNode : NetworkParams {
  std::int64_t count = 0;
  std::vector<std::string> classes;
  double truncation = 0;
  std::vector<double> min_score;

  static constexpr std::string_view kName = "generate";
  static constexpr std::string_view kDoc =
      "Pictures made by a network: a generator, or the decoder of a VAE. A network that takes "
      "classes labels them.";
  static constexpr auto Params() {
    using G = GenerateNode;
    return std::tuple_cat(
        NetworkParams::Table<G>(),
        std::tuple{
            Param("count", &G::count).Required().In(1, 1e9).Unit("pictures"),
            Param("classes", &G::classes)
                .Doc("Which classes, in turn: [shoe, bag], or with shares {shoe: 3, bag: 1}. "
                     "Empty: all that the network knows."),
            Param("truncation", &G::truncation)
                .In(0, 10)
                .Unit("deviations")
                .Doc("Latents stay within this: small values give safer and less varied pictures. "
                     "0: no limit."),
            Param("min_score", &G::min_score)
                .Doc("Pictures that the network's discriminator gives less are dropped. Empty: "
                     "none; the score is noted all the same.")});
  }
  std::string Check() const { return min_score.size() > 1 ? "min_score: one number, or none" : ""; }
  std::unique_ptr<Source> Make(const Services&) const {
    GenerateOptions options{count, classes, truncation, {}};
    if (!min_score.empty()) options.min_score = min_score[0];
    return MakeGenerate(LoadModel(model, Choice()), options);
  }
};

}  // namespace

std::unique_ptr<Source> MakeGenerate(std::shared_ptr<Model> model, const GenerateOptions& options) {
  return std::make_unique<GenerateSource>(std::move(model), options);
}

void RegisterGenerate(Registry& registry) { registry.AddSource<GenerateNode>(); }

}  // namespace pixloom
