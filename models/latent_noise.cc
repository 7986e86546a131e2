// SPDX-License-Identifier: Apache-2.0
// latent_noise: pictures encoded by a VAE, moved in its latent space, and decoded again.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "models/node_base.h"
#include "models/nodes.h"
#include "models/pictures.h"
#include "models/register_nodes.h"
#include "pipeline/exact_math.h"
#include "pipeline/registry.h"

namespace pixloom {

template <>
struct EnumNames<LatentScale> {
  static constexpr std::array<std::pair<LatentScale, std::string_view>, 2> kAll{
      {{LatentScale::kPosterior, "posterior"}, {LatentScale::kUnit, "unit"}}};
};
template <>
struct EnumNames<LatentPath> {
  static constexpr std::array<std::pair<LatentPath, std::string_view>, 2> kAll{
      {{LatentPath::kLinear, "linear"}, {LatentPath::kSlerp, "slerp"}}};
};

namespace {

using Errors = std::vector<std::optional<DataError>>;

// One picture of the block. `before` keeps what it was until everything is encoded and decoded.
struct Picture {
  std::size_t item = 0;
  std::size_t number = 0;  // among the pictures of its sample
  Frame* frame = nullptr;
  ValueRange range;
  cv::Mat before;
  Dims latent_dims{};  // as the encoder gave them
  std::vector<double> mean{}, deviation{};
};

// What an item is to become.
struct Wish {
  double strength = 0;
  double share = 0;  // of the partner
  std::optional<std::size_t> partner{};
};

class LatentNoise final : public NetworkOperator {
 public:
  LatentNoise(std::shared_ptr<Model> model, const LatentNoiseOptions& options)
      : NetworkOperator(model), options_(options) {
    constexpr std::array kRoles{ModelRole::kVae};
    RequireRole(*model, "latent_noise", kRoles);
    RequireGraph(*model, "latent_noise", "encoder");
    RequireGraph(*model, "latent_noise", "decoder");
    if (!manifest().latent) {
      throw ModelRejectedError("MOD-MANIFEST", manifest().name + ": latent is missing");
    }
    const LatentSpace& latent = *manifest().latent;
    encoder_in_ = ClassedInputsOf(*model, "encoder", "");
    decoder_in_ = ClassedInputsOf(*model, "decoder", latent.input);
    const std::vector<Port>& outputs = Graph("encoder").Outputs();
    mean_ = PortOf("encoder", outputs, latent.mean);
    if (!latent.log_variance.empty()) {
      log_variance_ = PortOf("encoder", outputs, latent.log_variance);
    }
  }

  std::string Refuses(const Meta& meta) const override {
    if (options_.scale == LatentScale::kPosterior && !log_variance_ &&
        options_.strength.Max() > 0) {
      return fmt::format("{} tells no variance of its latents; set scale: unit", manifest().name);
    }
    return RefusesPadded(manifest().picture, meta, PictureUse::kThereAndBack);
  }

  // Partners are found in the block.
  std::vector<std::pair<std::string, std::string>> Facts() const override {
    auto facts = NetworkOperator::Facts();
    if (options_.interpolate.Max() > 0) {
      facts.emplace_back("block", std::to_string(GetPace().block));
    }
    return facts;
  }

  Errors Run(std::span<Item> block, bool may_shrink) override {
    Errors errors(block.size());
    std::vector<Picture> pictures = PicturesOf(block, errors);
    const auto groups = GroupsOf(pictures);
    for (const auto& group : groups) Encode(block, pictures, group, may_shrink, errors);
    const auto by_item = ByItem(pictures, block.size());
    const std::vector<Wish> wishes = Draw(block, by_item, errors);
    std::vector<std::vector<double>> latents;
    latents.reserve(pictures.size());
    for (const Picture& picture : pictures) {
      const Wish& wish = wishes[picture.item];
      const auto at = static_cast<std::size_t>(&picture - by_item[picture.item].data());
      const Picture* partner = wish.partner ? &by_item[*wish.partner][at] : nullptr;
      latents.push_back(Moved(block[picture.item], picture, wish, partner));
    }
    for (const auto& group : groups) {
      Decode(block, pictures, latents, group, may_shrink, errors);
    }
    return errors;
  }

