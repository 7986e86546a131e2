// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_describe.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

#include <fmt/format.h>

#include "datasets/hdf5_describe_parts.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr int kMostDepth = 64;
constexpr std::uint64_t kMostLinksPerDataset = 10;
// More bytes than this in one row, or in the chunks that hold it, must be backed by a file of at
// least a thousandth of them; more than the second are never read.
constexpr std::uint64_t kFreeBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kMostChunkBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kMostTogether = std::uint64_t{1} << 62;
constexpr std::uint64_t kMostGrid = std::uint64_t{1} << 40;
constexpr std::size_t kChunkCache = std::size_t{64} << 20;

// Where an object lies, to know it again under another name.
std::pair<std::uint64_t, std::uint64_t> PlaceOf(const Hdf5Id& object) {
#if H5_VERSION_GE(1, 12, 0)
  H5O_info2_t info;
  CheckHdf5(H5Oget_info3(object.Get(), &info, H5O_INFO_BASIC), "examine an object");
  std::uint64_t place = 0;
  std::copy_n(info.token.__data, sizeof place, reinterpret_cast<unsigned char*>(&place));
  return {info.fileno, place};
#else
  H5O_info_t info;
  CheckHdf5(H5Oget_info2(object.Get(), &info, H5O_INFO_BASIC), "examine an object");
  return {info.fileno, info.addr};
#endif
}

bool UnpacksHere(const std::vector<FilterId>& filters) {
  return std::all_of(filters.begin(), filters.end(), [](const FilterId& filter) {
    return (filter.id >= 1 && filter.id <= 3) || filter.id == 32001 || filter.id == 32004;
  });
}

// a * b, or the largest number.
std::uint64_t Times(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? ~std::uint64_t{0} : product;
}

bool TooLarge(std::uint64_t bytes, std::uint64_t file_bytes) {
  return bytes > kMostBytes || (bytes > kFreeBytes && bytes / 1000 > file_bytes);
}

}  // namespace

struct Hdf5Describer::State {
  Hdf5Target target;
  Hdf5Limits limits;
  Hdf5Id file;
  bool user_block = false;
  std::map<std::string, Hdf5Id> open;  // datasets that were asked for

  // While the file is walked.
  std::set<std::pair<std::uint64_t, std::uint64_t>> groups;
  std::uint64_t links = 0;
  Hdf5Description description;

  void Open();
  void Describe();
  void Group(const Hdf5Id& group, const std::string& prefix, int depth);
  void Link(const Hdf5Id& group, const std::string& prefix, const std::string& name,
            H5L_type_t type, int depth);
  Hdf5Dataset Dataset(const Hdf5Id& id, const std::string& path) const;
  void Storage(const Hdf5Id& id, const Hdf5Type& type, Hdf5Dataset& dataset) const;
  const Hdf5Id& Find(const std::string& path);
  void Chunks(WireReader& question, WireWriter& answer);
  std::vector<std::uint8_t> Rows(WireReader& question);
};

// ---- Opening ----------------------------------------------------------------------------------

