// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "datasets/file_io.h"
#include "datasets/hdf5_child.h"
#include "datasets/hdf5_chunks.h"
#include "datasets/hdf5_describe.h"
#include "datasets/hdf5_wire.h"
#include "datasets/set_reader.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr std::uint64_t kMostDescription = std::uint64_t{256} << 20;
constexpr std::uint64_t kChunksPerQuestion = 16'384;
constexpr std::uint64_t kChunkPlaceBytes = 3 * sizeof(std::uint64_t);
constexpr std::uint64_t kRowsPerAnswerBytes = std::uint64_t{64} << 20;

// "" or what went wrong. A fault of the machine is an EnvironmentError.
std::string ReadAt(int fd, std::uint64_t offset, std::span<std::uint8_t> to,
                   const std::string& path) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t n =
        ::pread(fd, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      throw EnvironmentError(
          fmt::format("cannot read '{}': {}", EscapeName(path), ErrnoText(errno)));
    }
    if (n == 0) return "the file became shorter while it was read";
    done += static_cast<std::size_t>(n);
  }
  return "";
}

// HDF5 looks for its signature at 0, 512, 1024, 2048 and so on.
bool HasSignature(int fd, std::uint64_t bytes, const std::string& path) {
  static constexpr std::array<std::uint8_t, 8> kSignature{0x89, 'H',  'D',  'F',
                                                          '\r', '\n', 0x1A, '\n'};
  for (std::uint64_t at = 0; at + kSignature.size() <= bytes; at = at == 0 ? 512 : 2 * at) {
    std::array<std::uint8_t, 8> found{};
    if (ReadAt(fd, at, found, path).empty() && found == kSignature) return true;
  }
  return false;
}

bool LiesAsRead(const Hdf5Dataset& dataset) {
  return dataset.stored == Hdf5Dataset::Stored::kAsElement &&
         (!dataset.big_endian || SizeOf(*dataset.element) == 1);
}

void FillWith(std::span<const std::uint8_t> fill, std::span<std::uint8_t> to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = fill[i % fill.size()];
}

}  // namespace

struct Hdf5File::State {
  // The places of some chunks that follow each other.
  using Places = std::vector<ChunkPlace>;
  struct Chunks {
    explicit Chunks(const Hdf5Dataset& dataset) : grid(dataset) {}
    ChunkGrid grid;
    std::map<std::uint64_t, std::shared_ptr<const Places>> places;  // by chunk / kChunksPerQuestion
  };

  std::string path;   // as it was given
  Hdf5Target target;  // by its absolute path: a later child may start in another folder
  Hdf5Limits limits;
  FileHandle file;
  Hdf5Description description;
  std::map<const Hdf5Dataset*, Chunks> chunks;  // of those that have some; not changed, but places

  std::mutex mutex;  // child, places
  std::unique_ptr<Hdf5Child> child;
  mutable BandCache bands;

  Result<std::vector<std::uint8_t>, std::string> Ask(WireWriter& question, std::uint64_t most);
  Result<ChunkPlace, std::string> Place(const Hdf5Dataset& dataset, Chunks& chunks,
                                        std::uint64_t chunk);
  std::string Contiguous(const Hdf5Dataset& dataset, std::uint64_t first,
                         std::span<std::uint8_t> to) const;
  Result<std::vector<std::uint8_t>, std::string> Unpacked(const Hdf5Dataset& dataset,
                                                          Chunks& chunks, std::uint64_t chunk);
  BandCache::Made Band(const Hdf5Dataset& dataset, Chunks& chunks, std::uint64_t band);
  std::string Chunked(const Hdf5Dataset& dataset, std::uint64_t first, std::uint64_t count,
                      std::span<std::uint8_t> to);
  std::string Other(const Hdf5Dataset& dataset, std::uint64_t first, std::uint64_t count,
                    std::span<std::uint8_t> to);
};

// ---- The child --------------------------------------------------------------------------------

// Needs the mutex.
Result<std::vector<std::uint8_t>, std::string> Hdf5File::State::Ask(WireWriter& question,
                                                                    std::uint64_t most) {
  if (!child || !child->Usable()) child = std::make_unique<Hdf5Child>(target, limits);
  return child->Ask(question.Bytes(), most);
}

