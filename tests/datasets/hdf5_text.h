// SPDX-License-Identifier: Apache-2.0
// Attributes as HDF5 itself reads them.
#pragma once

#include <string>

#include "datasets/hdf5_handle.h"

namespace pixloom::testing {

inline std::string TextOf(const Hdf5Id& attribute) {
  const Hdf5Id type(H5Aget_type(attribute.Get()), H5Tclose, "read an attribute");
  const Hdf5Id space(H5Aget_space(attribute.Get()), H5Sclose, "read an attribute");
  if (H5Sget_simple_extent_npoints(space.Get()) != 1) return "";
  if (H5Tget_class(type.Get()) != H5T_STRING) return "";
  if (H5Tis_variable_str(type.Get()) > 0) {
    char* text = nullptr;
    if (H5Aread(attribute.Get(), type.Get(), static_cast<void*>(&text)) < 0 || text == nullptr) {
      return "";
    }
    std::string copy = text;
    H5free_memory(text);
    return copy;
  }
  std::string text(H5Tget_size(type.Get()), '\0');
  if (H5Aread(attribute.Get(), type.Get(), text.data()) < 0) return "";
  text.resize(text.find_last_not_of('\0') + 1);
  return text;
}

// A text attribute; "" on any error. `name` is that of the file's, or
// "PATH/@NAME" of an object's.
inline std::string ReadTextAttribute(const std::string& path, const std::string& name) try {
  const Hdf5Session session;
  const Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open");
  const std::size_t at = name.rfind("/@");
  const std::string object = at == std::string::npos ? "/" : name.substr(0, at);
  const std::string attribute = at == std::string::npos ? name : name.substr(at + 2);
  return TextOf(
      {H5Aopen_by_name(file.Get(), object.c_str(), attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT),
       H5Aclose, "open an attribute"});
} catch (const EnvironmentError&) {
  return "";
}

}  // namespace pixloom::testing
