// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_describe_parts.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "datasets/text.h"

namespace pixloom {

namespace {

using Stored = Hdf5Dataset::Stored;

constexpr std::size_t kMostAttributes = 1000;
constexpr std::size_t kMostAttributeBytes = std::size_t{4} << 20;
constexpr std::size_t kMostSources = 100'000;

Hdf5Type Integer(const Hdf5Id& type) {
  const std::size_t size = H5Tget_size(type.Get());
  const bool is_signed = H5Tget_sign(type.Get()) == H5T_SGN_2;
  Hdf5Type is;
  is.big_endian = H5Tget_order(type.Get()) == H5T_ORDER_BE;
  // Bits that stand for nothing around those of the number.
  is.plain = H5Tget_precision(type.Get()) == 8 * size && H5Tget_offset(type.Get()) == 0;
  is.text = fmt::format("{}{}", is_signed ? "i" : "u", 8 * size);
  switch (size) {
    case 1:
      is.element = is_signed ? Element::kI32 : Element::kU8;
      if (is_signed) is.stored = Stored::kI8;
      break;
    case 2:
      is.element = is_signed ? Element::kI32 : Element::kU16;
      if (is_signed) is.stored = Stored::kI16;
      break;
    case 4:
      is.element = is_signed ? Element::kI32 : Element::kU32;
      break;
    case 8:
      is.element = is_signed ? Element::kI64 : Element::kU64;
      break;
    default:
      break;
  }
  return is;
}

bool IsHalf(const Hdf5Id& type) {
  std::size_t sign = 0, exponent = 0, exponent_bits = 0, mantissa = 0, mantissa_bits = 0;
  return H5Tget_fields(type.Get(), &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) >=
             0 &&
         sign == 15 && exponent == 10 && exponent_bits == 5 && mantissa == 0 &&
         mantissa_bits == 10 && H5Tget_ebias(type.Get()) == 15 &&
         H5Tget_norm(type.Get()) == H5T_NORM_IMPLIED;
}

Hdf5Type Float(const Hdf5Id& type) {
  const std::size_t size = H5Tget_size(type.Get());
  Hdf5Type is;
  is.big_endian = H5Tget_order(type.Get()) == H5T_ORDER_BE;
  is.text = fmt::format("f{}", 8 * size);
  const auto equals = [&](hid_t little, hid_t big) {
    return H5Tequal(type.Get(), is.big_endian ? big : little) > 0;
  };
  if (size == 2) {
    is.element = Element::kF32;
    is.stored = Stored::kF16;
    is.plain = IsHalf(type);
  } else if (size == 4) {
    is.element = Element::kF32;
    is.plain = equals(H5T_IEEE_F32LE, H5T_IEEE_F32BE);
  } else if (size == 8) {
    is.element = Element::kF64;
    is.plain = equals(H5T_IEEE_F64LE, H5T_IEEE_F64BE);
  }
  return is;
}

bool IsBool(const Hdf5Id& type) {
  if (H5Tget_size(type.Get()) != 1 || H5Tget_nmembers(type.Get()) != 2) return false;
  static constexpr std::array<const char*, 2> kNames{"FALSE", "TRUE"};
  for (unsigned i = 0; i < kNames.size(); ++i) {
    std::int8_t value = -1;
    char* name = H5Tget_member_name(type.Get(), i);
    const bool named = name != nullptr && std::strcmp(name, kNames[i]) == 0;
    H5free_memory(name);
    if (!named || H5Tget_member_value(type.Get(), i, &value) < 0 ||
        value != static_cast<std::int8_t>(i)) {
      return false;
    }
  }
  return true;
}

// ---- Attributes -------------------------------------------------------------------------------

std::string Trimmed(const char* text, std::size_t size, H5T_str_t padding) {
  std::string_view view(text, strnlen(text, size));
  if (padding == H5T_STR_SPACEPAD) {
    while (view.ends_with(' ')) view.remove_suffix(1);
  }
  return std::string(view);
}

std::optional<std::vector<std::string>> Texts(const Hdf5Id& attribute, const Hdf5Id& type,
                                              std::size_t count) {
  const Hdf5Id memory(H5Tcopy(type.Get()), H5Tclose, "copy a type");
  std::vector<std::string> texts;
  if (H5Tis_variable_str(type.Get()) > 0) {
    if (count > kMostAttributeBytes / sizeof(char*)) return std::nullopt;
    std::vector<char*> pointers(count, nullptr);
    const bool read = H5Aread(attribute.Get(), memory.Get(), pointers.data()) >= 0;
    std::size_t bytes = 0;
    for (char* pointer : pointers) {
      const std::size_t size = read && pointer != nullptr ? std::strlen(pointer) : 0;
      bytes += size;
      if (read && bytes <= kMostAttributeBytes) {
        texts.emplace_back(pointer == nullptr ? "" : pointer, size);
      }
      if (read) H5free_memory(pointer);
    }
    if (!read || texts.size() != count) return std::nullopt;
    return texts;
  }
  const std::size_t size = H5Tget_size(type.Get());
  if (size == 0 || size > kMostAttributeBytes || count > kMostAttributeBytes / size) {
    return std::nullopt;
  }
  std::vector<char> bytes(size * count);
  if (H5Aread(attribute.Get(), memory.Get(), bytes.data()) < 0) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    texts.push_back(Trimmed(bytes.data() + i * size, size, H5Tget_strpad(type.Get())));
  }
  return texts;
}

template <class T>
std::optional<std::vector<T>> Numbers(const Hdf5Id& attribute, hid_t memory, std::size_t count) {
  if (count > kMostAttributeBytes / sizeof(T)) return std::nullopt;
  std::vector<T> numbers(count);
  if (count > 0 && H5Aread(attribute.Get(), memory, numbers.data()) < 0) return std::nullopt;
  return numbers;
}

template <class T>
void Put(std::vector<Attribute>& to, const char* name, bool scalar,
         std::optional<std::vector<T>> values) {
  if (!values || (scalar && values->size() != 1)) return;
  if (scalar) {
    to.push_back({name, std::move(values->front())});
  } else {
    to.push_back({name, std::move(*values)});
  }
}

void ReadAttribute(const Hdf5Id& object, const char* name, std::vector<Attribute>& to) {
  const Hdf5Id attribute(H5Aopen(object.Get(), name, H5P_DEFAULT), H5Aclose, "open an attribute");
  const Hdf5Id type(H5Aget_type(attribute.Get()), H5Tclose, "read a type");
  const Hdf5Id space(H5Aget_space(attribute.Get()), H5Sclose, "read a shape");
  const int rank = H5Sget_simple_extent_ndims(space.Get());
  if (rank < 0 || rank > 1 || H5Sget_simple_extent_type(space.Get()) == H5S_NULL) return;
  const auto count = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.Get()));
  const bool scalar = rank == 0;
  switch (H5Tget_class(type.Get())) {
    case H5T_STRING:
      Put(to, name, scalar, Texts(attribute, type, count));
      break;
    case H5T_INTEGER:
    case H5T_ENUM: {
      // 64 bits without a sign keep their bits.
      const bool is_signed =
          H5Tget_class(type.Get()) == H5T_ENUM || H5Tget_sign(type.Get()) == H5T_SGN_2;
      Put(to, name, scalar,
          Numbers<std::int64_t>(attribute, is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64,
                                count));
      break;
    }
    case H5T_FLOAT:
      Put(to, name, scalar, Numbers<double>(attribute, H5T_NATIVE_DOUBLE, count));
      break;
    default:
      break;
  }
}

}  // namespace

