// SPDX-License-Identifier: Apache-2.0
#include "datasets/register_hdf5_source.h"

#include <string_view>
#include <tuple>

#include "datasets/hdf5_source.h"
#include "datasets/set_facts.h"
#include "pipeline/schema.h"

namespace pixloom {

namespace {

enum class SourceOrder { kRgb, kBgr };

}  // namespace

template <>
struct EnumNames<Hdf5Layout> {
  static constexpr std::array<std::pair<Hdf5Layout, std::string_view>, 3> kAll{
      {{Hdf5Layout::kAuto, "auto"},
       {Hdf5Layout::kInterleaved, "nhwc"},
       {Hdf5Layout::kPlanar, "nchw"}}};
};
template <>
struct EnumNames<Hdf5Labels> {
  static constexpr std::array<std::pair<Hdf5Labels, std::string_view>, 3> kAll{
      {{Hdf5Labels::kIndex, "index"}, {Hdf5Labels::kSoft, "soft"}, {Hdf5Labels::kMulti, "multi"}}};
};
// Of its own: the sink has one for its own parameter.
template <>
struct EnumNames<SourceOrder> {
  static constexpr std::array<std::pair<SourceOrder, std::string_view>, 2> kAll{
      {{SourceOrder::kRgb, "rgb"}, {SourceOrder::kBgr, "bgr"}}};
};

namespace {

struct Hdf5 {
  std::string path;
  std::string images;
  std::string labels;
  std::string labels_path;
  Hdf5Labels labels_as = Hdf5Labels::kIndex;
  std::string mask;
  Hdf5Layout layout = Hdf5Layout::kAuto;
  SourceOrder order = SourceOrder::kRgb;
  Range range{0, 1};
  bool check = true;

  static constexpr std::string_view kName = "hdf5";
  static constexpr std::string_view kDoc =
      "Read an HDF5 file or folder of pixloom, or an array of pictures in a file of others.";
  static constexpr auto Params() {
    using S = Hdf5;
    return std::tuple{
        Param("path", &S::path)
            .Required()
            .Primary()
            .Doc("File, or folder with index.json; named as the sink was."),
        Param("images", &S::images)
            .Doc("Dataset of pictures, [N,H,W], [N,H,W,C] or [N,C,H,W]; guessed when empty."),
        Param("labels", &S::labels)
            .Doc("Dataset of labels, one number or list per row; guessed when empty; none: no "
                 "labels."),
        Param("labels_path", &S::labels_path)
            .Doc("File that has the labels, if it is another one."),
        Param("labels_as", &S::labels_as)
            .Doc("What a list per row is. index: one class is 1; soft: shares of classes; multi: "
                 "any "
                 "number of classes."),
        Param("mask", &S::mask).Doc("Dataset of class indices per pixel; becomes the mask 'mask'."),
        Param("layout", &S::layout)
            .Doc("Where the channels are; auto: where a dimension is 1, 3 or 4."),
        Param("order", &S::order).Doc("Order of the channels in the file."),
        Param("range", &S::range).Doc("Black and white of pictures of floats."),
        Param("check", &S::check)
            .Doc("Compare every row that pixloom wrote with its checksum; a damaged one is "
                 "quarantined.")};
  }
  std::string Check() const {
    return range.lo < range.hi ? "" : "range: the first number must be less than the second";
  }
  std::unique_ptr<Source> Make(const Services& services) const {
    return MakeHdf5Source(
        {.path = FindSet(path),
         .images = images,
         .labels = labels,
         .labels_path = labels_path,
         .mask = mask,
         .labels_as = labels_as,
         .layout = layout,
         .order = order == SourceOrder::kBgr ? ChannelOrder::kBgr : ChannelOrder::kRgb,
         .range = {static_cast<float>(range.lo), static_cast<float>(range.hi)},
         .check = check},
        *services.codec);
  }
};

}  // namespace

void RegisterHdf5Source(Registry& registry) { registry.AddSource<Hdf5>(); }

}  // namespace pixloom
