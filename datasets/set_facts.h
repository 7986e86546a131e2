// SPDX-License-Identifier: Apache-2.0
// What every command on stored sets needs to know of one: where it is, what it says about itself.
// Pure functions of files.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/set_reader.h"
#include "pipeline/set_report.h"

namespace pixloom {

// "out/train" names out/train.h5 as well as the folder out/train, as in the configuration.
std::string FindSet(const std::string& path);

// Throws ConfigError when there is no such file or it is no set of Pixloom's, DamagedSetError when
// it is one that cannot be opened.
std::unique_ptr<SetReader> OpenSet(const std::string& path);

SetFacts FactsOf(const SetReader& set, const std::string& path);

// Attributes as text, whatever their type; "" when there is none.
std::string AttributeText(const Attribute& attribute);
const Attribute* FindAttribute(const std::vector<Attribute>& attributes, std::string_view name);
std::optional<std::int64_t> IntegerIn(const std::vector<Attribute>& attributes,
                                      std::string_view name);
std::string TextIn(const std::vector<Attribute>& attributes, std::string_view name);

// The column whose data was written in place: the pictures, or their bytes.
Result<Column, std::string> FirstColumnOf(const SetReader& set);

// How a dataset is filtered, or the first column of a set, to write another one alike. The error
// says why that is not possible.
Result<ChunkFilters, std::string> FiltersOf(const Hdf5Dataset& dataset);
Result<ChunkFilters, std::string> FiltersOf(const SetReader& set);

// The configuration that it was made with; "" when it has none.
std::string ConfigIn(const SetReader& set);

// The bytes of `path` of this row as text: "meta/key/bytes". Nothing when it cannot be read.
std::optional<std::string> TextOf(const SetReader& set, std::uint64_t row, const std::string& path);
// A whole column of one file: numbers per entry. T must have the size of its elements.
template <class T>
Result<std::vector<T>, std::string> NumbersOf(const Hdf5File& file, std::string_view path) {
  const Hdf5Dataset* dataset = file.Find(path);
  if (dataset == nullptr) return std::vector<T>{};
  if (!dataset->Readable() || SizeOf(*dataset->element) != sizeof(T) || dataset->dims.empty()) {
    return std::string(path) + " has another type than Pixloom writes";
  }
  auto bytes = file.Read(*dataset, 0, dataset->dims[0]);
  if (!bytes) return bytes.Error();
  std::vector<T> numbers(bytes->size() / sizeof(T));
  std::memcpy(numbers.data(), bytes->data(), numbers.size() * sizeof(T));
  return numbers;
}

}  // namespace pixloom
