// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_pictures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "datasets/hdf5_foreign_plan.h"
#include "datasets/set_facts.h"

namespace pixloom {

namespace {

struct Arrangement {
  int rows = 0, cols = 0, channels = 1;
  bool planar = false, bgr = false;
};

bool IsChannels(std::uint64_t n) { return n == 1 || n == 3 || n == 4; }

// How numbers of this shape are a picture, if they are one.
std::optional<Arrangement> ArrangementOf(std::span<const std::uint64_t> shape,
                                         std::string_view layout, std::string_view color) {
  constexpr std::uint64_t kMost = 65'500;
  Arrangement a;
  std::uint64_t rows = 0, cols = 0, channels = 1;
  if (shape.size() == 2) {
    rows = shape[0], cols = shape[1];
  } else if (shape.size() == 3) {
    a.planar = layout == "NCHW" || (!IsChannels(shape[2]) && IsChannels(shape[0]));
    channels = a.planar ? shape[0] : shape[2];
    rows = a.planar ? shape[1] : shape[0];
    cols = a.planar ? shape[2] : shape[1];
  } else {
    return std::nullopt;
  }
  if (rows == 0 || cols == 0 || rows > kMost || cols > kMost || !IsChannels(channels)) {
    return std::nullopt;
  }
  a.rows = static_cast<int>(rows);
  a.cols = static_cast<int>(cols);
  a.channels = static_cast<int>(channels);
  a.bgr = color.starts_with("BGR");
  return a;
}

std::optional<int> CvDepthOf(Element element) {
  switch (element) {
    case Element::kU8:
      return CV_8U;
    case Element::kU16:
      return CV_16U;
    case Element::kF32:
      return CV_32F;
    case Element::kF64:
      return CV_64F;
    default:
      return std::nullopt;
  }
}

cv::Mat Arranged(const Arrangement& a, int depth, std::span<const std::uint8_t> bytes) {
  cv::Mat pixels;
  // OpenCV reads only; its constructor has no const.
  auto* data = const_cast<std::uint8_t*>(bytes.data());
  if (a.planar && a.channels > 1) {
    std::vector<cv::Mat> planes;
    for (int c = 0; c < a.channels; ++c) {
      const std::size_t plane = bytes.size() / static_cast<std::size_t>(a.channels);
      planes.emplace_back(a.rows, a.cols, depth, data + static_cast<std::size_t>(c) * plane);
    }
    cv::merge(planes, pixels);
  } else {
    pixels = cv::Mat(a.rows, a.cols, CV_MAKETYPE(depth, a.channels), data);
  }
  if (a.bgr && a.channels >= 3) {
    cv::Mat rgb;
    cv::cvtColor(pixels, rgb, a.channels == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_BGRA2RGBA);
    pixels = rgb;
  }
  return ViewOf(pixels);
}

Result<cv::Mat, std::string> FromBytes(Element element, std::span<const std::uint64_t> shape,
                                       std::string_view layout, std::string_view color,
                                       std::span<const std::uint8_t> bytes) {
  const auto arrangement = ArrangementOf(shape, layout, color);
  const auto depth = CvDepthOf(element);
  if (!arrangement || !depth) return std::string("its entries are no pictures");
  const std::uint64_t expected = static_cast<std::uint64_t>(arrangement->rows) *
                                 static_cast<std::uint64_t>(arrangement->cols) *
                                 static_cast<std::uint64_t>(arrangement->channels) *
                                 SizeOf(element);
  if (bytes.size() != expected) return std::string("its entries are cut");
  return Arranged(*arrangement, *depth, bytes);
}

Result<cv::Mat, std::string> Decoded(std::span<const std::uint8_t> bytes, const Codec& codec) {
  const auto header = codec.ReadHeader(bytes);
  if (!header) return header.Error().message;
  const auto decoded = codec.Decode(bytes, *header, {});
  if (!decoded) return decoded.Error().message;
  return ViewOf(decoded->pixels);
}

template <class T>
std::vector<T> Numbers(const Row& row, std::string_view path) {
  const Cell* cell = row.Find(path);
  if (cell == nullptr || SizeOf(cell->column.element) != sizeof(T)) return {};
  const auto bytes = cell->Bytes();
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
  return numbers;
}

std::string NameOf(std::int64_t label, const std::vector<std::string>& classes) {
  if (label < 0) return "";
  const auto index = static_cast<std::size_t>(label);
  return index < classes.size() ? classes[index] : std::to_string(label);
}

std::vector<SheetObject> ObjectsOf(const Row& row, const std::vector<std::string>& classes) {
  const auto boxes = Numbers<float>(row, "instances/box");
  const auto quads = Numbers<float>(row, "instances/quad");
  const auto labels = Numbers<std::int32_t>(row, "instances/class");
  std::vector<SheetObject> objects;
  for (std::size_t i = 0; i < std::max(boxes.size() / 4, quads.size() / 8); ++i) {
    SheetObject object;
    if (i < labels.size()) object.label = labels[i];
    object.name = NameOf(object.label, classes);
    if (8 * i + 8 <= quads.size() && std::isfinite(quads[8 * i])) {
      for (std::size_t k = 8 * i; k < 8 * i + 8; k += 2) {
        object.corners.push_back({quads[k], quads[k + 1]});
      }
    } else if (4 * i + 4 <= boxes.size() && std::isfinite(boxes[4 * i])) {
      const float* b = &boxes[4 * i];
      object.corners = {{b[0], b[1]}, {b[2], b[1]}, {b[2], b[3]}, {b[0], b[3]}};
    }
    if (!object.corners.empty()) objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace

const Hdf5Dataset* LikeliestPictures(const Hdf5File& file) {
  if (const auto plan = PlanForeign({}, file, nullptr)) return plan->images;
  constexpr std::uint64_t kLeastSide = 8;  // below that it is a table
  const Hdf5Dataset* best = nullptr;
  std::tuple<bool, std::uint64_t> best_score;
  for (const Hdf5Dataset& dataset : file.Datasets()) {
    if (!dataset.Readable() || dataset.dims.size() < 3 || dataset.dims[0] == 0) continue;
    const std::span shape = std::span(dataset.dims).subspan(1);
    const auto a = ArrangementOf(shape, TextIn(dataset.attributes, "layout"), "");
    if (!a || !CvDepthOf(*dataset.element)) continue;
    if (static_cast<std::uint64_t>(std::min(a->rows, a->cols)) < kLeastSide) continue;
    // Colour before masks; then whatever has most values.
    const std::tuple score(shape.size() == 3, static_cast<std::uint64_t>(a->rows) *
                                                  static_cast<std::uint64_t>(a->cols) *
                                                  static_cast<std::uint64_t>(a->channels) *
                                                  dataset.dims[0]);
    if (best == nullptr || score > best_score) {
      best = &dataset;
      best_score = score;
    }
  }
  return best;
}

Result<cv::Mat, std::string> PictureIn(const Hdf5File& file, const Hdf5Dataset& dataset,
                                       std::uint64_t index) {
  const auto bytes = file.Read(dataset, index, 1);
  if (!bytes) return bytes.Error();
  return FromBytes(*dataset.element, std::span(dataset.dims).subspan(1),
                   TextIn(dataset.attributes, "layout"), TextIn(dataset.attributes, "color"),
                   *bytes);
}

SheetPicture PictureOfRow(const SetReader& set, std::uint64_t row,
                          const std::vector<std::string>& classes, const Codec& codec) {
  const std::string images = TextIn(set.Root(), "images");
  const std::string labels = TextIn(set.Root(), "labels");
  std::vector<std::string> wanted;
  for (const Column& column : set.Columns()) {
    static constexpr std::array<std::string_view, 6> kPaths{
        "encoded/bytes", "instances/box", "instances/quad", "instances/class", "meta/key/bytes"};
    if (column.path == images || column.path == labels ||
        std::find(kPaths.begin(), kPaths.end(), column.path) != kPaths.end()) {
      wanted.push_back(column.path);
    }
  }
  SheetPicture picture;
  picture.title = fmt::format("{}", row);
  const auto read = set.Read(row, wanted);
  if (!read) return picture;
  if (const auto label = Numbers<std::int64_t>(*read, labels); !label.empty() && label[0] >= 0) {
    picture.title += "  " + NameOf(label[0], classes);
  } else if (const Cell* key = read->Find("meta/key/bytes")) {
    const auto bytes = key->Bytes();
    picture.title += "  " + std::string(bytes.begin(), bytes.end());
  }
  picture.objects = ObjectsOf(*read, classes);
  const Cell* dense = read->Find(images);
  const Cell* encoded = read->Find("encoded/bytes");
  const auto pixels =
      dense != nullptr
          ? FromBytes(dense->column.element, dense->column.shape, TextIn(set.Root(), "layout"),
                      TextIn(set.Root(), "color"), dense->Bytes())
      : encoded != nullptr ? Decoded(encoded->Bytes(), codec)
                           : Result<cv::Mat, std::string>(std::string("there is none"));
  if (pixels) picture.pixels = *pixels;
  return picture;
}

}  // namespace pixloom
