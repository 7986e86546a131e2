// SPDX-License-Identifier: Apache-2.0
// A description on its way from the child to its parent, which trusts nothing in it.
#include <algorithm>

#include <fmt/format.h>

#include "datasets/hdf5_describe.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr std::uint64_t kElements = static_cast<std::uint64_t>(Element::kF64) + 1;

constexpr std::uint64_t kLeastDataset = 13 * sizeof(std::uint64_t);

// Doubles travel as their bits.
std::uint64_t Bits(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
double FromBits(std::uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct WriteValue {
  WireWriter& to;
  void operator()(std::int64_t value) const { to.Number(static_cast<std::uint64_t>(value)); }
  void operator()(double value) const { to.Number(Bits(value)); }
  void operator()(const std::string& value) const { to.Text(value); }
  template <class T>
  void operator()(const std::vector<T>& values) const {
    to.Number(values.size());
    for (const T& value : values) (*this)(value);
  }
};

struct ReadValue {
  WireReader& from;
  void operator()(std::int64_t& value) const { value = static_cast<std::int64_t>(from.Number()); }
  void operator()(double& value) const { value = FromBits(from.Number()); }
  void operator()(std::string& value) const { value = from.Text(); }
  template <class T>
  void operator()(std::vector<T>& values) const {
    values.resize(from.Count(sizeof(std::uint64_t)));
    for (T& value : values) (*this)(value);
  }
};

template <std::size_t I = 0>
decltype(Attribute::value) ReadVariant(std::uint64_t index, WireReader& from) {
  using Values = decltype(Attribute::value);
  if constexpr (I < std::variant_size_v<Values>) {
    if (index == I) {
      std::variant_alternative_t<I, Values> value{};
      ReadValue{from}(value);
      return value;
    }
    return ReadVariant<I + 1>(index, from);
  } else {
    return std::int64_t{0};
  }
}

void Write(WireWriter& to, const std::vector<Attribute>& attributes) {
  to.Number(attributes.size());
  for (const Attribute& attribute : attributes) {
    to.Text(attribute.name);
    to.Number(attribute.value.index());
    std::visit(WriteValue{to}, attribute.value);
  }
}

std::vector<Attribute> ReadAttributes(WireReader& from) {
  std::vector<Attribute> attributes(from.Count(3 * sizeof(std::uint64_t)));
  for (Attribute& attribute : attributes) {
    attribute.name = from.Text();
    const std::uint64_t index = from.Number();
    attribute.value = ReadVariant(index, from);
  }
  return attributes;
}

void Write(WireWriter& to, const Hdf5Dataset& dataset) {
  to.Text(dataset.path);
  to.Number(dataset.element ? static_cast<std::uint64_t>(*dataset.element) : kElements);
  to.Number(dataset.big_endian ? 1 : 0);
  to.Text(dataset.type_text);
  to.Numbers(dataset.dims);
  Write(to, dataset.attributes);
  to.Text(dataset.problem);
  to.Number(static_cast<std::uint64_t>(dataset.stored));
  to.Text({reinterpret_cast<const char*>(dataset.fill.data()), dataset.fill.size()});
  to.Number(static_cast<std::uint64_t>(dataset.storage));
  to.Number(dataset.address);
  to.Numbers(dataset.chunk_shape);
  to.Number(dataset.filters.size());
  for (const FilterId& filter : dataset.filters) {
    to.Number(static_cast<std::uint64_t>(filter.id));
    to.Numbers(std::vector<std::uint64_t>(filter.parameters.begin(), filter.parameters.end()));
  }
}

// False when the numbers do not go together: only a child that was taken over says such things.
bool Consistent(const Hdf5Dataset& dataset) {
  if (!dataset.Readable()) return true;
  if (dataset.fill.size() != SizeOf(*dataset.element)) return false;
  std::uint64_t bytes = SizeOf(*dataset.element);
  for (const std::uint64_t side : dataset.dims) {
    // An empty side must not hide others that no number holds.
    if (__builtin_mul_overflow(bytes, std::max<std::uint64_t>(side, 1), &bytes)) return false;
  }
  if (bytes > std::uint64_t{1} << 62) return false;
  if (dataset.storage != Hdf5Dataset::Storage::kChunked) return true;
  if (dataset.chunk_shape.size() != dataset.dims.size() || dataset.dims.empty()) return false;
  std::uint64_t chunk = SizeOf(*dataset.element);
  for (const std::uint64_t side : dataset.chunk_shape) {
    if (side == 0 || __builtin_mul_overflow(chunk, side, &chunk)) return false;
  }
  return chunk <= std::uint64_t{1} << 30;
}

bool Read(WireReader& from, std::uint64_t file_bytes, Hdf5Dataset& dataset) {
  dataset.path = from.Text();
  if (const std::uint64_t element = from.Number(); element < kElements) {
    dataset.element = static_cast<Element>(element);
  }
  dataset.big_endian = from.Number() != 0;
  dataset.type_text = from.Text();
  dataset.dims = from.Numbers();
  dataset.attributes = ReadAttributes(from);
  dataset.problem = from.Text();
  const std::uint64_t stored = from.Number();
  const std::string fill = from.Text();
  dataset.fill.assign(fill.begin(), fill.end());
  const std::uint64_t storage = from.Number();
  dataset.address = from.Number();
  dataset.chunk_shape = from.Numbers();
  dataset.filters.resize(from.Count(2 * sizeof(std::uint64_t)));
  for (FilterId& filter : dataset.filters) {
    filter.id = static_cast<int>(from.Number());
    for (const std::uint64_t value : from.Numbers()) {
      filter.parameters.push_back(static_cast<unsigned>(value));
    }
  }
  if (!from.Ok() || storage > static_cast<std::uint64_t>(Hdf5Dataset::Storage::kOther) ||
      stored > static_cast<std::uint64_t>(Hdf5Dataset::Stored::kF16)) {
    return false;
  }
  dataset.storage = static_cast<Hdf5Dataset::Storage>(storage);
  dataset.stored = static_cast<Hdf5Dataset::Stored>(stored);
  if (!Consistent(dataset)) return false;
  if (dataset.Readable() && dataset.storage == Hdf5Dataset::Storage::kContiguous &&
      dataset.address != 0) {
    const std::uint64_t bytes =
        dataset.Entries() * dataset.EntryBytes() / SizeOf(*dataset.element) * dataset.StoredBytes();
    if (dataset.address > file_bytes || bytes > file_bytes - dataset.address) {
      dataset.problem = fmt::format(
          "claims {} bytes from {} on, and the file has {}; it is damaged or was cut off", bytes,
          dataset.address, file_bytes);
    }
  }
  return true;
}

}  // namespace

void WriteDescription(WireWriter& to, const Hdf5Description& description) {
  Write(to, description.root);
  to.Number(description.groups.size());
  for (const auto& [path, attributes] : description.groups) {
    to.Text(path);
    Write(to, attributes);
  }
  to.Number(description.datasets.size());
  for (const Hdf5Dataset& dataset : description.datasets) Write(to, dataset);
}

Result<Hdf5Description, std::string> ReadDescription(WireReader from, std::uint64_t file_bytes) {
  Hdf5Description description;
  description.root = ReadAttributes(from);
  description.groups.resize(from.Count(2 * sizeof(std::uint64_t)));
  for (auto& [path, attributes] : description.groups) {
    path = from.Text();
    attributes = ReadAttributes(from);
  }
  description.datasets.resize(from.Count(kLeastDataset));
  bool good = from.Ok();
  for (Hdf5Dataset& dataset : description.datasets) {
    good = good && Read(from, file_bytes, dataset);
  }
  if (!good || !from.AtEnd()) return std::string("HDF5 describes it in a way that cannot be");
  return description;
}

std::uint64_t Hdf5Dataset::EntryBytes() const {
  std::uint64_t bytes = element ? SizeOf(*element) : 0;
  for (std::size_t i = 1; i < dims.size(); ++i) bytes *= dims[i];
  return bytes;
}

std::size_t Hdf5Dataset::StoredBytes() const {
  switch (stored) {
    case Stored::kI8:
      return 1;
    case Stored::kI16:
    case Stored::kF16:
      return 2;
    default:
      return element ? SizeOf(*element) : 0;
  }
}

std::string Hdf5Dataset::Text() const {
  std::string sides;
  for (const std::uint64_t side : dims)
    sides += fmt::format("{}{}", sides.empty() ? "" : ",", side);
  return fmt::format("{} {} [{}]", EscapeName(path), type_text, sides);
}

}  // namespace pixloom
