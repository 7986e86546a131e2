// SPDX-License-Identifier: Apache-2.0
// sequence: a recurrent network over the frames of clips, one step a frame. The host keeps what the
// network remembers between frames; clips of a block take their steps together.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/node_base.h"
#include "models/nodes.h"
#include "models/pictures.h"
#include "models/register_nodes.h"
#include "pipeline/registry.h"

namespace pixloom {

namespace {

using Errors = std::vector<std::optional<DataError>>;

constexpr std::size_t kMostScalars = 16;  // values of a feature that get scalars of their own

struct Clip {
  std::size_t item = 0;
  std::string prefix;  // of what is noted about it
  ImageField* field = nullptr;
  std::vector<std::vector<float>> state{};                // by state
  std::vector<std::vector<std::vector<float>>> series{};  // by feature, frame, value
  const cv::Mat& First() const { return field->frames[0].pixels; }
};

class Sequence final : public NetworkOperator {
 public:
  Sequence(std::shared_ptr<Model> model, const SequenceOptions& options)
      : NetworkOperator(model), options_(options) {
    constexpr std::array kRoles{ModelRole::kSequence};
    RequireRole(*model, "sequence", kRoles);
    RequireGraph(*model, "sequence", "cell");
    FindInputs();
    FindOutputs();
  }

  std::string Refuses(const Meta& meta) const override {
    return RefusesPadded(manifest().picture, meta,
                         makes_pictures_ ? PictureUse::kThereAndBack : PictureUse::kInputOnly);
  }

  Errors Run(std::span<Item> block, bool may_shrink) override {
    Errors errors(block.size());
    std::vector<Clip> clips = ClipsOf(block, errors);
    std::map<std::pair<int, int>, std::vector<Clip*>> by_size;
    for (Clip& clip : clips) by_size[{clip.First().rows, clip.First().cols}].push_back(&clip);
    for (auto& [size, group] : by_size) Play(group, may_shrink, errors);
    for (const Clip& clip : clips) {
      if (!errors[clip.item]) Note(clip, *block[clip.item].sample);
    }
    return errors;
  }

 private:
  struct StateAt {
    std::size_t input = 0, output = 0;
    float start = 0;
  };

  void FindInputs() {
    const std::vector<Port>& inputs = Graph("cell").Inputs();
    std::vector<bool> known(inputs.size(), false);
    for (const StatePort& state : manifest().state) {
      const std::size_t input = PortOf("cell", inputs, state.input);
      const std::size_t output = PortOf("cell", Graph("cell").Outputs(), state.output);
      known[input] = true;
      states_.push_back({input, output, static_cast<float>(state.start)});
    }
    if (states_.size() + 1 != inputs.size()) {
      throw ModelRejectedError(
          "MOD-SHAPE",
          fmt::format("{}: graph cell has {} inputs; it must have one for the frame and one for "
                      "each of {} states",
                      manifest().name, inputs.size(), states_.size()));
    }
    frame_ = static_cast<std::size_t>(std::find(known.begin(), known.end(), false) - known.begin());
  }

  void FindOutputs() {
    const std::vector<Port>& outputs = Graph("cell").Outputs();
    for (const std::string& name : manifest().features) {
      features_.push_back(PortOf("cell", outputs, name));
    }
    const auto is_state = [](const StateAt& state) { return state.output == 0; };
    const bool spoken_for = std::any_of(states_.begin(), states_.end(), is_state) ||
                            std::find(features_.begin(), features_.end(), 0U) != features_.end();
    makes_pictures_ = !spoken_for && !outputs.empty() && outputs[0].dims.size() == 3;
    if (!makes_pictures_ && features_.empty()) {
      throw ModelRejectedError(
          "MOD-MANIFEST",
          fmt::format("{}: graph cell gives nothing but states; its first output must be a "
                      "picture, or features must name outputs to keep",
                      manifest().name));
    }
    if (makes_pictures_ && manifest().output.scale != 1) {
      throw ModelRejectedError(
          "MOD-MANIFEST", fmt::format("{}: output.scale is {}; frames of a sequence keep their "
                                      "size",
                                      manifest().name, manifest().output.scale));
    }
  }

