// SPDX-License-Identifier: Apache-2.0
// Parts of what the child process tells about a file. Only called there; one thread. Failures of
// HDF5 throw, as everything in hdf5_handle.h does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datasets/hdf5_handle.h"
#include "datasets/set_reader.h"

namespace pixloom {

struct Hdf5Type {
  std::optional<Element> element;  // what it is read as
  Hdf5Dataset::Stored stored = Hdf5Dataset::Stored::kAsElement;
  bool big_endian = false;
  bool plain = true;  // otherwise only HDF5 can convert it
  std::string text;
};
Hdf5Type DescribeHdf5Type(const Hdf5Id& type);
hid_t NativeHdf5Type(Element element);

// Those of numbers and texts, none larger than 4 MiB, the first thousand.
std::vector<Attribute> ReadHdf5Attributes(const Hdf5Id& object);

// Every filter of a chunked dataset.
std::vector<FilterId> Hdf5Filters(const Hdf5Id& creation);
// Filters that HDF5 may run here: its own, and plugins of formats that are widely used.
bool IsFilterAllowed(int id);
std::string UnknownFilterText(int id);

// Follows soft links, never one to another file.
Hdf5Id StrictLinkAccess();

// A dataset that is made of parts of others: why it must not be read, or "". HDF5 itself would give
// the fill value for everything that it does not find.
std::string CheckVirtualHdf5(const Hdf5Id& file, const Hdf5Id& creation);

}  // namespace pixloom