Result<ChunkPlace, std::string> Hdf5File::State::Place(const Hdf5Dataset& dataset, Chunks& in,
                                                       std::uint64_t chunk) {
  const std::uint64_t part = chunk / kChunksPerQuestion;
  const std::uint64_t first = part * kChunksPerQuestion;
  const std::lock_guard lock(mutex);
  std::shared_ptr<const Places>& known = in.places[part];
  if (!known) {
    const std::uint64_t count = std::min(kChunksPerQuestion, in.grid.chunks - first);
    WireWriter question;
    question.Number(static_cast<std::uint64_t>(Hdf5Question::kChunks));
    question.Text(dataset.path);
    question.Numbers(dataset.dims);
    question.Numbers(dataset.chunk_shape);
    question.Number(first);
    question.Number(count);
    const auto answer = Ask(question, count * kChunkPlaceBytes);
    if (!answer) return answer.Error();
    WireReader reader(*answer);
    auto places = std::make_shared<Places>(count);
    for (ChunkPlace& place : *places) {
      place.address = reader.Number();
      place.bytes = reader.Number();
      place.mask = static_cast<std::uint32_t>(reader.Number());
      if (!reader.Ok() || place.address > target.bytes ||
          place.bytes > target.bytes - place.address) {
        return std::string("a chunk lies outside the file; it is damaged or was cut off");
      }
    }
    known = std::move(places);
    // Most files are read from now on without HDF5.
    if (in.grid.chunks <= kChunksPerQuestion) child.reset();
  }
  return (*known)[chunk - first];
}

// ---- Ways to read -----------------------------------------------------------------------------

std::string Hdf5File::State::Contiguous(const Hdf5Dataset& dataset, std::uint64_t first,
                                        std::span<std::uint8_t> to) const {
  if (dataset.address == 0) {
    FillWith(dataset.fill, to);
    return "";
  }
  const std::size_t element = SizeOf(*dataset.element);
  const std::uint64_t stored_row = dataset.EntryBytes() / element * dataset.StoredBytes();
  const std::uint64_t offset = dataset.address + first * stored_row;
  if (LiesAsRead(dataset)) return ReadAt(file.Get(), offset, to, path);
  std::vector<std::uint8_t> stored(to.size() / element * dataset.StoredBytes());
  std::string problem = ReadAt(file.Get(), offset, stored, path);
  if (problem.empty()) WidenStored(dataset, stored, to);
  return problem;
}

// One chunk as it is read; empty: never written.
Result<std::vector<std::uint8_t>, std::string> Hdf5File::State::Unpacked(const Hdf5Dataset& dataset,
                                                                         Chunks& in,
                                                                         std::uint64_t chunk) {
  const auto place = Place(dataset, in, chunk);
  if (!place) return place.Error();
  if (place->bytes == 0) return std::vector<std::uint8_t>{};
  std::vector<std::uint8_t> packed(place->bytes);
  if (std::string problem = ReadAt(file.Get(), place->address, packed, path); !problem.empty()) {
    return problem;
  }
  const std::uint64_t stored_bytes = in.grid.chunk_elements * dataset.StoredBytes();
  std::vector<std::uint8_t> stored;
  if (dataset.filters.empty()) {
    if (packed.size() != stored_bytes) return std::string("a chunk has a wrong size");
    stored = std::move(packed);
  } else {
    auto unpacked =
        Unpack(dataset.filters, place->mask, dataset.StoredBytes(), stored_bytes, packed);
    if (!unpacked) return fmt::format("chunk {}: {}", chunk, unpacked.Error());
    stored = std::move(*unpacked);
  }
  if (LiesAsRead(dataset)) return stored;
  std::vector<std::uint8_t> read(in.grid.chunk_elements * SizeOf(*dataset.element));
  WidenStored(dataset, stored, read);
  return read;
}

BandCache::Made Hdf5File::State::Band(const Hdf5Dataset& dataset, Chunks& in, std::uint64_t band) {
  const std::size_t element = SizeOf(*dataset.element);
  std::vector<std::uint8_t> bytes(in.grid.band_elements * element);
  for (std::uint64_t i = 0; i < in.grid.per_band; ++i) {
    auto chunk = Unpacked(dataset, in, band * in.grid.per_band + i);
    if (!chunk) return chunk.Error();
    if (chunk->empty()) {
      chunk->resize(in.grid.chunk_elements * element);
      FillWith(dataset.fill, *chunk);
    }
    if (in.grid.whole_rows) return std::move(*chunk);
    PlaceChunk(dataset, in.grid, i, element, *chunk, bytes);
  }
  return bytes;
}