  std::string PrefixOf(const std::string& field) const {
    return (options_.name.empty() ? "" : options_.name + "_") +
           (field == "image" ? "" : field + ".");
  }

  std::vector<Clip> ClipsOf(std::span<Item> block, Errors& errors) const {
    std::vector<Clip> clips;
    for (std::size_t i = 0; i < block.size(); ++i) {
      const Item& item = block[i];
      std::vector<Clip> own;
      for (auto& [name, field] : item.sample->images) {
        const bool wanted = item.fields.empty() || std::find(item.fields.begin(), item.fields.end(),
                                                             name) != item.fields.end();
        if (!wanted || field.frames.empty()) continue;
        for (const Frame& frame : field.frames) {
          std::string why = Refuses(MetaOf(frame.pixels));
          if (why.empty() && frame.pixels.size() != field.frames[0].pixels.size()) {
            why = "the frames of the clip have several sizes";
          }
          if (why.empty() || errors[i]) continue;
          errors[i] = DataError{"MOD-SHAPE", why, "resize or convert it before", ""};
        }
        own.push_back({i, PrefixOf(name), &field});
      }
      if (!errors[i]) std::move(own.begin(), own.end(), std::back_inserter(clips));
    }
    return clips;
  }

  // The manifest's sizes; what they leave open is that of the frame.
  static Dims Settled(Dims dims, const Dims& frame) {
    for (std::size_t d = 0; d < dims.size(); ++d) {
      if (dims[d] < 0) dims[d] = dims.size() == 3 ? frame[d] : Elements(frame);
    }
    return dims;
  }

  void Play(const std::vector<Clip*>& clips, bool may_shrink, Errors& errors) {
    const PictureInput& input = manifest().picture;
    const Dims frame = PictureDims(input, PaddedRect(input, clips[0]->First()));
    std::vector<Dims> dims;
    for (const Port& port : Graph("cell").Inputs()) dims.push_back(Settled(port.dims, frame));
    if (Elements(dims[frame_]) != Elements(frame)) {
      for (const Clip* clip : clips) {
        errors[clip->item] =
            DataError{"MOD-SHAPE",
                      fmt::format("{} takes frames of {} values, this one has {}", manifest().name,
                                  Elements(dims[frame_]), DimsText(frame)),
                      "resize it before", ""};
      }
      return;
    }
    std::size_t longest = 0;
    for (Clip* clip : clips) {
      longest = std::max(longest, clip->field->frames.size());
      for (const StateAt& state : states_) {
        clip->state.emplace_back(static_cast<std::size_t>(Elements(dims[state.input])),
                                 state.start);
      }
      clip->series.resize(features_.size());
    }
    for (std::size_t t = 0; t < longest; ++t) {
      std::vector<Clip*> going;
      for (Clip* clip : clips) {
        if (t < clip->field->frames.size() && !errors[clip->item]) going.push_back(clip);
      }
      Step(going, t, dims, may_shrink, errors);
    }
  }

  void Step(const std::vector<Clip*>& clips, std::size_t t, const std::vector<Dims>& dims,
            bool may_shrink, Errors& errors) {
    Errors sizes(clips.size());
    const Errors found = RunAll(
        "cell", may_shrink, dims, clips.size(),
        [&](std::size_t i, std::span<const std::span<float>> inputs) {
          const Clip& clip = *clips[i];
          const cv::Mat& pixels = clip.field->frames[t].pixels;
          const PictureInput& input = manifest().picture;
          PackPicture(pixels, clip.field->range, PaddedRect(input, pixels), input, inputs[frame_]);
          for (std::size_t s = 0; s < states_.size(); ++s) {
            std::copy(clip.state[s].begin(), clip.state[s].end(), inputs[states_[s].input].begin());
          }
        },
        [&](std::size_t i, std::span<const std::span<const float>> outputs,
            std::span<const Dims> output_dims) {
          sizes[i] = Take(outputs, output_dims, t, *clips[i]);
        });
    for (std::size_t i = 0; i < clips.size(); ++i) {
      std::optional<DataError>& error = errors[clips[i]->item];
      if (error) continue;
      error = found[i] ? found[i] : sizes[i];
      if (error) error->message = fmt::format("frame {}: {}", t, error->message);
    }
  }

