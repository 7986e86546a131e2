// SPDX-License-Identifier: Apache-2.0
// Looks at files of our own with HDF5: once when one is finished, and for single attributes.
#include <fmt/format.h>

#include "datasets/hdf5_handle.h"
#include "datasets/hdf5_structure.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

Hdf5Id OpenForReading(const std::string& path) {
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose,
          fmt::format("open '{}' as HDF5", EscapeName(path))};
}

class Checker {
 public:
  Checker(const Hdf5Id& file, const std::string& path) : file_(file), path_(path) {}

  void Check(const StructureDataset& dataset, std::uint64_t address) const {
    const std::string what =
        fmt::format("open dataset '{}' of '{}'", dataset.path, EscapeName(path_));
    const Hdf5Id opened(H5Dopen2(file_.Get(), dataset.path.c_str(), H5P_DEFAULT), H5Dclose, what);
    const Hdf5Id type(H5Dget_type(opened.Get()), H5Tclose, what);
    Expect(H5Tequal(type.Get(), Hdf5TypeOf(dataset.element)) > 0, dataset, "type");

    const Hdf5Id space(H5Dget_space(opened.Get()), H5Sclose, what);
    const int rank = H5Sget_simple_extent_ndims(space.Get());
    CheckHdf5(rank, what);
    std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
    CheckHdf5(H5Sget_simple_extent_dims(space.Get(), dims.data(), nullptr), what);
    Expect(std::equal(dims.begin(), dims.end(), dataset.dims.begin(), dataset.dims.end()), dataset,
           "dims");

    if (address == 0) return;
    const Hdf5Id creation(H5Dget_create_plist(opened.Get()), H5Pclose, what);
    if (H5Pget_layout(creation.Get()) == H5D_CHUNKED) {
      CheckChunks(opened, dataset, address, what);
    } else {
      Expect(H5Dget_offset(opened.Get()) == address, dataset, "place");
    }
  }

 private:
  void CheckChunks(const Hdf5Id& opened, const StructureDataset& dataset, std::uint64_t address,
                   const std::string& what) const {
    for (std::size_t i = 0; i < dataset.chunks.sizes.size(); ++i) {
      std::vector<hsize_t> offset(dataset.dims.size());
      offset[0] = i;
      unsigned mask = 0;
      haddr_t place = HADDR_UNDEF;
      hsize_t bytes = 0;
      CheckHdf5(H5Dget_chunk_info_by_coord(opened.Get(), offset.data(), &mask, &place, &bytes),
                what);
      Expect(place == address && bytes == dataset.chunks.sizes[i] && mask == 0, dataset, "chunks");
      address += dataset.chunks.sizes[i];
    }
  }

  void Expect(bool as_planned, const StructureDataset& dataset, std::string_view what) const {
    if (as_planned) return;
    throw EnvironmentError(fmt::format("dataset '{}' of '{}' is not as it was written: its {}",
                                       dataset.path, EscapeName(path_), what));
  }

  const Hdf5Id& file_;
  const std::string& path_;
};

}  // namespace

void CheckOpens(const std::string& path, const Structure& structure, const Places& places) {
  const Hdf5Session session;
  Hdf5Id file = OpenForReading(path);
  const Checker checker(file, path);
  for (std::size_t i = 0; i < structure.datasets.size(); ++i) {
    checker.Check(structure.datasets[i], places.data[i]);
  }
  file.Close(fmt::format("close '{}'", EscapeName(path)));
}

}  // namespace pixloom
