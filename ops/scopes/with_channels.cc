// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "ops/scopes/scope_part.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

constexpr std::string_view kLetters = "rgba";

class ChannelScope final : public ScopeOperator {
 public:
  // Letters name the channels of pictures with three or four of them.
  ChannelScope(std::vector<int> channels, bool letters)
      : channels_(std::move(channels)), letters_(letters) {}

  Meta Inside(const Meta& in) const override {
    Meta inside = in;
    inside.channels = static_cast<int>(channels_.size());
    return inside;
  }

  std::string Refuses(const Meta& in) const override {
    return in.channels ? Problem(*in.channels) : "";
  }

  Result<Sample> Enter(const Sample& whole, std::size_t, const std::vector<std::string>& fields,
                       Rng&) const override {
    return PartOf(whole, fields, [&](const cv::Mat& pixels, ValueRange&) -> Result<cv::Mat> {
      if (const std::string problem = Problem(pixels.channels()); !problem.empty()) {
        return DataError{"OP-CHANNELS", fmt::format("with_channels: {}", problem),
                         "correct the channels, or set channels on the source", ""};
      }
      cv::Mat chosen(pixels.size(), CV_MAKETYPE(pixels.depth(), Count()));
      std::vector<int> pairs;
      for (int i = 0; i < Count(); ++i) pairs.insert(pairs.end(), {channels_[Index(i)], i});
      cv::mixChannels({pixels}, {chosen}, pairs);
      return chosen;
    });
  }

  std::optional<DataError> Leave(Sample& whole, std::vector<Sample> parts,
                                 const std::vector<std::string>&, Rng&) const override {
    PutBack(whole, parts.front(), [&](cv::Mat& pixels, const cv::Mat& chosen, ValueRange) {
      std::vector<int> pairs;
      for (int i = 0; i < Count(); ++i) pairs.insert(pairs.end(), {i, channels_[Index(i)]});
      cv::mixChannels({chosen}, {pixels}, pairs);
    });
    return std::nullopt;
  }

 private:
  static std::size_t Index(int i) { return static_cast<std::size_t>(i); }
  int Count() const { return static_cast<int>(channels_.size()); }

  std::string Problem(int channels) const {
    if (letters_ && channels != 3 && channels != 4) {
      return fmt::format("r, g, b and a are channels of pictures with 3 or 4, here are {}",
                         channels);
    }
    const int last = *std::max_element(channels_.begin(), channels_.end());
    if (last < channels) return "";
    const std::string name = letters_ && last == 3 ? "a" : std::to_string(last);
    return fmt::format("there is no channel {} in pictures with {}, counted from 0", name,
                       channels);
  }

  std::vector<int> channels_;
  bool letters_;
};

struct WithChannels {
  std::vector<std::string> channels;

  static constexpr std::string_view kName = "with_channels";
  static constexpr std::string_view kDoc =
      "Steps work on a picture of some channels alone; the others stay bit by bit.";
  static constexpr auto Params() {
    return std::tuple{
        Param("channels", &WithChannels::channels)
            .Required()
            .Doc("Which, counted from 0, or r, g, b and a; the steps see them in this order. One "
                 "is a gray picture, three are read as RGB, four as RGB and alpha.")};
  }

  std::string Check() const {
    if (channels.empty()) return "channels: name at least one";
    std::set<int> seen;
    for (const std::string& word : channels) {
      const int index = IndexOf(word);
      if (index < 0) {
        return fmt::format("channels: '{}' is none of r, g, b, a and no number from 0", word);
      }
      if (!seen.insert(index).second) return fmt::format("channels: '{}' stands there twice", word);
    }
    return "";
  }

  std::shared_ptr<const ScopeOperator> Make(const Services&) const {
    std::vector<int> indices;
    bool letters = false;
    for (const std::string& word : channels) {
      indices.push_back(IndexOf(word));
      letters = letters || kLetters.find(word) != std::string_view::npos;
    }
    return std::make_shared<ChannelScope>(std::move(indices), letters);
  }

 private:
  // -1: no channel.
  static int IndexOf(const std::string& word) {
    if (word.size() == 1 && kLetters.find(word) != std::string_view::npos) {
      return static_cast<int>(kLetters.find(word));
    }
    int index = -1;
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), index);
    const bool whole = failed == std::errc() && end == word.data() + word.size();
    return whole && index < CV_CN_MAX ? index : -1;
  }
};

}  // namespace

void RegisterWithChannels(Registry& registry) { registry.AddScope<WithChannels>(); }

}  // namespace pixloom