void Hdf5Describer::State::Open() {
  if (file.Get() >= 0) return;
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  // Nothing is loaded because a file says so.
  H5PLset_loading_state(0);
  // Where sources of virtual datasets are looked for: in the file's folder and nowhere else.
  ::unsetenv("HDF5_VDS_PREFIX");
  ::unsetenv("HDF5_EXT_PREFIX");
  const std::filesystem::path path(target.path);
  if (path.has_parent_path() && ::chdir(path.parent_path().c_str()) != 0) {
    throw std::runtime_error(fmt::format("its folder cannot be entered: {}", ErrnoText(errno)));
  }
  const std::string name = path.filename().string();
  try {
    file = Hdf5Id(H5Fopen(name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open it");
  } catch (const EnvironmentError& error) {
    throw std::runtime_error(fmt::format("HDF5 {}", error.what()));
  }
  void* handle = nullptr;
  struct stat info = {};
  if (H5Fget_vfd_handle(file.Get(), H5P_DEFAULT, &handle) < 0 || handle == nullptr ||
      ::fstat(*static_cast<int*>(handle), &info) != 0 || info.st_dev != target.device ||
      info.st_ino != target.inode) {
    throw std::runtime_error("another file took its name while it was opened");
  }
  const Hdf5Id creation(H5Fget_create_plist(file.Get()), H5Pclose, "read properties");
  hsize_t block = 0;
  CheckHdf5(H5Pget_userblock(creation.Get(), &block), "read properties");
  user_block = block != 0;
}

// ---- Describing -------------------------------------------------------------------------------

void Hdf5Describer::State::Describe() {
  groups.clear();
  links = 0;
  description = {};
  const Hdf5Id root(H5Gopen2(file.Get(), "/", H5P_DEFAULT), H5Gclose, "open the root");
  description.root = ReadHdf5Attributes(root);
  Group(root, "", 0);
  std::sort(description.datasets.begin(), description.datasets.end(),
            [](const Hdf5Dataset& a, const Hdf5Dataset& b) { return a.path < b.path; });
}

void Hdf5Describer::State::Group(const Hdf5Id& group, const std::string& prefix, int depth) {
  // A group that has several names, or that contains itself, is entered once.
  if (!groups.insert(PlaceOf(group)).second) return;
  if (depth > kMostDepth) {
    throw std::runtime_error(fmt::format("groups are nested more than {} deep", kMostDepth));
  }
  if (depth > 0) {
    auto attributes = ReadHdf5Attributes(group);
    if (!attributes.empty()) {
      description.groups.emplace_back(prefix.substr(0, prefix.size() - 1), std::move(attributes));
    }
  }
  struct Found {
    std::vector<std::pair<std::string, H5L_type_t>> links;
    std::uint64_t most;
  } found{{}, limits.datasets * kMostLinksPerDataset - links};
  const auto collect = [](hid_t, const char* name, const H5L_info_t* info, void* to) -> herr_t {
    auto& list = *static_cast<Found*>(to);
    list.links.emplace_back(name, info->type);
    return list.links.size() > list.most ? 1 : 0;
  };
  hsize_t at = 0;
  CheckHdf5(H5Literate(group.Get(), H5_INDEX_NAME, H5_ITER_INC, &at, collect, &found),
            "list a group");
  links += found.links.size();
  if (links > limits.datasets * kMostLinksPerDataset) {
    throw std::runtime_error(fmt::format("holds more than {} links; {} datasets are the limit",
                                         limits.datasets * kMostLinksPerDataset, limits.datasets));
  }
  for (const auto& [name, type] : found.links) Link(group, prefix, name, type, depth);
}

void Hdf5Describer::State::Link(const Hdf5Id& group, const std::string& prefix,
                                const std::string& name, H5L_type_t type, int depth) {
  const std::string path = prefix + name;
  const auto unreadable = [&](std::string kind, std::string problem) {
    Hdf5Dataset dataset;
    dataset.path = path;
    dataset.type_text = std::move(kind);
    dataset.problem = std::move(problem);
    return dataset;
  };
  if (type != H5L_TYPE_HARD && type != H5L_TYPE_SOFT) {
    description.datasets.push_back(
        unreadable("external link", "is a link to another file; name that file instead"));
    return;
  }
  const Hdf5Id access = StrictLinkAccess();
  const hid_t opened = H5Oopen(group.Get(), name.c_str(), access.Get());
  if (opened < 0 && type == H5L_TYPE_SOFT) return;  // it leads nowhere
  const Hdf5Id object(opened, H5Oclose, "open an object");
  switch (H5Iget_type(object.Get())) {
    case H5I_GROUP:
      Group(object, path + "/", depth + 1);
      break;
    case H5I_DATASET:
      if (description.datasets.size() >= limits.datasets) {
        throw std::runtime_error(fmt::format("holds more than {} datasets", limits.datasets));
      }
      try {
        description.datasets.push_back(Dataset(object, path));
      } catch (const EnvironmentError& error) {
        description.datasets.push_back(unreadable("damaged", error.what()));
      }
      break;
    default:
      break;
  }
}

Hdf5Dataset Hdf5Describer::State::Dataset(const Hdf5Id& id, const std::string& path) const {
  Hdf5Dataset dataset;
  dataset.path = path;
  const Hdf5Id type_id(H5Dget_type(id.Get()), H5Tclose, "read a type");
  const Hdf5Type type = DescribeHdf5Type(type_id);
  dataset.element = type.element;
  dataset.stored = type.stored;
  dataset.big_endian = type.big_endian;
  dataset.type_text = type.text;
  dataset.attributes = ReadHdf5Attributes(id);
  const Hdf5Id space(H5Dget_space(id.Get()), H5Sclose, "read a shape");
  if (H5Sget_simple_extent_type(space.Get()) == H5S_NULL) {
    dataset.problem = "has no shape";
    return dataset;
  }
  const int rank = H5Sget_simple_extent_ndims(space.Get());
  if (rank < 0 || rank > H5S_MAX_RANK) FailHdf5("read a shape");
  dataset.dims.resize(static_cast<std::size_t>(rank));
  std::vector<hsize_t> dims(dataset.dims.size());
  if (rank > 0 && H5Sget_simple_extent_dims(space.Get(), dims.data(), nullptr) < 0) {
    FailHdf5("read a shape");
  }
  std::copy(dims.begin(), dims.end(), dataset.dims.begin());
  if (!dataset.element) {
    dataset.problem = fmt::format("holds no plain numbers but {}", type.text);
    return dataset;
  }
  Storage(id, type, dataset);
  return dataset;
}

void Hdf5Describer::State::Storage(const Hdf5Id& id, const Hdf5Type& type,
                                   Hdf5Dataset& dataset) const {
  const Hdf5Id creation(H5Dget_create_plist(id.Get()), H5Pclose, "read properties");
  dataset.fill.resize(SizeOf(*dataset.element));
  H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
  CheckHdf5(H5Pfill_value_defined(creation.Get(), &defined), "read the fill value");
  if (defined != H5D_FILL_VALUE_UNDEFINED) {
    CheckHdf5(
        H5Pget_fill_value(creation.Get(), NativeHdf5Type(*dataset.element), dataset.fill.data()),
        "read the fill value");
  }
  if (H5Pget_external_count(creation.Get()) != 0) {
    dataset.problem = "has its data in other files; copy it into one file";
    return;
  }
  std::uint64_t row = SizeOf(*dataset.element);
  for (std::size_t i = 1; i < dataset.dims.size(); ++i) {
    // An empty side must not hide others that no number holds.
    row = Times(row, std::max<std::uint64_t>(dataset.dims[i], 1));
  }
  if (Times(row, dataset.Entries()) > kMostTogether || TooLarge(row, target.bytes)) {
    dataset.problem =
        fmt::format("claims {} per row, in a file of {}", SizeText(row), SizeText(target.bytes));
    return;
  }
  switch (H5Pget_layout(creation.Get())) {
    case H5D_CONTIGUOUS: {
      const haddr_t address = H5Dget_offset(id.Get());
      dataset.address = address == HADDR_UNDEF ? 0 : address;
      if (type.plain) dataset.storage = Hdf5Dataset::Storage::kContiguous;
      break;
    }
    case H5D_CHUNKED: {
      std::vector<hsize_t> shape(dataset.dims.size());
      if (H5Pget_chunk(creation.Get(), static_cast<int>(shape.size()), shape.data()) !=
          static_cast<int>(shape.size())) {
        FailHdf5("read the chunks' shape");
      }
      dataset.chunk_shape.assign(shape.begin(), shape.end());
      dataset.filters = Hdf5Filters(creation);
      for (const FilterId& filter : dataset.filters) {
        if (IsFilterAllowed(filter.id)) continue;
        dataset.problem = UnknownFilterText(filter.id);
        return;
      }
      std::uint64_t chunk = SizeOf(*dataset.element);
      std::uint64_t band = Times(chunk, shape[0]);
      std::uint64_t grid = 1;
      for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == 0) throw std::runtime_error("a chunk without size");
        chunk = Times(chunk, shape[i]);
        const std::uint64_t across = (dataset.dims[i] + shape[i] - 1) / shape[i];
        if (i > 0) band = Times(band, Times(across, shape[i]));
        grid = Times(grid, across);
      }
      if (TooLarge(chunk, target.bytes)) {
        dataset.problem = fmt::format("claims {} per chunk, in a file of {}", SizeText(chunk),
                                      SizeText(target.bytes));
        return;
      }
      unsigned options = 0;
      CheckHdf5(H5Pget_chunk_opts(creation.Get(), &options), "read the chunks' options");
      // HDF5 gives wrong places of chunks behind a user block.
      if (type.plain && options == 0 && !user_block && UnpacksHere(dataset.filters) &&
          band <= kMostChunkBytes && !TooLarge(band, target.bytes) && grid <= kMostGrid) {
        dataset.storage = Hdf5Dataset::Storage::kChunked;
      }
      break;
    }
    case H5D_VIRTUAL:
      dataset.problem = CheckVirtualHdf5(file, creation);
      break;
    case H5D_COMPACT:
      break;
    default:
      dataset.problem = "is stored in a way that is not known here";
      break;
  }
}