std::string Hdf5File::State::Chunked(const Hdf5Dataset& dataset, std::uint64_t first,
                                     std::uint64_t count, std::span<std::uint8_t> to) {
  Chunks& in = chunks.at(&dataset);
  const std::uint64_t row = dataset.EntryBytes();
  const std::uint64_t rows_per_band = dataset.chunk_shape[0];
  const std::uint64_t band_bytes = in.grid.band_elements * SizeOf(*dataset.element);
  const bool in_place = in.grid.whole_rows && dataset.filters.empty() && LiesAsRead(dataset);
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t band = (first + done) / rows_per_band;
    const std::uint64_t inside = (first + done) % rows_per_band;
    const std::uint64_t take = std::min(rows_per_band - inside, count - done);
    const auto part = to.subspan(done * row, take * row);
    done += take;
    if (in_place) {
      const auto place = Place(dataset, in, band);
      if (!place) return place.Error();
      if (place->bytes == 0) {
        FillWith(dataset.fill, part);
      } else if (place->bytes != band_bytes) {
        return "a chunk has a wrong size";
      } else if (std::string problem =
                     ReadAt(file.Get(), place->address + inside * row, part, path);
                 !problem.empty()) {
        return problem;
      }
      continue;
    }
    const auto copy = [&](const BandCache::Made& made) -> std::string {
      if (!made) return made.Error();
      std::memcpy(part.data(), made->data() + inside * row, part.size());
      return "";
    };
    // A band of one row is wanted once.
    const std::string problem =
        rows_per_band == 1
            ? copy(Band(dataset, in, band))
            : copy(*bands.Get(&dataset, band, band_bytes, [&] { return Band(dataset, in, band); }));
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string Hdf5File::State::Other(const Hdf5Dataset& dataset, std::uint64_t first,
                                   std::uint64_t count, std::span<std::uint8_t> to) {
  const std::uint64_t row = dataset.EntryBytes();
  const std::uint64_t at_once = std::max<std::uint64_t>(kRowsPerAnswerBytes / row, 1);
  const std::lock_guard lock(mutex);
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t take = std::min(at_once, count - done);
    WireWriter question;
    question.Number(static_cast<std::uint64_t>(Hdf5Question::kRead));
    question.Text(dataset.path);
    question.Number(static_cast<std::uint64_t>(*dataset.element));
    question.Number(first + done);
    question.Number(take);
    question.Number(take * row);
    const auto answer = Ask(question, std::max<std::uint64_t>(take * row, 65'536));
    if (!answer) return answer.Error();
    if (answer->size() != take * row) return "HDF5 gives another number of bytes than expected";
    std::memcpy(to.data() + done * row, answer->data(), answer->size());
    done += take;
  }
  return "";
}

// ---- Interface --------------------------------------------------------------------------------

Hdf5File::Hdf5File() : state_(std::make_unique<State>()) {}
Hdf5File::~Hdf5File() = default;

Result<std::unique_ptr<Hdf5File>, std::string> Hdf5File::Open(const std::string& path,
                                                              const Hdf5Limits& limits) {
  const std::string shown = EscapeName(path);
  int fd = -1;
  do {
    fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    const int error = errno;
    std::string text = fmt::format("cannot open '{}': {}", shown, ErrnoText(error));
    if (!IsInputFault(error)) throw EnvironmentError(text);
    return text;
  }
  std::unique_ptr<Hdf5File> opened(new Hdf5File());
  State& state = *opened->state_;
  state.file = FileHandle(fd);
  struct stat info = {};
  if (::fstat(fd, &info) != 0) {
    throw EnvironmentError(fmt::format("cannot examine '{}': {}", shown, ErrnoText(errno)));
  }
  if (!S_ISREG(info.st_mode)) {
    return fmt::format("'{}' is a {}, not a regular file", shown, FileKind(info.st_mode));
  }
  state.limits = limits;
  state.path = path;
  state.target = {std::filesystem::absolute(path).string(), info.st_dev, info.st_ino,
                  static_cast<std::uint64_t>(info.st_size)};
  if (!HasSignature(fd, state.target.bytes, path)) {
    return fmt::format("'{}' ({}) is no HDF5 file", shown, SizeText(state.target.bytes));
  }
  WireWriter question;
  question.Number(static_cast<std::uint64_t>(Hdf5Question::kDescribe));
  const auto answer = state.Ask(question, kMostDescription);
  state.child.reset();
  if (!answer) return fmt::format("'{}': {}", shown, answer.Error());
  auto description = ReadDescription(WireReader(*answer), state.target.bytes);
  if (!description) return fmt::format("'{}': {}", shown, description.Error());
  state.description = std::move(*description);
  for (const Hdf5Dataset& dataset : state.description.datasets) {
    if (dataset.Readable() && dataset.storage == Hdf5Dataset::Storage::kChunked) {
      state.chunks.emplace(&dataset, dataset);
    }
  }
  return opened;
}

const std::string& Hdf5File::Path() const { return state_->path; }

const std::vector<Hdf5Dataset>& Hdf5File::Datasets() const { return state_->description.datasets; }

const Hdf5Dataset* Hdf5File::Find(std::string_view path) const {
  const auto& all = Datasets();
  const auto at = std::lower_bound(
      all.begin(), all.end(), path,
      [](const Hdf5Dataset& d, std::string_view wanted) { return d.path < wanted; });
  return at != all.end() && at->path == path ? &*at : nullptr;
}

const std::vector<Attribute>& Hdf5File::Root() const { return state_->description.root; }

const Attributes& Hdf5File::GroupAttributes() const { return state_->description.groups; }

Result<std::vector<std::uint8_t>, std::string> Hdf5File::Read(const Hdf5Dataset& dataset,
                                                              std::uint64_t first,
                                                              std::uint64_t count) const {
  const std::uint64_t row = dataset.EntryBytes();
  if (row > 0 && count > state_->limits.memory / row) {
    return fmt::format("{} rows of {} are more than the {} that are read at once", count,
                       SizeText(row), SizeText(state_->limits.memory));
  }
  std::vector<std::uint8_t> bytes(row * count);
  if (std::string problem = ReadInto(dataset, first, count, bytes); !problem.empty()) {
    return problem;
  }
  return bytes;
}

std::string Hdf5File::ReadInto(const Hdf5Dataset& dataset, std::uint64_t first, std::uint64_t count,
                               std::span<std::uint8_t> to) const {
  const auto fail = [&](std::string_view problem) {
    return fmt::format("'{}' of '{}': {}", EscapeName(dataset.path), EscapeName(state_->path),
                       problem);
  };
  if (!dataset.Readable()) return fail(dataset.problem);
  if (first > dataset.Entries() || count > dataset.Entries() - first) {
    return fail(fmt::format("has {} rows; wanted {} from {} on", dataset.Entries(), count, first));
  }
  PIXLOOM_CHECK(to.size() == count * dataset.EntryBytes(), "room for another number of bytes");
  if (to.empty()) return "";
  std::string problem;
  switch (dataset.storage) {
    case Hdf5Dataset::Storage::kContiguous:
      problem = state_->Contiguous(dataset, first, to);
      break;
    case Hdf5Dataset::Storage::kChunked:
      problem = state_->Chunked(dataset, first, count, to);
      break;
    case Hdf5Dataset::Storage::kOther:
      problem = state_->Other(dataset, first, count, to);
      break;
  }
  return problem.empty() ? "" : fail(problem);
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> Hdf5File::Extent(const Hdf5Dataset& dataset,
                                                                        std::uint64_t row) const {
  if (!dataset.Readable() || dataset.storage != Hdf5Dataset::Storage::kContiguous ||
      dataset.address == 0 || !LiesAsRead(dataset) || row >= dataset.Entries()) {
    return std::nullopt;
  }
  const std::uint64_t bytes = dataset.EntryBytes();
  return std::pair{dataset.address + row * bytes, bytes};
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> Hdf5File::ChunkExtent(
    const Hdf5Dataset& dataset, std::uint64_t row) const {
  const auto in = state_->chunks.find(&dataset);
  if (in == state_->chunks.end() || !in->second.grid.whole_rows || dataset.chunk_shape[0] != 1 ||
      row >= dataset.Entries()) {
    return std::nullopt;
  }
  const auto place = state_->Place(dataset, in->second, row);
  if (!place || place->bytes == 0 || place->mask != 0) return std::nullopt;
  return std::pair{place->address, place->bytes};
}

}  // namespace pixloom
