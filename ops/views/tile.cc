// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/views/views.h"
#include "pipeline/registry.h"

namespace pixloom {

// What happens to the last tile of a row when the tiles do not fit.
enum class TileEdge { kShift, kPad, kDrop };

template <>
struct EnumNames<TileEdge> {
  static constexpr std::array kAll{std::pair{TileEdge::kShift, "shift"},
                                   std::pair{TileEdge::kPad, "pad"},
                                   std::pair{TileEdge::kDrop, "drop"}};
};

namespace {

// Where tiles of `tile` pixels start on an axis of `picture` pixels; at least one.
std::vector<int> Starts(int picture, int tile, int overlap, TileEdge edge) {
  std::vector<int> starts{0};
  if (tile >= picture) {
    // One tile; the picture lies in its middle unless it is padded like the last of many.
    if (edge != TileEdge::kPad) starts[0] = (picture - tile) >> 1;
    return starts;
  }
  const int stride = tile - overlap;
  for (int at = stride; at + overlap < picture; at += stride) {
    if (at + tile <= picture || edge == TileEdge::kPad) {
      starts.push_back(at);
    } else if (edge == TileEdge::kShift) {
      starts.push_back(picture - tile);
    }
  }
  return starts;
}

struct Tile : Outside {
  Size size;
  Size overlap;
  TileEdge edge = TileEdge::kShift;

  static constexpr std::string_view kName = "tile";
  static constexpr std::string_view kDoc =
      "Cut the picture into tiles, row by row, each a sample that knows its place.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{
            Param("size", &Tile::size)
                .In(1, kMaxSide)
                .Unit("px")
                .Required()
                .Primary()
                .Doc("Height and width of each tile."),
            Param("overlap", &Tile::overlap)
                .In(0, kMaxSide)
                .Unit("px")
                .Doc("Rows and columns that neighbours share."),
            Param("edge", &Tile::edge)
                .Doc("The last tile of a row or column: moved back inside, padded, or left out "
                     "when it is not whole.")},
        Outside::Table<Tile>());
  }
  std::string Check() const {
    if (overlap.width >= size.width || overlap.height >= size.height) {
      return fmt::format("overlap: [{}, {}] is not smaller than the tile, [{}, {}]", overlap.height,
                         overlap.width, size.height, size.width);
    }
    return Outside::Check();
  }

  std::vector<View> Views(Size picture) const {
    const auto rows = Starts(picture.height, size.height, overlap.height, edge);
    const auto columns = Starts(picture.width, size.width, overlap.width, edge);
    std::vector<View> views;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      for (std::size_t column = 0; column < columns.size(); ++column) {
        View view = WindowView(columns[column], rows[row], size, picture, Rule());
        view.facts.emplace_back("row", static_cast<double>(row));
        view.facts.emplace_back("column", static_cast<double>(column));
        views.push_back(std::move(view));
      }
    }
    return views;
  }
  std::shared_ptr<const ViewOperator> Make(const Services&) const {
    return std::make_shared<SizedViews<Tile>>(*this);
  }
};

}  // namespace

void RegisterTile(Registry& registry) { registry.AddViews<Tile>(); }

}  // namespace pixloom
