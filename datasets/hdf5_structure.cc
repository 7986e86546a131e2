// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_structure.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "datasets/file_io.h"
#include "datasets/hdf5_chunk_index.h"
#include "datasets/hdf5_handle.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr std::uint64_t kAlignment = 8;

std::uint64_t RoundUp(std::uint64_t value, std::uint64_t step) {
  return (value + step - 1) / step * step;
}

std::uint64_t DataBytes(const StructureDataset& dataset) {
  std::uint64_t bytes = SizeOf(dataset.element);
  for (const std::uint64_t dim : dataset.dims) bytes *= dim;
  return bytes;
}

bool Chunked(const StructureDataset& dataset) {
  // HDF5 has no chunks of nothing.
  return dataset.chunked && dataset.dims.size() > 0 &&
         std::find(dataset.dims.begin() + 1, dataset.dims.end(), 0) == dataset.dims.end();
}

void SetFilters(const Hdf5Id& creation, const StructureDataset& dataset, std::string_view what) {
  std::vector<hsize_t> chunk(dataset.dims.begin(), dataset.dims.end());
  chunk[0] = 1;
  std::size_t chunk_bytes = SizeOf(dataset.element);
  for (const hsize_t dim : chunk) chunk_bytes *= dim;
  CheckHdf5(H5Pset_chunk(creation.Get(), static_cast<int>(chunk.size()), chunk.data()), what);
  for (const FilterId& filter :
       FilterPipeline(dataset.chunks.filters, SizeOf(dataset.element), chunk_bytes)) {
    // As H5Pset_deflate and its like do.
    const unsigned flag =
        filter.id == H5Z_FILTER_FLETCHER32 ? H5Z_FLAG_MANDATORY : H5Z_FLAG_OPTIONAL;
    CheckHdf5(H5Pset_filter(creation.Get(), filter.id, flag, filter.parameters.size(),
                            filter.parameters.data()),
              what);
  }
}

std::uint64_t AddressOf(const Hdf5Id& object, std::string_view what) {
#if H5_VERSION_GE(1, 12, 0)
  H5O_info1_t info;
#else
  H5O_info_t info;
#endif
  CheckHdf5(H5Oget_info1(object.Get(), &info), what);
  return info.addr;
}

// Returns where in the file its object header is.
std::uint64_t AddDataset(const Hdf5Id& file, const StructureDataset& dataset) {
  const std::string what = fmt::format("create dataset '{}' of an HDF5 file", dataset.path);
  const std::size_t slash = dataset.path.rfind('/');
  if (slash != std::string::npos) MakeHdf5Groups(file, dataset.path.substr(0, slash));

  const std::vector<hsize_t> dims(dataset.dims.begin(), dataset.dims.end());
  const Hdf5Id space(dims.empty()
                         ? H5Screate(H5S_SCALAR)
                         : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
                     H5Sclose, what);
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, what);
  CheckHdf5(H5Pset_obj_track_times(creation.Get(), 0), what);
  const hid_t type = Hdf5TypeOf(dataset.element);
  CheckHdf5(H5Pset_fill_value(creation.Get(), type, Fill(dataset.element).data()), what);
  if (Chunked(dataset)) {
    SetFilters(creation, dataset, what);
    // As for contiguous data: nothing is allocated before something is written.
    CheckHdf5(H5Pset_alloc_time(creation.Get(), H5D_ALLOC_TIME_LATE), what);
  }
  const Hdf5Id made(H5Dcreate2(file.Get(), dataset.path.c_str(), type, space.Get(), H5P_DEFAULT,
                               creation.Get(), H5P_DEFAULT),
                    H5Dclose, what);
  WriteHdf5Attributes(made, dataset.attributes);
  return AddressOf(made, what);
}

// What HDF5 made: all that describes the datasets, and where each one's object header is.
struct Described {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint64_t> headers;
};

