// SPDX-License-Identifier: Apache-2.0
// Attributes: numbers as they are, text as UTF-8 of fixed length, as far as that goes. An attribute
// of the old format has less than 64 KiB; longer text is of variable length (it then lies in a heap
// of its own), and a longer list becomes such a text, as JSON.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/hdf5_handle.h"

namespace pixloom {

namespace {

// With room for the name, the type and the shape.
constexpr std::size_t kMostBytes = 60'000;

Hdf5Id TextType(std::size_t bytes, const std::string& what) {
  Hdf5Id type(H5Tcopy(H5T_C_S1), H5Tclose, what);
  CheckHdf5(H5Tset_size(type.Get(), bytes), what);
  if (bytes != H5T_VARIABLE) CheckHdf5(H5Tset_strpad(type.Get(), H5T_STR_NULLPAD), what);
  CheckHdf5(H5Tset_cset(type.Get(), H5T_CSET_UTF8), what);
  return type;
}

class Writer {
 public:
  Writer(const Hdf5Id& object, const std::string& name)
      : object_(object),
        name_(name),
        what_(fmt::format("write attribute '{}' of an HDF5 file", name)) {}

  void operator()(std::int64_t number) const {
    Write(H5T_STD_I64LE, H5T_NATIVE_INT64, Scalar(), &number);
  }
  void operator()(double number) const {
    Write(H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, Scalar(), &number);
  }
  void operator()(const std::string& text) const {
    if (text.size() > kMostBytes) return LongText(text);
    const Hdf5Id type = TextType(std::max<std::size_t>(text.size(), 1), what_);
    Write(type.Get(), type.Get(), Scalar(), text.c_str());
  }
  void operator()(const std::vector<std::int64_t>& numbers) const {
    if (numbers.size() * sizeof(std::int64_t) > kMostBytes) return LongList(numbers);
    Write(H5T_STD_I64LE, H5T_NATIVE_INT64, List(numbers.size()), numbers.data());
  }
  void operator()(const std::vector<double>& numbers) const {
    if (numbers.size() * sizeof(double) > kMostBytes) return LongList(numbers);
    Write(H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, List(numbers.size()), numbers.data());
  }
  void operator()(const std::vector<std::string>& texts) const {
    std::size_t longest = 1;
    for (const std::string& text : texts) longest = std::max(longest, text.size());
    if (longest * texts.size() > kMostBytes) return LongList(texts);
    std::vector<char> packed(longest * texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::copy(texts[i].begin(), texts[i].end(),
                packed.begin() + static_cast<std::ptrdiff_t>(i * longest));
    }
    const Hdf5Id type = TextType(longest, what_);
    Write(type.Get(), type.Get(), List(texts.size()), packed.data());
  }

 private:
  Hdf5Id Scalar() const { return {H5Screate(H5S_SCALAR), H5Sclose, what_}; }
  Hdf5Id List(hsize_t count) const {
    return {H5Screate_simple(1, &count, nullptr), H5Sclose, what_};
  }

  void LongText(const std::string& text) const {
    const Hdf5Id type = TextType(H5T_VARIABLE, what_);
    const char* pointer = text.c_str();
    Write(type.Get(), type.Get(), Scalar(), static_cast<const void*>(&pointer));
  }
  template <class T>
  void LongList(const std::vector<T>& values) const {
    LongText(nlohmann::json(values).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  void Write(hid_t file_type, hid_t memory_type, const Hdf5Id& space, const void* value) const {
    const Hdf5Id attribute(
        H5Acreate2(object_.Get(), name_.c_str(), file_type, space.Get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose, what_);
    // An empty list has nothing to write.
    if (value != nullptr) CheckHdf5(H5Awrite(attribute.Get(), memory_type, value), what_);
  }

  const Hdf5Id& object_;
  const std::string& name_;
  const std::string what_;
};

}  // namespace

void WriteHdf5Attributes(const Hdf5Id& object, const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) {
    std::visit(Writer(object, attribute.name), attribute.value);
  }
}

void WriteHdf5Attributes(const Hdf5Id& file, const Attributes& attributes) {
  for (const auto& [path, list] : attributes) {
    const std::string what = fmt::format("open '{}' of an HDF5 file", path);
    if (path.empty()) {
      WriteHdf5Attributes(file, list);
      continue;
    }
    MakeHdf5Groups(file, path);
    WriteHdf5Attributes({H5Oopen(file.Get(), path.c_str(), H5P_DEFAULT), H5Oclose, what}, list);
  }
}

}  // namespace pixloom