 private:
  using Group = std::vector<std::size_t>;  // pictures of one size

  std::vector<Picture> PicturesOf(std::span<Item> block, Errors& errors) const {
    std::vector<Picture> pictures;
    for (std::size_t i = 0; i < block.size(); ++i) {
      const Item& item = block[i];
      std::size_t number = 0;
      std::vector<Picture> own;
      for (auto& [name, field] : item.sample->images) {
        const bool wanted = item.fields.empty() || std::find(item.fields.begin(), item.fields.end(),
                                                             name) != item.fields.end();
        for (Frame& frame : field.frames) {
          const std::size_t at = number++;
          if (!wanted || errors[i]) continue;
          if (const std::string why = Refuses(MetaOf(frame.pixels)); !why.empty()) {
            errors[i] = DataError{"MOD-SHAPE", why, "resize or convert it before", ""};
            continue;
          }
          own.push_back({i, at, &frame, field.range, frame.pixels});
        }
      }
      if (!errors[i] && manifest().condition) {
        errors[i] = ClassProblem(*item.sample, manifest().classes.size());
      }
      if (errors[i]) continue;
      std::move(own.begin(), own.end(), std::back_inserter(pictures));
    }
    return pictures;
  }

  static std::vector<std::span<const Picture>> ByItem(const std::vector<Picture>& pictures,
                                                      std::size_t items) {
    std::vector<std::span<const Picture>> by_item(items);
    for (std::size_t first = 0, p = 0; p < pictures.size(); ++p) {
      if (pictures[p].item != pictures[first].item) first = p;
      by_item[pictures[p].item] = {&pictures[first], p - first + 1};
    }
    return by_item;
  }

  static std::vector<Group> GroupsOf(const std::vector<Picture>& pictures) {
    std::map<std::pair<int, int>, Group> by_size;
    for (std::size_t p = 0; p < pictures.size(); ++p) {
      by_size[{pictures[p].before.rows, pictures[p].before.cols}].push_back(p);
    }
    std::vector<Group> groups;
    for (auto& [size, group] : by_size) groups.push_back(std::move(group));
    return groups;
  }

  void PackClass(const Item& item, const ClassedInputs& ports,
                 std::span<const std::span<float>> inputs) const {
    if (ports.classes) FillOneHot(*item.sample->labels.label, inputs[*ports.classes]);
  }

  static void Note(const Errors& found, const std::vector<Picture>& pictures, const Group& group,
                   Errors& errors) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      std::optional<DataError>& error = errors[pictures[group[i]].item];
      if (found[i] && !error) error = found[i];
    }
  }

  void Encode(std::span<Item> block, std::vector<Picture>& pictures, const Group& group,
              bool may_shrink, Errors& errors) {
    const PictureInput& input = manifest().picture;
    const cv::Rect padded = PaddedRect(input, pictures[group[0]].before);
    Errors sizes(group.size());
    const Errors found = RunAll(
        "encoder", may_shrink,
        encoder_in_.Of(PictureDims(input, padded), manifest().classes.size()), group.size(),
        [&](std::size_t i, std::span<const std::span<float>> inputs) {
          const Picture& picture = pictures[group[i]];
          PackPicture(picture.before, picture.range, padded, input, inputs[encoder_in_.main]);
          PackClass(block[picture.item], encoder_in_, inputs);
        },
        [&](std::size_t i, std::span<const std::span<const float>> outputs,
            std::span<const Dims> output_dims) {
          sizes[i] = TakeLatent(outputs, output_dims, pictures[group[i]]);
        });
    Note(sizes, pictures, group, errors);
    Note(found, pictures, group, errors);
  }

