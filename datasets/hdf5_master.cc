// SPDX-License-Identifier: Apache-2.0
// The virtual data set over the files of a set.
#include <cstdio>

#include <fmt/format.h>

#include "datasets/file_io.h"
#include "datasets/hdf5_handle.h"
#include "datasets/hdf5_structure.h"

namespace pixloom {

namespace {

void AddVirtual(const Hdf5Id& file, const MasterDataset& dataset,
                const std::vector<std::pair<std::string, std::uint64_t>>& files_and_rows) {
  const std::string what = fmt::format("create virtual dataset '{}'", dataset.path);
  const std::size_t slash = dataset.path.rfind('/');
  if (slash != std::string::npos) MakeHdf5Groups(file, dataset.path.substr(0, slash));

  std::vector<hsize_t> dims{0};
  dims.insert(dims.end(), dataset.shape.begin(), dataset.shape.end());
  for (const auto& [name, rows] : files_and_rows) dims[0] += rows;
  const int rank = static_cast<int>(dims.size());
  const hid_t type = Hdf5TypeOf(dataset.element);

  const Hdf5Id space(H5Screate_simple(rank, dims.data(), nullptr), H5Sclose, what);
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, what);
  CheckHdf5(H5Pset_obj_track_times(creation.Get(), 0), what);
  CheckHdf5(H5Pset_fill_value(creation.Get(), type, Fill(dataset.element).data()), what);
  std::vector<hsize_t> start(dims.size()), part = dims;
  for (const auto& [name, rows] : files_and_rows) {
    part[0] = rows;
    if (rows == 0) continue;
    const Hdf5Id source(H5Screate_simple(rank, part.data(), nullptr), H5Sclose, what);
    CheckHdf5(H5Sselect_hyperslab(space.Get(), H5S_SELECT_SET, start.data(), nullptr, part.data(),
                                  nullptr),
              what);
    CheckHdf5(H5Pset_virtual(creation.Get(), space.Get(), name.c_str(), dataset.path.c_str(),
                             source.Get()),
              what);
    start[0] += rows;
  }
  CheckHdf5(H5Sselect_all(space.Get()), what);
  const Hdf5Id made(H5Dcreate2(file.Get(), dataset.path.c_str(), type, space.Get(), H5P_DEFAULT,
                               creation.Get(), H5P_DEFAULT),
                    H5Dclose, what);
}

}  // namespace

void CreateMaster(const std::string& path, const std::vector<MasterDataset>& datasets,
                  const std::vector<std::pair<std::string, std::uint64_t>>& files_and_rows,
                  const Attributes& attributes) {
  std::vector<std::uint8_t> image;
  {
    const Hdf5Session session;
    Hdf5Id file = CreateHdf5InMemory();
    for (const MasterDataset& dataset : datasets) AddVirtual(file, dataset, files_and_rows);
    WriteHdf5Attributes(file, attributes);
    image = Hdf5Image(file);
    file.Close("close an HDF5 file in memory");
  }
  WriteWholeFile(path + ".tmp", path, image);
}

}  // namespace pixloom
