// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_chunk_index.h"

#include <algorithm>
#include <limits>

#include "pipeline/error.h"

namespace pixloom {

namespace {

// Half the entries of a node: what HDF5 assumes for a file that says nothing else.
constexpr std::size_t kHalf = 32;
constexpr std::uint64_t kNowhere = std::numeric_limits<std::uint64_t>::max();

class Appender {
 public:
  explicit Appender(std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}
  void Number(std::uint64_t number, int count) {
    for (int i = 0; i < count; ++i) bytes_.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
  }
  void Text(const char* text) {
    while (*text != '\0') bytes_.push_back(static_cast<std::uint8_t>(*text++));
  }

 private:
  std::vector<std::uint8_t>& bytes_;
};

// One level of the tree, leaves (level 0) first.
struct Child {
  std::uint64_t first_chunk;  // below it
  std::uint64_t address;
};

class Tree {
 public:
  Tree(const ChunkRun& run, std::uint64_t address) : run_(run), address_(address) {}

  ChunkIndex Make() {
    std::vector<Child> children;
    std::uint64_t address = run_.address;
    for (std::uint64_t i = 0; i < run_.sizes.size(); ++i) {
      children.push_back({i, address});
      address += run_.sizes[i];
    }
    int level = 0;
    do {
      children = MakeLevel(level++, children);
    } while (children.size() > 1);
    return {std::move(bytes_), children[0].address};
  }

 private:
  std::size_t KeyBytes() const { return 8 + 8 * (run_.dims.size() + 1); }
  std::size_t NodeBytes() const { return 24 + 2 * kHalf * 8 + (2 * kHalf + 1) * KeyBytes(); }

  // Where a chunk is, in elements; the last number counts bytes of the element.
  void Key(std::uint64_t chunk) {
    Appender out(bytes_);
    const bool end = chunk == run_.sizes.size();
    out.Number(end ? 0 : run_.sizes[chunk], 4);
    out.Number(0, 4);  // no filter was left out
    out.Number(chunk, 8);
    // Behind the last chunk in every dimension.
    for (std::size_t i = 1; i < run_.dims.size(); ++i) out.Number(end ? run_.dims[i] : 0, 8);
    out.Number(end ? run_.element_bytes : 0, 8);
  }

  std::vector<Child> MakeLevel(int level, const std::vector<Child>& children) {
    const std::size_t nodes = (children.size() + 2 * kHalf - 1) / (2 * kHalf);
    const std::uint64_t begin = address_ + bytes_.size();
    std::vector<Child> made;
    for (std::size_t n = 0; n < nodes; ++n) {
      const std::size_t first = n * 2 * kHalf;
      const std::size_t last = std::min(children.size(), first + 2 * kHalf);
      const std::uint64_t here = begin + n * NodeBytes();
      made.push_back({children[first].first_chunk, here});
      Appender out(bytes_);
      out.Text("TREE");
      out.Number(1, 1);  // of chunks
      out.Number(static_cast<std::uint64_t>(level), 1);
      out.Number(last - first, 2);
      out.Number(n == 0 ? kNowhere : here - NodeBytes(), 8);
      out.Number(n + 1 == nodes ? kNowhere : here + NodeBytes(), 8);
      for (std::size_t i = first; i < last; ++i) {
        Key(children[i].first_chunk);
        out.Number(children[i].address, 8);
      }
      Key(last == children.size() ? run_.sizes.size() : children[last].first_chunk);
      bytes_.resize(here + NodeBytes() - address_);
    }
    return made;
  }

  const ChunkRun& run_;
  const std::uint64_t address_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

ChunkIndex MakeChunkIndex(const ChunkRun& run, std::uint64_t address) {
  PIXLOOM_CHECK(!run.sizes.empty() && run.sizes.size() == run.dims[0], "one chunk per entry");
  for (const std::uint64_t size : run.sizes) {
    PIXLOOM_CHECK(size <= std::numeric_limits<std::uint32_t>::max(), "a chunk of 4 GiB");
  }
  return Tree(run, address).Make();
}

}  // namespace pixloom
