// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "ops/geometry/window.h"
#include "ops/mix/block.h"
#include "ops/mix/place.h"

namespace pixloom {

enum class Fit { kCover, kContain };

template <>
struct EnumNames<Fit> {
  static constexpr std::array kAll{std::pair{Fit::kCover, "cover"},
                                   std::pair{Fit::kContain, "contain"}};
};

namespace {

struct Mosaic : Block, SoftLabels {
  Size grid{2, 2};
  Size size{0, 0};
  Range center{0.3, 0.7};
  Fit fit = Fit::kCover;
  std::vector<double> fill{0};
  double min_area = 0;
  double min_visibility = 0;

  static constexpr std::string_view kName = "mosaic";
  static constexpr std::string_view kDoc =
      "Put each sample and others of its block into the cells of a grid, itself first, labels and "
      "all; objects are cut at the edges of their cell. The label of the picture becomes soft, by "
      "the area of the cells.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{
            Param("grid", &Mosaic::grid)
                .In(1, 16)
                .Unit("cells")
                .Primary()
                .Alias("grid_yx")
                .Doc("Rows and columns. A partner comes again only when all others of the block "
                     "have come."),
            Param("size", &Mosaic::size)
                .In(0, kMaxSide)
                .Unit("px")
                .Alias("target_size")
                .Doc("Size of the result; 0 keeps that of the sample. Samples that pass unmixed "
                     "keep theirs."),
            Param("center", &Mosaic::center)
                .In(0, 1)
                .Unit("fraction")
                .Alias("center_range")
                .Doc("Where the two lines of a 2x2 grid cross, each drawn by itself. Lines of "
                     "larger grids leave their places by as large a part of a cell."),
            Param("fit", &Mosaic::fit)
                .Alias("fit_mode")
                .Doc("cover: each picture fills its cell, and what is shown of it is drawn; "
                     "contain: all of it is shown, with fill around."),
            Param("fill", &Mosaic::fill)
                .In(kMinLevel, kMaxLevel)
                .Unit("levels")
                .Doc("Levels around pictures that are contained, one per channel; fewer repeat "
                     "the last. Masks get their ignore index."),
            Param("min_area", &Mosaic::min_area)
                .In(0, 1e10)
                .Unit("px^2")
                .Doc("Least area of an object that is left in its cell."),
            Param("min_visibility", &Mosaic::min_visibility)
                .In(0, 1)
                .Unit("share")
                .Doc("Least share of its original area, at the present scale; what is wholly cut "
                     "away goes at 0 too.")},
        SoftLabels::Table<Mosaic>(), Block::Table<Mosaic>());
  }
  std::string Check() const {
    if (size.Empty() && !(size == Size{0, 0})) return "size: both sides or none";
    if (fill.empty() || fill.size() > BorderRule{}.fill.size()) {
      return fmt::format("fill: takes 1 to 4 levels, got {}", fill.size());
    }
    if (!size.Empty() && (size.height < grid.height || size.width < grid.width)) {
      return fmt::format("size: [{}, {}] has no room for {} x {} cells", size.height, size.width,
                         grid.height, grid.width);
    }
    return "";
  }
  std::shared_ptr<const WindowOperator> Make(const Services&) const {
    return std::make_shared<BlockWindow<Mosaic>>(*this);
  }
  Meta Out(const Meta& in) const { return size.Empty() ? in : OfSize(in, size); }

  Result<Mixed> Mix(Members members, std::size_t anchor, Rng& rng) const {
    const Sample& own = *members[anchor];
    if (own.images.empty()) return DataError{"SMP-EMPTY", "sample has no picture", "", ""};
    const Size canvas = size.Empty() ? PictureSize(own) : size;
    if (canvas.height < grid.height || canvas.width < grid.width) {
      return DataError{"OP-SIZE",
                       fmt::format("a picture of {}x{} has no room for {} x {} cells", canvas.width,
                                   canvas.height, grid.height, grid.width),
                       "set size, or filter out small pictures", ""};
    }
    const std::vector<int> rows = Lines(rng, "center_y", grid.height, canvas.height);
    const std::vector<int> columns = Lines(rng, "center_x", grid.width, canvas.width);
    std::vector<std::size_t> shown{anchor};
    const std::vector<std::size_t> drawn =
        DrawPartners(rng, members.size(), anchor, static_cast<int>(grid.Area()) - 1);
    shown.insert(shown.end(), drawn.begin(), drawn.end());

    std::vector<const Sample*> samples;
    for (const std::size_t i : shown) samples.push_back(members[i]);
    for (const Sample* sample : samples) {
      if (auto error = Mismatch(own, *sample)) return *error;
    }
    const auto names = CommonNames(samples);
    if (!names) return names.Error();

    Sample result = own.Clone();
    result.names = *names;
    result.instances.clear();
    MakeRoom(canvas, PictureSize(own), result);
    FreshIds ids(own.instances);
    std::vector<LabelPart> labels;
    for (std::size_t c = 0; c < samples.size(); ++c) {
      const auto row = c / static_cast<std::size_t>(grid.width);
      const auto column = c % static_cast<std::size_t>(grid.width);
      const cv::Rect cell(cv::Point(columns[column], rows[row]),
                          cv::Point(columns[column + 1], rows[row + 1]));
      const Point place(rng.Unit(), rng.Unit());
      Fill(*samples[c], Fitted(PictureSize(*samples[c]), canvas, cell, place, rng), c > 0, ids,
           result);
      labels.push_back(
          {samples[c], static_cast<double>(cell.area()) / static_cast<double>(canvas.Area())});
    }
    if (auto error = MixSampleLabels(labels, names->get(), num_classes, result)) return *error;
    std::vector<std::size_t> parents;
    for (const std::size_t i : drawn) {
      if (std::find(parents.begin(), parents.end(), i) == parents.end()) parents.push_back(i);
    }
    return Mixed{std::move(result), std::move(parents)};
  }

 private:
  // A placement and the part of the canvas where it shows its picture.
  struct Cell {
    Placement placement;
    cv::Rect view;
  };

  // Edges of `count` cells, all of at least one pixel.
  std::vector<int> Lines(Rng& rng, std::string_view name, int count, int side) const {
    std::vector<int> lines{0};
    for (int i = 1; i < count; ++i) {
      const double at = (i + 2 * rng.Draw(name, center) - 1) / count;
      const int line = Rounded(at * side);
      lines.push_back(std::clamp(line, lines.back() + 1, side - (count - i)));
    }
    lines.push_back(side);
    return lines;
  }

  Cell Fitted(Size picture, Size canvas, const cv::Rect& cell, Point place, Rng& rng) const {
    const double x = static_cast<double>(cell.width) / picture.width;
    const double y = static_cast<double>(cell.height) / picture.height;
    const double scale = fit == Fit::kCover ? std::max(x, y) : std::min(x, y);
    // The size it is brought to. Far from square it may pass the limits of any picture, so that it
    // stays a double; only the cell is ever made.
    const auto side = [&](int from, double ratio, int to) {
      return ratio == scale ? to : std::max(1.0, std::floor(from * scale + 0.5));
    };
    const double width = side(picture.width, x, cell.width);
    const double height = side(picture.height, y, cell.height);
    Placement placement;
    placement.picture = picture;
    placement.canvas = canvas;
    placement.cell = cell;
    Point start(cell.x, cell.y);
    if (fit == Fit::kCover) {
      const auto cut = [](double unit, double room) {
        return std::min(std::floor(unit * (room + 1)), room);
      };
      const Point from(cut(place.x, width - cell.width), cut(place.y, height - cell.height));
      rng.Note("crop_x", from.x);
      rng.Note("crop_y", from.y);
      start -= from;
    } else {
      start += Point(std::floor((cell.width - width) / 2), std::floor((cell.height - height) / 2));
      placement.fill.emplace();
      for (std::size_t c = 0; c < placement.fill->size(); ++c) {
        (*placement.fill)[c] = fill[std::min(c, fill.size() - 1)];
      }
    }
    placement.map = Matrix::Translate(start.x, start.y) *
                    Matrix::Scale(width / picture.width, height / picture.height);
    if (fit == Fit::kCover) return {placement, cell};
    return {placement, cv::Rect(static_cast<int>(start.x), static_cast<int>(start.y),
                                static_cast<int>(width), static_cast<int>(height))};
  }

  // Empty fields and masks; those of another size than the picture keep the ratio.
  static void MakeRoom(Size canvas, Size before, Sample& result) {
    const auto room = [&](const cv::Mat& pixels) {
      const auto scaled = [](int side, int to, int from) {
        return std::max(1, Rounded(static_cast<double>(side) * to / from));
      };
      return cv::Mat(scaled(pixels.rows, canvas.height, before.height),
                     scaled(pixels.cols, canvas.width, before.width), pixels.type());
    };
    for (auto& [name, field] : result.images) {
      for (Frame& frame : field.frames) frame.pixels = room(frame.pixels);
    }
    for (auto& [name, mask] : result.masks) mask.pixels = room(mask.pixels);
  }

  void Fill(const Sample& sample, const Cell& cell, bool partner, FreshIds& ids,
            Sample& result) const {
    for (auto& [name, field] : result.images) {
      const ImageField& other = *sample.Image(name);
      for (std::size_t f = 0; f < field.frames.size(); ++f) {
        PutPixels(other.frames[f].pixels, cell.placement, {}, field.frames[f].pixels);
      }
    }
    for (auto& [name, mask] : result.masks) {
      const auto other = sample.masks.find(name);
      PutMask(other != sample.masks.end() ? &other->second : nullptr, cell.placement, {}, mask);
    }
    Sample placed = PlacedLabels(sample, cell.placement);
    CutObjects(placed.instances, cell.view, {min_area, min_visibility, 0}, result.counts);
    if (partner) ids.Renumber(placed.instances);
    std::move(placed.instances.begin(), placed.instances.end(),
              std::back_inserter(result.instances));
  }
};

}  // namespace

void RegisterMosaic(Registry& registry) { registry.AddWindow<Mosaic>(); }

}  // namespace pixloom