  std::optional<DataError> Take(std::span<const std::span<const float>> outputs,
                                std::span<const Dims> dims, std::size_t t, Clip& clip) const {
    for (std::size_t s = 0; s < states_.size(); ++s) {
      const std::span<const float> state = outputs[states_[s].output];
      if (state.size() != clip.state[s].size()) {
        return WrongSize("a state", DimsText(dims[states_[s].output]),
                         static_cast<std::int64_t>(clip.state[s].size()));
      }
      std::copy(state.begin(), state.end(), clip.state[s].begin());
    }
    for (std::size_t f = 0; f < features_.size(); ++f) {
      const std::span<const float> values = outputs[features_[f]];
      clip.series[f].emplace_back(values.begin(), values.end());
    }
    if (!makes_pictures_) return std::nullopt;
    cv::Mat& pixels = clip.field->frames[t].pixels;
    const PictureInput& input = manifest().picture;
    const std::int64_t values = Elements(PictureDims(input, PaddedRect(input, pixels)));
    if (static_cast<std::int64_t>(outputs[0].size()) != values) {
      return WrongSize("a picture", DimsText(dims[0]), values);
    }
    // Others may share the pixels.
    pixels = MadePicture(outputs[0], manifest(), pixels, clip.field->range);
    return std::nullopt;
  }

  DataError WrongSize(std::string_view what, const std::string& got, std::int64_t expected) const {
    return {"MOD-SHAPE",
            fmt::format("{} gives {} of {}, and {} values were expected", manifest().name, what,
                        got, expected),
            "give it pictures of the size it was trained with", ""};
  }

  // Of each feature: every frame's values as text, and what sums them up as scalars.
  void Note(const Clip& clip, Sample& sample) const {
    for (std::size_t f = 0; f < features_.size(); ++f) {
      const std::vector<std::vector<float>>& series = clip.series[f];
      const std::string name = clip.prefix + manifest().features[f];
      std::vector<std::string> frames;
      for (const std::vector<float>& values : series) {
        frames.push_back(fmt::format("[{}]", fmt::join(values, ", ")));
      }
      sample.text[name] = fmt::format("[{}]", fmt::join(frames, ", "));
      const std::size_t values = series[0].size();
      for (std::size_t k = 0; k < values && values <= kMostScalars; ++k) {
        double sum = 0;
        for (const std::vector<float>& frame : series) sum += static_cast<double>(frame[k]);
        const std::string one = values == 1 ? name : fmt::format("{}_{}", name, k);
        sample.scalars[one + "_mean"] = sum / static_cast<double>(series.size());
        sample.scalars[one + "_last"] = static_cast<double>(series.back()[k]);
      }
    }
  }

  const SequenceOptions options_;
  std::vector<StateAt> states_;
  std::vector<std::size_t> features_;  // outputs
  std::size_t frame_ = 0;              // input
  bool makes_pictures_ = false;
};

struct SequenceNode : NetworkParams {
  static constexpr std::string_view kName = "sequence";
  static constexpr std::string_view kDoc =
      "A recurrent network over the frames of each clip; a still picture is a clip of one. Its "
      "picture replaces the frame. Of each of its features NAME, the text NAME has the values of "
      "every frame as JSON; of up to 16 values the scalars NAME_mean and NAME_last (where there "
      "are "
      "several NAME_0_mean and so on) have the mean over the frames and the last.";
  std::string name;
  static constexpr auto Params() {
    return std::tuple_cat(
        NetworkParams::Table<SequenceNode>(),
        std::tuple{Param("name", &SequenceNode::name)
                       .Doc("Stands before the names of texts and scalars, with an underscore.")});
  }
  std::shared_ptr<ModelOperator> Make(const Services&) const {
    return MakeSequence(LoadModel(model, Choice()), {name});
  }
};

}  // namespace

std::shared_ptr<ModelOperator> MakeSequence(std::shared_ptr<Model> model,
                                            const SequenceOptions& options) {
  return std::make_shared<Sequence>(std::move(model), options);
}

void RegisterSequence(Registry& registry) { registry.AddModel<SequenceNode>(); }

}  // namespace pixloom