Hdf5Type DescribeHdf5Type(const Hdf5Id& type) {
  Hdf5Type is;
  is.plain = false;
  switch (H5Tget_class(type.Get())) {
    case H5T_INTEGER:
      return Integer(type);
    case H5T_FLOAT:
      return Float(type);
    case H5T_ENUM: {
      const Hdf5Id base(H5Tget_super(type.Get()), H5Tclose, "read a type");
      is = Integer(base);
      if (IsBool(type)) {
        is.element = Element::kU8;
        is.stored = Stored::kAsElement;
        is.text = "bool";
      }
      return is;
    }
    case H5T_STRING:
      is.text = "string";
      break;
    case H5T_COMPOUND:
      is.text = "compound";
      break;
    case H5T_ARRAY:
      is.text = "array";
      break;
    case H5T_VLEN:
      is.text = "variable length";
      break;
    case H5T_REFERENCE:
      is.text = "reference";
      break;
    case H5T_BITFIELD:
      is.text = "bits";
      break;
    case H5T_OPAQUE:
      is.text = "opaque";
      break;
    default:
      is.text = "unknown type";
      break;
  }
  return is;
}

hid_t NativeHdf5Type(Element element) {
  switch (element) {
    case Element::kU8:
      return H5T_NATIVE_UINT8;
    case Element::kU16:
      return H5T_NATIVE_UINT16;
    case Element::kU32:
      return H5T_NATIVE_UINT32;
    case Element::kU64:
      return H5T_NATIVE_UINT64;
    case Element::kI32:
      return H5T_NATIVE_INT32;
    case Element::kI64:
      return H5T_NATIVE_INT64;
    case Element::kF32:
      return H5T_NATIVE_FLOAT;
    case Element::kF64:
      return H5T_NATIVE_DOUBLE;
  }
  return H5I_INVALID_HID;
}