// ---- Reading ----------------------------------------------------------------------------------

const Hdf5Id& Hdf5Describer::State::Find(const std::string& path) {
  const auto known = open.find(path);
  if (known != open.end()) return known->second;
  const Hdf5Id strict = StrictLinkAccess();
  const Hdf5Id access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, "create properties");
  CheckHdf5(H5Pset_chunk_cache(access.Get(), 10'007, kChunkCache, 1.0), "set properties");
  const Hdf5Id object(H5Oopen(file.Get(), path.c_str(), strict.Get()), H5Oclose, "open a dataset");
  Hdf5Id dataset(H5Dopen2(file.Get(), path.c_str(), access.Get()), H5Dclose, "open a dataset");
  if (PlaceOf(object) != PlaceOf(dataset)) throw std::runtime_error("is a link to another file");
  return open.emplace(path, std::move(dataset)).first->second;
}

void Hdf5Describer::State::Chunks(WireReader& question, WireWriter& answer) {
  const std::string path = question.Text();
  const std::vector<std::uint64_t> dims = question.Numbers();
  const std::vector<std::uint64_t> shape = question.Numbers();
  const std::uint64_t first = question.Number();
  const std::uint64_t count = question.Number();
  const Hdf5Id& dataset = Find(path);
  std::vector<hsize_t> offset(dims.size());
  for (std::uint64_t chunk = first; chunk < first + count; ++chunk) {
    std::uint64_t rest = chunk;
    for (std::size_t i = dims.size(); i-- > 0;) {
      const std::uint64_t across = (dims[i] + shape[i] - 1) / shape[i];
      offset[i] = rest % across * shape[i];
      rest /= across;
    }
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t bytes = 0;
    CheckHdf5(H5Dget_chunk_info_by_coord(dataset.Get(), offset.data(), &mask, &address, &bytes),
              "find a chunk");
    const bool written = address != HADDR_UNDEF;
    answer.Number(written ? address : 0);
    answer.Number(written ? bytes : 0);
    answer.Number(mask);
  }
}

std::vector<std::uint8_t> Hdf5Describer::State::Rows(WireReader& question) {
  const std::string path = question.Text();
  const auto element = static_cast<Element>(question.Number());
  const std::uint64_t first = question.Number();
  const std::uint64_t count = question.Number();
  const std::uint64_t bytes = question.Number();
  const Hdf5Id& dataset = Find(path);
  const Hdf5Id creation(H5Dget_create_plist(dataset.Get()), H5Pclose, "read properties");
  const std::vector<FilterId> filters = H5Pget_layout(creation.Get()) == H5D_CHUNKED
                                            ? Hdf5Filters(creation)
                                            : std::vector<FilterId>{};
  for (const FilterId& filter : filters) {
    if (!IsFilterAllowed(filter.id)) throw std::runtime_error(UnknownFilterText(filter.id));
    // Plugins of these may be loaded, and of no others.
    if (filter.id > 6) H5PLset_loading_state(H5PL_FILTER_PLUGIN);
  }
  const Hdf5Id space(H5Dget_space(dataset.Get()), H5Sclose, "read a shape");
  const int rank = H5Sget_simple_extent_ndims(space.Get());
  std::vector<hsize_t> start(static_cast<std::size_t>(std::max(rank, 0)));
  std::vector<hsize_t> size(start.size());
  if (rank > 0) {
    CheckHdf5(H5Sget_simple_extent_dims(space.Get(), size.data(), nullptr), "read a shape");
    start[0] = first;
    size[0] = count;
    CheckHdf5(H5Sselect_hyperslab(space.Get(), H5S_SELECT_SET, start.data(), nullptr, size.data(),
                                  nullptr),
              "select rows");
  }
  const auto points = static_cast<std::uint64_t>(H5Sget_select_npoints(space.Get()));
  if (Times(points, SizeOf(element)) != bytes) throw std::runtime_error("changed its shape");
  const hsize_t flat = points;
  const Hdf5Id memory(H5Screate_simple(1, &flat, nullptr), H5Sclose, "create a shape");
  std::vector<std::uint8_t> rows(bytes);
  const herr_t status = H5Dread(dataset.Get(), NativeHdf5Type(element), memory.Get(), space.Get(),
                                H5P_DEFAULT, rows.data());
  H5PLset_loading_state(0);
  if (status < 0) throw std::runtime_error(fmt::format("cannot be read: {}", Hdf5ErrorText()));
  return rows;
}

Hdf5Describer::Hdf5Describer(Hdf5Target target, const Hdf5Limits& limits)
    : state_(std::make_unique<State>()) {
  state_->target = std::move(target);
  state_->limits = limits;
}

Hdf5Describer::~Hdf5Describer() = default;

std::vector<std::uint8_t> Hdf5Describer::Answer(WireReader question) {
  state_->Open();
  WireWriter answer;
  switch (static_cast<Hdf5Question>(question.Number())) {
    case Hdf5Question::kDescribe:
      state_->Describe();
      WriteDescription(answer, state_->description);
      break;
    case Hdf5Question::kChunks:
      state_->Chunks(question, answer);
      break;
    case Hdf5Question::kRead:
      return state_->Rows(question);
  }
  return std::move(answer.Bytes());
}

}  // namespace pixloom