// Makes HDF5 write the names of plugins' filters into the description, whether this machine has the
// plugins or not. Without a name, programs that have the plugin add it when they copy the dataset,
// and HDF5 does not make room for it.
class NamedFilters {
 public:
  NamedFilters() {
    // A plugin must not come in between: it may rewrite parameters, and its name may be another.
    H5PLget_loading_state(&plugins_);
    H5PLset_loading_state(0);
    for (const auto& [id, name] : kNames) {
      if (H5Zfilter_avail(id) > 0) continue;
      const H5Z_class2_t named{H5Z_CLASS_T_VERS, id, 1, 1, name, nullptr, nullptr, &Refuse};
      if (H5Zregister(&named) >= 0) added_.push_back(id);
    }
  }
  ~NamedFilters() {
    for (const H5Z_filter_t id : added_) H5Zunregister(id);
    H5PLset_loading_state(plugins_);
  }
  NamedFilters(const NamedFilters&) = delete;
  NamedFilters& operator=(const NamedFilters&) = delete;

 private:
  static constexpr std::pair<H5Z_filter_t, const char*> kNames[] = {
      {32001, "blosc"},
      {32004, "HDF5 lz4 filter; see http://www.hdfgroup.org/services/contributions.html"}};

  // There is no data to filter.
  static std::size_t Refuse(unsigned, std::size_t, const unsigned[], std::size_t, std::size_t*,
                            void**) {
    return 0;
  }

  unsigned plugins_ = H5PL_ALL_PLUGIN;
  std::vector<H5Z_filter_t> added_;
};

Described Describe(const Structure& structure) {
  const Hdf5Session session;
  const NamedFilters names;
  Hdf5Id file = CreateHdf5InMemory();
  Described described;
  for (const StructureDataset& dataset : structure.datasets) {
    described.headers.push_back(AddDataset(file, dataset));
  }
  WriteHdf5Attributes(file, structure.attributes);
  described.bytes = Hdf5Image(file);
  file.Close("close an HDF5 file in memory");
  return described;
}

// The bytes that HDF5 made, as its format specification (3.0) describes them: superblock version 0
// and object headers version 1.
class Image {
 public:
  explicit Image(std::vector<std::uint8_t>& bytes) : bytes_(bytes) {
    static constexpr std::string_view kSignature = "\211HDF\r\n\032\n";
    if (bytes.size() < 96 || std::memcmp(bytes.data(), kSignature.data(), kSignature.size()) != 0 ||
        Get(8, 1) != 0 || Get(13, 1) != 8 || Get(14, 1) != 8) {
      Unexpected("superblock");
    }
  }

  void SetEndOfFile(std::uint64_t end) { Put(40, end); }

  // `address` is that of the data, or of the chunk index.
  void SetStorage(std::uint64_t header, bool chunked, std::uint64_t address) {
    const std::uint64_t layout = FindLayout(header);
    if (Get(layout, 1) != 3 || Get(layout + 1, 1) != (chunked ? 2 : 1)) Unexpected("data layout");
    const std::uint64_t place = layout + (chunked ? 3 : 2);
    if (Get(place, 8) != std::numeric_limits<std::uint64_t>::max()) Unexpected("storage");
    Put(place, address);
  }

 private:
  [[noreturn]] static void Unexpected(std::string_view what) {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    throw EnvironmentError(fmt::format(
        "HDF5 {}.{}.{} describes a dataset in a way that is not known here ({}); use version 1.10 "
        "to 1.14",
        major, minor, release, what));
  }