std::vector<Attribute> ReadHdf5Attributes(const Hdf5Id& object) {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* to) -> herr_t {
    auto& list = *static_cast<std::vector<std::string>*>(to);
    list.emplace_back(name);
    return list.size() >= kMostAttributes ? 1 : 0;
  };
  hsize_t at = 0;
  // As they lie in the file, so that a copy has them in the same order.
  CheckHdf5(H5Aiterate2(object.Get(), H5_INDEX_NAME, H5_ITER_NATIVE, &at, collect, &names),
            "list attributes");
  std::vector<Attribute> attributes;
  for (const std::string& name : names) {
    try {
      ReadAttribute(object, name.c_str(), attributes);
    } catch (const EnvironmentError&) {
      // One that cannot be read says nothing about the data.
    }
  }
  return attributes;
}

std::vector<FilterId> Hdf5Filters(const Hdf5Id& creation) {
  const int count = H5Pget_nfilters(creation.Get());
  if (count < 0) FailHdf5("read filters");
  std::vector<FilterId> filters;
  for (int i = 0; i < count; ++i) {
    std::array<unsigned, 64> values{};
    std::size_t used = values.size();
    unsigned flags = 0;
    const H5Z_filter_t id = H5Pget_filter2(creation.Get(), static_cast<unsigned>(i), &flags, &used,
                                           values.data(), 0, nullptr, nullptr);
    if (id < 0) FailHdf5("read filters");
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(std::min(used, values.size()));
    filters.push_back({id, {values.begin(), end}});
  }
  return filters;
}

bool IsFilterAllowed(int id) {
  static constexpr std::array kAllowed{1, 2, 3, 4, 5, 6, 307, 32001, 32004};
  return std::find(kAllowed.begin(), kAllowed.end(), id) != kAllowed.end();
}

std::string UnknownFilterText(int id) {
  static const std::map<int, const char*> kNames{
      {32000, " (lzf)"}, {32008, " (bitshuffle)"}, {32013, " (zfp)"}, {32015, " (zstd)"}};
  const auto name = kNames.find(id);
  return fmt::format(
      "is packed with filter {}{}, which is not known here; write it again with gzip, lz4, blosc "
      "or none",
      id, name == kNames.end() ? "" : name->second);
}

Hdf5Id StrictLinkAccess() {
  Hdf5Id access(H5Pcreate(H5P_LINK_ACCESS), H5Pclose, "create properties");
  const auto refuse = [](const char*, const char*, const char*, const char*, unsigned*, hid_t,
                         void*) -> herr_t { return -1; };
  CheckHdf5(H5Pset_elink_cb(access.Get(), refuse, nullptr), "set properties");
  return access;
}

// ---- Virtual datasets -------------------------------------------------------------------------