  std::optional<DataError> TakeLatent(std::span<const std::span<const float>> outputs,
                                      std::span<const Dims> dims, Picture& picture) const {
    picture.latent_dims = dims[mean_];
    picture.mean.assign(outputs[mean_].begin(), outputs[mean_].end());
    picture.deviation.assign(picture.mean.size(), 1.0);
    if (options_.scale == LatentScale::kUnit || !log_variance_) return std::nullopt;
    const std::span<const float> log_variance = outputs[*log_variance_];
    if (log_variance.size() != picture.mean.size()) {
      return DataError{"MOD-SHAPE",
                       fmt::format("{} gives latents of {} values and variances of {}",
                                   manifest().name, picture.mean.size(), log_variance.size()),
                       "set scale: unit", ""};
    }
    for (std::size_t k = 0; k < picture.mean.size(); ++k) {
      picture.deviation[k] = exact::Exp(0.5 * static_cast<double>(log_variance[k]));
    }
    return std::nullopt;
  }

  // `pictures` by item.
  std::vector<Wish> Draw(std::span<Item> block, std::span<const std::span<const Picture>> pictures,
                         const Errors& errors) const {
    std::vector<Wish> wishes(block.size());
    for (std::size_t i = 0; i < block.size(); ++i) {
      Wish& wish = wishes[i];
      Rng& rng = block[i].rng;
      wish.strength = rng.Draw("strength", options_.strength);
      if (options_.interpolate.Max() <= 0) continue;
      wish.share = rng.Draw("share", options_.interpolate);
      std::vector<std::size_t> partners;
      for (std::size_t j = 0; j < block.size(); ++j) {
        if (j != i && !errors[i] && !errors[j] && OfOneClass(block[i], block[j]) &&
            Match(pictures[i], pictures[j])) {
          partners.push_back(j);
        }
      }
      if (partners.empty()) {
        rng.Note("partners", 0);
        continue;
      }
      wish.partner = partners[rng.Below("partner", static_cast<std::uint32_t>(partners.size()))];
      if (wish.share > 0) block[i].parents.push_back(*wish.partner);
    }
    return wishes;
  }

  // Classes of two sources may be numbered differently; those who mean the same share the names or
  // have equal ones.
  static bool OfOneClass(const Item& a, const Item& b) {
    const auto& label = a.sample->labels.label;
    if (!label || label != b.sample->labels.label) return false;
    const LabelNames* names = a.sample->names.get();
    const LabelNames* others = b.sample->names.get();
    return names == others || (names && others && names->classes == others->classes);
  }

  // Picture by picture the same place in the sample, and latents of one size.
  static bool Match(std::span<const Picture> own, std::span<const Picture> other) {
    return std::equal(own.begin(), own.end(), other.begin(), other.end(),
                      [](const Picture& a, const Picture& b) {
                        return a.number == b.number && a.mean.size() == b.mean.size();
                      });
  }

  // `partner` is the partner's picture, or null.
  std::vector<double> Moved(const Item& item, const Picture& picture, const Wish& wish,
                            const Picture* partner) const {
    std::vector<double> latent = picture.mean;
    if (partner != nullptr && wish.share > 0) {
      latent = BetweenLatents(latent, partner->mean, wish.share, options_.path);
    }
    if (wish.strength == 0) return latent;
    std::vector<double> noise(latent.size());
    DrawNormals(LatentStream(item.rng.Key(), picture.number), 0, noise);
    for (std::size_t k = 0; k < latent.size(); ++k) {
      latent[k] += wish.strength * picture.deviation[k] * noise[k];
    }
    return latent;
  }

