// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_inspect.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "datasets/file_io.h"
#include "datasets/set_facts.h"
#include "datasets/set_pictures.h"
#include "datasets/set_sample.h"
#include "datasets/set_sheet.h"
#include "datasets/text.h"

namespace pixloom {

namespace fs = std::filesystem;

namespace {

// Long values (the configuration) are not for a table.
std::string Short(const std::string& text, std::size_t most = 48) {
  std::string line = text.substr(0, text.find('\n'));
  if (line.size() > most || line.size() < text.size()) {
    line = line.substr(0, most - 3) + "...";
  }
  return line;
}

std::string DimsText(const std::vector<std::uint64_t>& dims) {
  if (dims.empty()) return "one value";
  std::string text;
  for (const std::uint64_t d : dims) text += fmt::format("{}{}", text.empty() ? "" : " x ", d);
  return text;
}

std::string FilterText(const FilterId& filter) {
  const unsigned first = filter.parameters.empty() ? 0 : filter.parameters[0];
  switch (filter.id) {
    case 1:
      return fmt::format("gzip {}", first);
    case 2:
      return "shuffle";
    case 3:
      return "fletcher32";
    case 4:
      return "szip";
    case 32000:
      return "lzf";
    case 32001:
      return "blosc";
    case 32004:
      return "lz4";
    case 32008:
      return "bitshuffle";
    case 32015:
      return "zstd";
    default:
      return fmt::format("filter {}", filter.id);
  }
}

std::string StorageText(const Hdf5Dataset& dataset) {
  if (dataset.storage == Hdf5Dataset::Storage::kContiguous) return "contiguous";
  if (dataset.storage == Hdf5Dataset::Storage::kOther) return "other";
  std::string text = "chunks " + DimsText(dataset.chunk_shape);
  for (const FilterId& filter : dataset.filters) text += ", " + FilterText(filter);
  return text;
}

std::uint64_t BytesOf(const Hdf5Dataset& dataset) {
  if (!dataset.element) return 0;
  std::uint64_t bytes = SizeOf(*dataset.element);
  for (const std::uint64_t d : dataset.dims) bytes *= d;
  return bytes;
}

DatasetFacts FactsOf(const Hdf5Dataset& dataset) {
  DatasetFacts facts;
  facts.path = dataset.path;
  facts.type = dataset.type_text;
  facts.dims = DimsText(dataset.dims);
  facts.storage = StorageText(dataset);
  facts.bytes = BytesOf(dataset);
  for (const Attribute& attribute : dataset.attributes) {
    if (!facts.attributes.empty()) facts.attributes += "; ";
    facts.attributes += attribute.name + "=" + Short(AttributeText(attribute));
  }
  return facts;
}

[[noreturn]] void Refuse(const std::string& text) {
  Diagnostics diagnostics;
  diagnostics.Error("SET-OPEN", {}, text);
  throw ConfigError(diagnostics);
}

void WriteSheet(const std::string& path, const std::vector<SheetPicture>& pictures,
                const Codec& codec) {
  const auto png = codec.Encode(DrawSheet(pictures), {});
  if (!png) throw EnvironmentError(png.Error().message);
  WriteWholeFile(path + ".partial", path, *png);
}

// `count` of [0, rows), evenly spaced, the first and the last among them.
std::vector<std::uint64_t> Spread(std::uint64_t rows, int count) {
  const auto n = std::min<std::uint64_t>(rows, static_cast<std::uint64_t>(std::max(count, 0)));
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t i = 0; i < n; ++i) chosen.push_back(n == 1 ? 0 : i * (rows - 1) / (n - 1));
  return chosen;
}

std::vector<std::string> ClassNames(const std::vector<Attribute>& root) {
  const auto names = NamesIn(root);
  return names ? names->classes : std::vector<std::string>{};
}

// Attributes of the file that are worth a line, in this order.
void AddFacts(const std::vector<Attribute>& root, InspectReport& report) {
  for (const Attribute& attribute : root) {
    const std::string& name = attribute.name;
    static constexpr std::array<std::string_view, 6> kElsewhere{
        "class_names", "config", "format", "images", "rows", "quarantined"};
    if (std::find(kElsewhere.begin(), kElsewhere.end(), name) != kElsewhere.end()) continue;
    report.facts.emplace_back(name, Short(AttributeText(attribute), 60));
  }
}

// Counts over all files of a set. What cannot be read is left out; `verify` says what is wrong.
class Statistics {
 public:
  Statistics(const SetReader& set, InspectReport& report) : set_(set), report_(report) {
    names_ = ClassNames(set.Root());
    for (std::size_t i = 0; i < names_.size(); ++i) counts_[static_cast<std::int64_t>(i)];
  }

  void Add(const Hdf5File& file) {
    const std::string labels = TextIn(set_.Root(), "labels");
    if (const auto numbers = NumbersOf<std::int64_t>(file, labels)) {
      for (const std::int64_t label : *numbers) {
        if (label < 0) {
          ++report_.unlabelled;
        } else {
          ++counts_[label].rows;
        }
      }
    }
    if (const auto classes = NumbersOf<std::int32_t>(file, "instances/class")) {
      for (const std::int32_t label : *classes) {
        if (label >= 0) ++counts_[label].objects;
      }
    }
    const auto offsets = NumbersOf<std::int64_t>(file, "instances/offsets");
    if (offsets && !offsets->empty()) {
      if (!report_.objects) report_.objects.emplace().least = ~std::uint64_t{0};
      for (std::size_t i = 1; i < offsets->size(); ++i) {
        const std::int64_t before = (*offsets)[i - 1], now = (*offsets)[i];
        AddPicture(now > before ? static_cast<std::uint64_t>(now - before) : 0);
      }
    }
    for (const Hdf5Dataset& dataset : file.Datasets()) {
      parts_[dataset.path.substr(0, dataset.path.find('/'))] += BytesOf(dataset);
    }
  }