  std::uint64_t Get(std::uint64_t at, int count) const {
    if (at > bytes_.size() || bytes_.size() - at < static_cast<std::size_t>(count)) {
      Unexpected("end");
    }
    std::uint64_t number = 0;
    for (int i = count - 1; i >= 0; --i) {
      number = number << 8 | bytes_[at + static_cast<std::uint64_t>(i)];
    }
    return number;
  }
  void Put(std::uint64_t at, std::uint64_t number) {
    for (std::uint64_t i = 0; i < 8; ++i) {
      bytes_[at + i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
  }

  // Where the body of the data layout message is.
  std::uint64_t FindLayout(std::uint64_t header) const {
    constexpr std::uint64_t kLayout = 8, kContinuation = 16;
    if (Get(header, 1) != 1) Unexpected("object header");
    std::vector<std::pair<std::uint64_t, std::uint64_t>> blocks{{header + 16, Get(header + 8, 4)}};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto [begin, bytes] = blocks[i];
      for (std::uint64_t at = begin; at + 8 <= begin + bytes; at += 8 + Get(at + 2, 2)) {
        const std::uint64_t type = Get(at, 2);
        if (type == kLayout) return at + 8;
        if (type == kContinuation) blocks.emplace_back(Get(at + 8, 8), Get(at + 16, 8));
      }
    }
    Unexpected("no data layout");
  }

  std::vector<std::uint8_t>& bytes_;
};

void WriteAt(int fd, std::uint64_t offset, std::span<const std::uint8_t> bytes,
             const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      throw EnvironmentError(
          fmt::format("cannot write '{}': {}", EscapeName(path), ErrnoText(n < 0 ? errno : EIO)));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

}  // namespace

std::uint64_t RoomFor(const Structure& structure, std::uint64_t spare) {
  return RoundUp(Describe(structure).bytes.size() + spare, 4096);
}

StructureBytes MakeStructure(const Structure& structure, std::uint64_t* needed) {
  Described described = Describe(structure);
  if (described.bytes.size() > structure.data_start) {
    const std::uint64_t room = RoundUp(described.bytes.size(), 4096);
    if (needed != nullptr) *needed = room;
    throw EnvironmentError(
        fmt::format("the structure of an HDF5 file needs {} bytes before its data, which begins at "
                    "{}",
                    room, structure.data_start));
  }

  StructureBytes made;
  Places& places = made.places;
  Image image(described.bytes);
  std::uint64_t end = structure.data_start;
  std::vector<std::pair<std::uint64_t, std::vector<std::uint8_t>>> indexes;
  for (std::size_t i = 0; i < structure.datasets.size(); ++i) {
    const StructureDataset& dataset = structure.datasets[i];
    const std::uint64_t header = described.headers[i];
    // The first one begins exactly where it is wanted.
    if (i > 0) end = RoundUp(end, kAlignment);
    if (DataBytes(dataset) == 0) {
      places.data.push_back(0);
    } else if (!Chunked(dataset)) {
      places.data.push_back(end);
      image.SetStorage(header, false, end);
      end += DataBytes(dataset);
    } else {
      places.data.push_back(end);
      ChunkRun run{dataset.dims, SizeOf(dataset.element), end, dataset.chunks.sizes};
      for (const std::uint64_t size : run.sizes) end += size;
      end = RoundUp(end, kAlignment);
      ChunkIndex index = MakeChunkIndex(run, end);
      image.SetStorage(header, true, index.root);
      const std::uint64_t index_bytes = index.bytes.size();
      indexes.emplace_back(end, std::move(index.bytes));
      end += index_bytes;
    }
  }
  // A file without data still has its data_start: it may grow.
  places.end = end;
  image.SetEndOfFile(end);

  const auto add = [&](std::uint64_t offset, std::vector<std::uint8_t> bytes) {
    places.written.emplace_back(offset, bytes.size());
    made.parts.push_back(std::move(bytes));
  };
  add(0, std::move(described.bytes));
  for (auto& [offset, bytes] : indexes) add(offset, std::move(bytes));
  return made;
}

Places CreateStructure(const std::string& path, const Structure& structure, std::uint64_t* needed) {
  const StructureBytes made = MakeStructure(structure, needed);
  FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!file.Valid()) {
    throw EnvironmentError(
        fmt::format("cannot create '{}': {}", EscapeName(path), ErrnoText(errno)));
  }
  try {
    if (::ftruncate(file.Get(), static_cast<off_t>(made.places.end)) != 0) {
      throw EnvironmentError(fmt::format("cannot make '{}' {} bytes long: {}", EscapeName(path),
                                         made.places.end, ErrnoText(errno)));
    }
    for (std::size_t i = 0; i < made.parts.size(); ++i) {
      WriteAt(file.Get(), made.places.written[i].first, made.parts[i], path);
    }
    // Network file systems report some write errors only here.
    if (::close(file.Release()) != 0 && errno != EINTR) {
      throw EnvironmentError(
          fmt::format("cannot write '{}': {}", EscapeName(path), ErrnoText(errno)));
    }
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
  return made.places;
}

}  // namespace pixloom
