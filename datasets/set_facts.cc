// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_facts.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "datasets/text.h"

namespace pixloom {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void Refuse(std::string text) {
  Diagnostics diagnostics;
  diagnostics.Error("SET-OPEN", {}, std::move(text));
  throw ConfigError(diagnostics);
}

template <class T>
std::string ListText(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) {
    if (!text.empty()) text += ", ";
    if constexpr (std::is_same_v<T, std::string>) {
      text += value;
    } else {
      text += fmt::format("{}", value);
    }
  }
  return text;
}

}  // namespace

std::string FindSet(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error) && fs::exists(path + ".h5", error)) return path + ".h5";
  return path;
}

std::unique_ptr<SetReader> OpenSet(const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) {
    const bool partial = fs::exists(path + ".partial", error);
    Refuse(fmt::format("there is no '{}'{}", EscapeName(path),
                       partial ? fmt::format("; it is not finished: pixloom status {}", path)
                               : "; name a file NAME.h5 or a folder with index.json"));
  }
  if (fs::is_directory(status)) {
    if (!fs::exists(fs::path(path) / "index.json", error)) {
      Refuse(fmt::format("'{}' is a folder without index.json: no finished set; {}",
                         EscapeName(path),
                         path.ends_with(".partial") ? "the command that was stopped goes on with it"
                                                    : "name one that a run has finished"));
    }
  } else {
    const auto file = Hdf5File::Open(path);
    if (file && FindAttribute((*file)->Root(), "fingerprint") == nullptr) {
      Refuse(fmt::format("'{}' is HDF5, but no set that Pixloom wrote; pixloom inspect shows it",
                         EscapeName(path)));
    }
  }
  auto set = SetReader::Open(path);
  if (!set) throw DamagedSetError(fmt::format("'{}': {}", EscapeName(path), set.Error()));
  return std::move(*set);
}

const Attribute* FindAttribute(const std::vector<Attribute>& attributes, std::string_view name) {
  const auto it = std::find_if(attributes.begin(), attributes.end(),
                               [&](const Attribute& a) { return a.name == name; });
  return it == attributes.end() ? nullptr : &*it;
}

std::string AttributeText(const Attribute& attribute) {
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return value;
        } else if constexpr (std::is_arithmetic_v<T>) {
          return fmt::format("{}", value);
        } else {
          return ListText(value);
        }
      },
      attribute.value);
}

std::optional<std::int64_t> IntegerIn(const std::vector<Attribute>& attributes,
                                      std::string_view name) {
  const Attribute* attribute = FindAttribute(attributes, name);
  if (attribute == nullptr) return std::nullopt;
  const auto* number = std::get_if<std::int64_t>(&attribute->value);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::string TextIn(const std::vector<Attribute>& attributes, std::string_view name) {
  const Attribute* attribute = FindAttribute(attributes, name);
  return attribute == nullptr ? "" : AttributeText(*attribute);
}

SetFacts FactsOf(const SetReader& set, const std::string& path) {
  SetFacts facts;
  facts.path = path;
  facts.rows = set.Rows();
  facts.quarantined = set.Quarantined();
  facts.files = set.Files();
  facts.fingerprint = TextIn(set.Root(), "fingerprint");
  for (std::size_t i = 0; i < facts.files.size(); ++i) {
    std::error_code error;
    const auto bytes = fs::file_size(set.File(i).Path(), error);
    if (!error) facts.bytes += bytes;
  }
  return facts;
}

Result<Column, std::string> FirstColumnOf(const SetReader& set) {
  // Only the first column has chunks; where none has, its data lies before all other data.
  const Hdf5Dataset* first = nullptr;
  const auto better = [](const Hdf5Dataset& a, const Hdf5Dataset& b) {
    const bool chunks_a = a.storage == Hdf5Dataset::Storage::kChunked;
    const bool chunks_b = b.storage == Hdf5Dataset::Storage::kChunked;
    if (chunks_a != chunks_b) return chunks_a;
    return a.address != 0 && (b.address == 0 || a.address < b.address);
  };
  const Column* column = nullptr;
  for (const Column& candidate : set.Columns()) {
    const Hdf5Dataset* dataset = set.File(0).Find(candidate.path);
    if (dataset == nullptr) continue;
    if (first == nullptr || better(*dataset, *first)) {
      first = dataset;
      column = &candidate;
    }
  }
  if (column == nullptr) return std::string("it has no columns");
  return *column;
}

std::string ConfigIn(const SetReader& set) {
  // Long ones are a dataset: attributes have 64 KiB at the most.
  if (const auto bytes = NumbersOf<std::uint8_t>(set.File(0), "meta/config");
      bytes && !bytes->empty()) {
    return {bytes->begin(), bytes->end()};
  }
  return TextIn(set.Root(), "config");
}

std::optional<std::string> TextOf(const SetReader& set, std::uint64_t row,
                                  const std::string& path) {
  const auto has = std::any_of(set.Columns().begin(), set.Columns().end(),
                               [&](const Column& column) { return column.path == path; });
  if (!has) return std::nullopt;
  const auto read = set.Read(row, {path});
  if (!read) return std::nullopt;
  const Cell* cell = read->Find(path);
  if (cell == nullptr) return std::string();
  const auto bytes = cell->Bytes();
  return std::string(bytes.begin(), bytes.end());
}

Result<ChunkFilters, std::string> FiltersOf(const Hdf5Dataset& dataset) {
  ChunkFilters filters;
  for (const FilterId& filter : dataset.filters) {
    const auto parameter = [&](std::size_t i) {
      return i < filter.parameters.size() ? static_cast<int>(filter.parameters[i]) : 0;
    };
    switch (filter.id) {
      case 1:
        filters.compression = Compression::kGzip;
        filters.level = parameter(0);
        break;
      case 2:
        filters.shuffle = true;
        break;
      case 3:
        filters.fletcher32 = true;
        break;
      case 32001:
        filters.compression = Compression::kBloscZstd;
        filters.level = parameter(4);
        filters.shuffle = parameter(5) != 0;
        break;
      case 32004:
        filters.compression = Compression::kLz4;
        break;
      default:
        return fmt::format("'{}' has a filter (number {}) that Pixloom does not write",
                           dataset.path, filter.id);
    }
  }
  return filters;
}

Result<ChunkFilters, std::string> FiltersOf(const SetReader& set) {
  const auto column = FirstColumnOf(set);
  if (!column) return column.Error();
  return FiltersOf(*set.File(0).Find(column->path));
}

}  // namespace pixloom