  void Finish() {
    for (const auto& [label, count] : counts_) {
      const auto index = static_cast<std::size_t>(label);
      report_.classes.push_back({index < names_.size() ? names_[index] : std::to_string(label),
                                 count.rows, count.objects});
    }
    if (report_.objects) {
      auto& objects = *report_.objects;
      if (pictures_ == 0) objects.least = 0;
      objects.mean =
          pictures_ == 0 ? 0 : static_cast<double>(objects.total) / static_cast<double>(pictures_);
    }
    report_.parts.assign(parts_.begin(), parts_.end());
    std::stable_sort(report_.parts.begin(), report_.parts.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
  }

 private:
  struct Count {
    std::uint64_t rows = 0, objects = 0;
  };

  void AddPicture(std::uint64_t objects) {
    auto& all = *report_.objects;
    ++pictures_;
    all.total += objects;
    all.least = std::min(all.least, objects);
    all.most = std::max(all.most, objects);
    if (objects == 0) ++all.without;
  }

  const SetReader& set_;
  InspectReport& report_;
  std::vector<std::string> names_;
  std::map<std::int64_t, Count> counts_;
  std::map<std::string, std::uint64_t> parts_;
  std::uint64_t pictures_ = 0;
};

void InspectOurs(const SetReader& set, const Codec& codec, const InspectOptions& options,
                 InspectReport& report) {
  report.ours = true;
  report.set = FactsOf(set, report.path);
  report.files = report.set.files;
  report.bytes = report.set.bytes;
  AddFacts(set.Root(), report);
  Statistics statistics(set, report);
  for (std::size_t i = 0; i < set.Files().size(); ++i) statistics.Add(set.File(i));
  statistics.Finish();
  report.images = TextIn(set.Root(), "images");
  const std::string file = EscapeName(set.File(0).Path());
  report.read_with = report.images == "encoded"
                         ? fmt::format(
                               "f = h5py.File('{}'); o = f['encoded/offsets']; "
                               "cv2.imdecode(f['encoded/bytes'][o[i]:o[i + 1]], -1)",
                               file)
                         : fmt::format("f = h5py.File('{}'); f['{}'][i], f['{}'][i]", file,
                                       report.images, TextIn(set.Root(), "labels"));
  if (options.sheet.empty()) return;
  const auto names = ClassNames(set.Root());
  std::vector<SheetPicture> pictures;
  for (const std::uint64_t row : Spread(set.Rows(), options.pictures)) {
    pictures.push_back(PictureOfRow(set, row, names, codec));
  }
  WriteSheet(options.sheet, pictures, codec);
  report.sheet = options.sheet;
}

void InspectForeign(const Hdf5File& file, const Codec& codec, const InspectOptions& options,
                    InspectReport& report) {
  const Hdf5Dataset* pictures = LikeliestPictures(file);
  if (pictures == nullptr) {
    if (!options.sheet.empty()) {
      Refuse(
          fmt::format("'{}': no dataset in it has the shape of pictures (N x height x width, "
                      "with 1, 3 or 4 channels first or last), so there is no sheet",
                      EscapeName(report.path)));
    }
    return;
  }
  report.images = pictures->path;
  report.read_with =
      fmt::format("h5py.File('{}')['{}'][i]", EscapeName(report.path), EscapeName(pictures->path));
  if (options.sheet.empty()) return;
  std::vector<SheetPicture> shown;
  for (const std::uint64_t i : Spread(pictures->dims[0], options.pictures)) {
    SheetPicture picture;
    picture.title = fmt::format("{}", i);
    if (const auto pixels = PictureIn(file, *pictures, i)) picture.pixels = *pixels;
    shown.push_back(std::move(picture));
  }
  WriteSheet(options.sheet, shown, codec);
  report.sheet = options.sheet;
}

}  // namespace

InspectReport InspectFile(const std::string& path, const Codec& codec,
                          const InspectOptions& options) {
  InspectReport report;
  report.path = FindSet(path);
  std::error_code error;
  std::unique_ptr<Hdf5File> file;
  std::unique_ptr<SetReader> set;
  if (!fs::exists(report.path, error) || fs::is_directory(report.path, error)) {
    set = OpenSet(report.path);
  } else {
    auto opened = Hdf5File::Open(report.path);
    if (!opened) Refuse(fmt::format("'{}': {}", EscapeName(report.path), opened.Error()));
    file = std::move(*opened);
    if (FindAttribute(file->Root(), "fingerprint") != nullptr) set = OpenSet(report.path);
  }
  const Hdf5File& first = set ? set->File(0) : *file;
  for (const Hdf5Dataset& dataset : first.Datasets()) report.datasets.push_back(FactsOf(dataset));
  if (set) {
    InspectOurs(*set, codec, options, report);
  } else {
    report.files = {report.path};
    report.bytes = fs::file_size(report.path, error);
    InspectForeign(*file, codec, options, report);
  }
  return report;
}

}  // namespace pixloom
