// SPDX-License-Identifier: Apache-2.0
// Where operators that match a picture to another one take that other one from: a folder of
// pictures, one drawn per sample, or another field of the same sample.
//
// A folder is listed when the operator is bound and read when a picture of it is first drawn; what
// is measured of a picture is kept. Any number of threads may use one folder.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ops/common.h"
#include "pipeline/operator.h"

namespace pixloom {

// Colours alone: one or three channels.
struct ReferencePicture {
  cv::Mat pixels;
  ValueRange range;

  // Makes a level of the picture a value in unit scale: (level - Low()) / Span().
  double Low() const { return pixels.depth() == CV_32F ? range.lo : 0; }
  double Span() const;
};

// What 1.0 in unit scale is, less what 0.0 is, in levels of `pixels`.
double SpanOf(const cv::Mat& pixels, ValueRange range);
double LowOf(const cv::Mat& pixels, ValueRange range);
// Alpha is no colour.
inline int Colours(const cv::Mat& pixels) { return pixels.channels() == 4 ? 3 : pixels.channels(); }

class ReferenceFolder {
 public:
  // Pictures are known by their extension, sorted by name. The error says what is wrong.
  static Result<std::shared_ptr<ReferenceFolder>, std::string> List(const std::string& path);

  std::size_t Count() const { return files_.size(); }
  // Decoded anew with every call.
  Result<ReferencePicture> Read(std::size_t index, int channels, const Codec& codec) const;

  // Stats::Of(picture), made once per file and number of channels.
  template <class Stats>
  Result<std::shared_ptr<const Stats>> Measured(std::size_t index, int channels,
                                                const Codec& codec) const {
    Slot& slot = slots_[index][channels == 1 ? 0 : 1];
    std::call_once(slot.once, [&] {
      const Result<ReferencePicture> picture = Read(index, channels, codec);
      if (picture) {
        slot.stats = std::make_shared<const Stats>(Stats::Of(*picture));
      } else {
        slot.error = picture.Error();
      }
    });
    if (slot.error) return *slot.error;
    return std::static_pointer_cast<const Stats>(slot.stats);
  }

 private:
  struct Slot {
    std::once_flag once;
    std::shared_ptr<const void> stats;
    std::optional<DataError> error;
  };
  std::vector<std::string> files_;
  mutable std::deque<std::array<Slot, 2>> slots_;
};

// The frame of another field that belongs to frame `index`, in as many colours as `like` has.
Result<ReferencePicture> ReferenceInField(const Sample& sample, const std::string& field,
                                          std::size_t index, const cv::Mat& like);

// Parameters of such an operator: a base class, whose table follows the operator's own parameters.
struct Matches {
  std::string reference;
  std::string field;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, std::string>("reference", &Op::reference)
            .Primary()
            .Alias("reference_images")
            .Doc("Folder of pictures; one is drawn for each sample."),
        Param<Op, std::string>("field", &Op::field)
            .Doc("Another image field of the sample, as join makes them, instead of a folder.")};
  }

  std::string Check() const;
  void Use(const Services& services) { codec_ = services.codec; }

  // Draws which picture of the folder; match(const cv::Mat& in, ValueRange, const Stats&) makes the
  // result.
  template <class Stats, class Match>
  Steps<ImageStep, SampleStep> MatchTo(Rng& rng, Match match) const {
    const auto count = static_cast<std::uint32_t>(folder_ ? folder_->Count() : 1);
    const std::size_t index = rng.Below("reference", count);
    if (!field.empty()) return {FieldStep<Stats>(match)};
    PIXLOOM_CHECK(codec_ != nullptr, "a matching operator was built without a codec");
    return {ImageStep{[folder = folder_, codec = codec_, index, match](
                          const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      if constexpr (std::is_same_v<Stats, ReferencePicture>) {
        const auto picture = folder->Read(index, Colours(in), *codec);
        if (!picture) return picture.Error();
        return match(in, context.range, *picture);
      } else {
        const auto stats = folder->Measured<Stats>(index, Colours(in), *codec);
        if (!stats) return stats.Error();
        return match(in, context.range, **stats);
      }
    }}};
  }

 private:
  template <class Stats, class Match>
  SampleStep FieldStep(Match match) const {
    return {kTargetImage, [field = field, match](Sample& sample) -> std::optional<DataError> {
              ImageField& image = sample.images.front().second;
              for (std::size_t f = 0; f < image.frames.size(); ++f) {
                cv::Mat& pixels = image.frames[f].pixels;
                const auto picture = ReferenceInField(sample, field, f, pixels);
                if (!picture) return picture.Error();
                if constexpr (std::is_same_v<Stats, ReferencePicture>) {
                  pixels = match(pixels, image.range, *picture);
                } else {
                  pixels = match(pixels, image.range, Stats::Of(*picture));
                }
              }
              return std::nullopt;
            }};
  }

  // Set by Check(), which runs once, when the operator is bound.
  mutable std::shared_ptr<const ReferenceFolder> folder_;
  const Codec* codec_ = nullptr;
};

}  // namespace pixloom