namespace {

template <class Get>
std::string NameFrom(Get get) {
  const ssize_t size = get(nullptr, 0);
  if (size < 0 || size > 65'536) throw std::runtime_error("a virtual dataset without a source");
  std::string name(static_cast<std::size_t>(size) + 1, '\0');
  get(name.data(), name.size());
  name.resize(static_cast<std::size_t>(size));
  return name;
}

// `wanted` of the source, for `points` of the virtual dataset.
std::string CheckSource(const Hdf5Id& file, const std::string& path, const Hdf5Id& wanted,
                        hssize_t points) {
  const Hdf5Id access = StrictLinkAccess();
  const Hdf5Id object(H5Oopen(file.Get(), path.c_str(), access.Get()), H5Oclose, "open a source");
  if (H5Iget_type(object.Get()) != H5I_DATASET) return "is no dataset";
  const Hdf5Id creation(H5Dget_create_plist(object.Get()), H5Pclose, "read properties");
  if (H5Pget_layout(creation.Get()) == H5D_VIRTUAL) return "is virtual itself";
  if (H5Pget_external_count(creation.Get()) != 0) return "has its data in other files";
  for (const FilterId& filter : Hdf5Filters(creation)) {
    if (!IsFilterAllowed(filter.id)) return UnknownFilterText(filter.id);
  }
  const Hdf5Id space(H5Dget_space(object.Get()), H5Sclose, "read a shape");
  if (H5Sget_select_type(wanted.Get()) == H5S_SEL_ALL) {
    return H5Sget_simple_extent_npoints(space.Get()) == points ? "" : "has another size";
  }
  const int rank = H5Sget_simple_extent_ndims(space.Get());
  if (rank <= 0 || rank != H5Sget_simple_extent_ndims(wanted.Get())) return "has another rank";
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank)), first(dims), last(dims);
  CheckHdf5(H5Sget_simple_extent_dims(space.Get(), dims.data(), nullptr), "read a shape");
  CheckHdf5(H5Sget_select_bounds(wanted.Get(), first.data(), last.data()), "read a source");
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (last[i] >= dims[i]) return "is smaller than expected";
  }
  return "";
}

}  // namespace

std::string CheckVirtualHdf5(const Hdf5Id& file, const Hdf5Id& creation) {
  std::size_t count = 0;
  CheckHdf5(H5Pget_virtual_count(creation.Get(), &count), "read sources");
  if (count > kMostSources) return fmt::format("has more than {} sources", kMostSources);
  std::map<std::string, Hdf5Id> files;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = NameFrom([&](char* to, std::size_t size) {
      return H5Pget_virtual_filename(creation.Get(), i, to, size);
    });
    const std::string path = NameFrom([&](char* to, std::size_t size) {
      return H5Pget_virtual_dsetname(creation.Get(), i, to, size);
    });
    const std::string shown = fmt::format("'{}' of '{}'", EscapeName(path), EscapeName(name));
    const auto refused = [&](std::string_view why) {
      return fmt::format("is virtual, and its source {} {}", shown, why);
    };
    const Hdf5Id space(H5Pget_virtual_srcspace(creation.Get(), i), H5Sclose, "read a source");
    const Hdf5Id target(H5Pget_virtual_vspace(creation.Get(), i), H5Sclose, "read a source");
    const hssize_t points = H5Sget_select_npoints(target.Get());
    try {
      std::string problem;
      if (name == ".") {
        problem = CheckSource(file, path, space, points);
      } else {
        if ((name + path).find('%') != std::string::npos) return refused("is a pattern");
        if (name.starts_with('/') || ("/" + name + "/").find("/../") != std::string::npos) {
          return refused("lies outside this folder");
        }
        auto known = files.find(name);
        if (known == files.end()) {
          struct stat info = {};
          if (::lstat(name.c_str(), &info) != 0) return refused("is missing");
          if (!S_ISREG(info.st_mode)) return refused("is not in a regular file");
          known = files
                      .emplace(name, Hdf5Id(H5Fopen(name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT),
                                            H5Fclose, "open it"))
                      .first;
        }
        problem = CheckSource(known->second, path, space, points);
      }
      if (!problem.empty()) return refused(problem);
    } catch (const EnvironmentError& error) {
      return refused(error.what());
    }
  }
  return "";
}

}  // namespace pixloom