  void Decode(std::span<Item> block, std::vector<Picture>& pictures,
              const std::vector<std::vector<double>>& latents, const Group& group, bool may_shrink,
              Errors& errors) {
    // Those that could not be encoded have no latent.
    Group left;
    for (const std::size_t p : group) {
      if (!errors[pictures[p].item]) left.push_back(p);
    }
    if (left.empty()) return;
    Errors sizes(left.size());
    const Errors found = RunAll(
        "decoder", may_shrink,
        decoder_in_.Of(LatentDims(pictures[left[0]]), manifest().classes.size()), left.size(),
        [&](std::size_t i, std::span<const std::span<float>> inputs) {
          const std::vector<double>& latent = latents[left[i]];
          std::transform(latent.begin(), latent.end(), inputs[decoder_in_.main].begin(),
                         [](double v) { return static_cast<float>(v); });
          PackClass(block[pictures[left[i]].item], decoder_in_, inputs);
        },
        [&](std::size_t i, std::span<const std::span<const float>> outputs,
            std::span<const Dims> dims) {
          Picture& picture = pictures[left[i]];
          sizes[i] = WrongSize(dims[0], picture.before);
          if (sizes[i]) return;
          picture.frame->pixels =
              MadePicture(outputs[0], manifest(), picture.before, picture.range);
        });
    Note(found, pictures, left, errors);
    Note(sizes, pictures, left, errors);
  }

  // As the manifest has them, unless it leaves them open.
  Dims LatentDims(const Picture& picture) const {
    const Dims& dims = manifest().latent->dims;
    const bool fixed = std::all_of(dims.begin(), dims.end(), [](auto d) { return d > 0; });
    const bool fits = fixed && Elements(dims) == Elements(picture.latent_dims);
    return fits ? dims : picture.latent_dims;
  }

  std::optional<DataError> WrongSize(const Dims& made, const cv::Mat& before) const {
    const PictureInput& input = manifest().picture;
    const Dims expected = PictureDims(input, PaddedRect(input, before));
    if (made == expected) return std::nullopt;
    return DataError{"MOD-SHAPE",
                     fmt::format("{} gives {} for a picture of {}", manifest().name, DimsText(made),
                                 DimsText(expected)),
                     "give it pictures of the size it was trained with", ""};
  }

  const LatentNoiseOptions options_;
  ClassedInputs encoder_in_, decoder_in_;
  std::size_t mean_ = 0;
  std::optional<std::size_t> log_variance_;
};

struct LatentNoiseNode : NetworkParams, LatentNoiseOptions {
  static constexpr std::string_view kName = "latent_noise";
  static constexpr std::string_view kDoc =
      "Draw a variant of each picture from a VAE: encode it, add noise to its latent, maybe move "
      "that towards another sample of its class, decode. Labels stay as they are: boxes and masks "
      "are only as right as the network.";
  static constexpr auto Params() {
    using L = LatentNoiseNode;
    return std::tuple_cat(
        NetworkParams::Table<L>(),
        std::tuple{
            Param<L, Range>("strength", &L::strength)
                .In(0, 100)
                .Unit("deviations")
                .Doc("Of the noise; 0 gives the network's reconstruction."),
            Param<L, LatentScale>("scale", &L::scale)
                .Doc("What a deviation is: posterior takes the encoder's own, which keeps close to "
                     "the picture; unit takes 1, that of the whole data set."),
            Param<L, Range>("interpolate", &L::interpolate)
                .In(0, 1)
                .Unit("share")
                .Doc("How far to go towards the latent of another sample of the same class, drawn "
                     "from the block; 0 goes nowhere. Without another, or without a class, there "
                     "is noise alone."),
            Param<L, LatentPath>("path", &L::path)
                .Doc("Which way to go there: straight, or along the arc (slerp).")});
  }
  std::shared_ptr<ModelOperator> Make(const Services&) const {
    return MakeLatentNoise(LoadModel(model, Choice()), *this);
  }
};

}  // namespace

std::shared_ptr<ModelOperator> MakeLatentNoise(std::shared_ptr<Model> model,
                                               const LatentNoiseOptions& options) {
  return std::make_shared<LatentNoise>(std::move(model), options);
}

void RegisterLatentNoise(Registry& registry) { registry.AddModel<LatentNoiseNode>(); }

}  // namespace pixloom
