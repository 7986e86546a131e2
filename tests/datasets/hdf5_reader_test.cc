// SPDX-License-Identifier: Apache-2.0
// Hdf5File against files that h5py made (hdf5_files.py).
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "datasets/set_reader.h"
#include "tests/datasets/folder_fixture.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;
using testing::Slurp;
using testing::Strings;
using testing::TemporaryDirectory;

// Made once for all cases.
const fs::path& Files() {
  static const TemporaryDirectory directory;
  static const bool made = [] {
    const char* source = std::getenv("PIXLOOM_SOURCE_DIR");
    const std::string script =
        fmt::format("/usr/bin/python3 {}/tests/datasets/hdf5_files.py '{}'",
                    source == nullptr ? "." : source, directory.path.string());
    return std::system(script.c_str()) == 0;
  }();
  REQUIRE(made);
  return directory.path;
}

std::unique_ptr<Hdf5File> Open(const std::string& name, const Hdf5Limits& limits = {}) {
  auto file = Hdf5File::Open((Files() / name).string(), limits);
  REQUIRE_MESSAGE(file.Ok(), (file ? "" : file.Error()));
  return std::move(*file);
}

std::string OpenError(const std::string& name, const Hdf5Limits& limits = {}) {
  const auto file = Hdf5File::Open((Files() / name).string(), limits);
  return file ? "" : file.Error();
}

const Hdf5Dataset& Dataset(const Hdf5File& file, const std::string& path) {
  const Hdf5Dataset* dataset = file.Find(path);
  REQUIRE_MESSAGE(dataset != nullptr, path);
  return *dataset;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string Expected(const std::string& file, std::string path) {
  for (char& c : path) c = c == '/' ? '%' : c;
  const fs::path at = Files() / "expected" / file / (path + ".bin");
  REQUIRE_MESSAGE(fs::exists(at), at.string());
  return Slurp(at);
}

std::string ReadText(const Hdf5File& file, const Hdf5Dataset& dataset, std::uint64_t first,
                     std::uint64_t count) {
  const auto bytes = file.Read(dataset, first, count);
  REQUIRE_MESSAGE(bytes.Ok(), (bytes ? "" : bytes.Error()));
  return {bytes->begin(), bytes->end()};
}

// All at once, row by row, and in odd pieces.
void CheckEqual(const Hdf5File& file, const Hdf5Dataset& dataset, const std::string& expected) {
  CAPTURE(dataset.Text());
  const std::uint64_t rows = dataset.Entries();
  const std::size_t row = dataset.EntryBytes();
  REQUIRE(rows * row == expected.size());
  CHECK(ReadText(file, dataset, 0, rows) == expected);
  for (std::uint64_t i = 0; i < rows; ++i) {
    CHECK(ReadText(file, dataset, i, 1) == expected.substr(i * row, row));
  }
  for (std::uint64_t i = 0; i + 3 <= rows; i += 2) {
    CHECK(ReadText(file, dataset, i, 3) == expected.substr(i * row, 3 * row));
  }
}

TEST_CASE("everything that h5py reads is read, bit for bit") {
  for (const char* name : {"kinds.h5", "block.h5", "latest.h5", "whole.h5"}) {
    CAPTURE(name);
    const auto file = Open(name);
    std::size_t compared = 0;
    for (const auto& entry : fs::directory_iterator(Files() / "expected" / name)) {
      std::string path = entry.path().stem().string();
      std::replace(path.begin(), path.end(), '%', '/');
      const Hdf5Dataset& dataset = Dataset(*file, path);
      if (path == "not/lzf") continue;
      CheckEqual(*file, dataset, Slurp(entry.path()));
      ++compared;
    }
    CHECK(compared >= (std::string(name) == "kinds.h5" ? 50 : 1));
  }
}

TEST_CASE("what a dataset is") {
  const auto file = Open("kinds.h5");
  using Storage = Hdf5Dataset::Storage;
  const auto storage = [&](const char* path) { return Dataset(*file, path).storage; };
  CHECK(storage("little/u1") == Storage::kContiguous);
  CHECK(storage("big/f8") == Storage::kContiguous);
  CHECK(storage("chunked/all") == Storage::kChunked);
  CHECK(storage("chunked/parts") == Storage::kChunked);
  CHECK(storage("chunked/blosc") == Storage::kChunked);
  CHECK(storage("chunked/szip") == Storage::kOther);
  CHECK(storage("compact") == Storage::kOther);
  CHECK(storage("ten_bits") == Storage::kOther);
  CHECK(Dataset(*file, "little/f2").Text() == "little/f2 f16 [11,5,3]");
  CHECK(Dataset(*file, "little/f2").element == Element::kF32);
  CHECK(Dataset(*file, "big/i1").element == Element::kI32);
  CHECK(Dataset(*file, "bools").element == Element::kU8);
  CHECK(Dataset(*file, "bools").type_text == "bool");
  CHECK(Dataset(*file, "alias").address == Dataset(*file, "little/u1").address);
  CHECK(Dataset(*file, "soft").address == Dataset(*file, "little/i4").address);
  CHECK(Dataset(*file, "not/scalar").Entries() == 1);
  CHECK(file->Find("nothing") == nullptr);
  double scalar = 0;
  const std::string bytes = ReadText(*file, Dataset(*file, "not/scalar"), 0, 1);
  std::memcpy(&scalar, bytes.data(), sizeof scalar);
  CHECK(scalar == 3.5);
}

TEST_CASE("what holds no plain numbers says so") {
  const auto file = Open("kinds.h5");
  const auto problem = [&](const char* path) {
    const Hdf5Dataset& dataset = Dataset(*file, path);
    CHECK_FALSE(dataset.Readable());
    const auto read = file->Read(dataset, 0, 1);
    REQUIRE_FALSE(read.Ok());
    CHECK(Contains(read.Error(), dataset.problem));
    return dataset.problem;
  };
  CHECK(problem("not/texts") == "holds no plain numbers but string");
  CHECK(problem("not/strings") == "holds no plain numbers but string");
  CHECK(problem("not/compound") == "holds no plain numbers but compound");
  CHECK(problem("not/ragged") == "holds no plain numbers but variable length");
  CHECK(problem("not/array") == "holds no plain numbers but array");
  CHECK(problem("not/nothing") == "has no shape");
  CHECK(Contains(problem("not/lzf"), "filter 32000 (lzf), which is not known here"));
}

TEST_CASE("attributes of numbers and texts") {
  const auto file = Open("kinds.h5");
  const auto value = [&](const std::string& name) {
    for (const Attribute& attribute : file->Root()) {
      if (attribute.name == name) return attribute.value;
    }
    FAIL("no attribute " << name);
    return decltype(Attribute::value){};
  };
  CHECK(std::get<Strings>(value("class_names")) == Strings{"cat", "dog", "\xC3\xA9"});
  CHECK(std::get<Strings>(value("fixed")) == Strings{"ab", "c"});
  CHECK(std::get<std::string>(value("text")) == "hello");
  CHECK(std::get<std::int64_t>(value("count")) == -5);
  CHECK(std::get<std::int64_t>(value("large")) == -1);
  CHECK(std::get<double>(value("ratio")) == 0.25);
  CHECK(std::get<std::vector<std::int64_t>>(value("list")) == std::vector<std::int64_t>{1, 2, 3});
  CHECK(std::get<std::vector<double>>(value("floats")) == std::vector<double>{0.5, 1.5});
  CHECK(file->Root().size() == 8);
  const auto& attributes = Dataset(*file, "chunked/wide").attributes;
  REQUIRE(attributes.size() == 1);
  CHECK(std::get<std::string>(attributes[0].value) == "m");
}

TEST_CASE("where rows lie") {
  const auto file = Open("kinds.h5");
  const Hdf5Dataset& dataset = Dataset(*file, "little/u2");
  const auto extent = file->Extent(dataset, 3);
  REQUIRE(extent.has_value());
  const std::string whole = Slurp(Files() / "kinds.h5");
  CHECK(whole.substr(extent->first, extent->second) ==
        Expected("kinds.h5", "little/u2").substr(3 * 30, 30));
  CHECK_FALSE(file->Extent(dataset, 11).has_value());
  for (const char* path : {"big/u2", "little/i1", "chunked/rows", "unwritten", "compact"}) {
    CHECK_FALSE(file->Extent(Dataset(*file, path), 0).has_value());
  }
}

TEST_CASE("rows outside are refused") {
  const auto file = Open("kinds.h5");
  for (const char* path : {"little/u1", "chunked/bands", "compact"}) {
    const Hdf5Dataset& dataset = Dataset(*file, path);
    const std::uint64_t rows = dataset.Entries();
    CHECK_FALSE(file->Read(dataset, rows, 1).Ok());
    CHECK_FALSE(file->Read(dataset, 0, rows + 1).Ok());
    CHECK_FALSE(file->Read(dataset, ~std::uint64_t{0}, 2).Ok());
    CHECK_FALSE(file->Read(dataset, 1, ~std::uint64_t{0}).Ok());
    CHECK(file->Read(dataset, rows, 0).Ok());
  }
}

TEST_CASE("links: cycles end, nothing leads to another file") {
  const auto cycle = Open("cycle.h5");
  REQUIRE(cycle->Datasets().size() == 1);
  CHECK(cycle->Datasets()[0].path == "a/b/data");

  const auto outside = Open("outside.h5");
  CHECK(Dataset(*outside, "good").Readable());
  CHECK(outside->Find("through") == nullptr);
  CHECK(Contains(Dataset(*outside, "link").problem, "link to another file"));
  CHECK(Contains(Dataset(*outside, "raw").problem, "data in other files"));
}

TEST_CASE("virtual datasets: only over what is there, in the same folder") {
  const auto problem = [](const char* name) { return Dataset(*Open(name), "x").problem; };
  CHECK(problem("whole.h5") == "");
  CHECK(Contains(problem("gap.h5"), "'x' of 'missing.h5' is missing"));
  CHECK(Contains(problem("leaves.h5"), "outside this folder"));
  CHECK(Contains(problem("absolute.h5"), "outside this folder"));
  CHECK(Contains(problem("nested.h5"), "virtual itself"));
  CHECK(Contains(problem("external_in_source.h5"), "'copy' of 'part1.h5'"));
  CHECK(Contains(problem("pattern.h5"), "pattern"));
  CHECK(Contains(problem("too_short.h5"), "'x' of 'short.h5' has another size"));
  CHECK(Contains(problem("part_of_short.h5"), "'x' of 'short.h5' is smaller than expected"));
  CHECK(Contains(problem("no_dataset.h5"), "'y' of 'part0.h5'"));
}

TEST_CASE("claims that no file could keep are refused") {
  const auto file = Open("bomb.h5");
  const auto problem = [&](const char* path) { return Dataset(*file, path).problem; };
  CHECK(Contains(problem("row"), "claims 4.3 GB per row"));
  CHECK(Contains(problem("chunk"), "per row, in a file of"));
  CHECK(Contains(problem("late"), "per row"));
  // Many rows are no harm: none of them exists.
  const Hdf5Dataset& rows = Dataset(*file, "rows");
  CHECK(ReadText(*file, rows, (std::uint64_t{1} << 50) - 1, 1) == std::string(3, '\0'));
  CHECK(Contains(file->Read(rows, 0, std::uint64_t{1} << 40).Error(), "read at once"));
}

TEST_CASE("depth and number are limited") {
  CHECK(Contains(OpenError("deep.h5"), "nested more than 64 deep"));
  Hdf5Limits few;
  few.datasets = 50;
  CHECK(Contains(OpenError("many.h5", few), "more than 50 datasets"));
  few.datasets = 60;
  CHECK(OpenError("many.h5", few) == "");
}

TEST_CASE("what is no file of HDF5 is named") {
  std::ofstream(Files() / "text.h5") << "this is a text, and nothing else\n";
  CHECK(Contains(OpenError("text.h5"), "is no HDF5 file"));
  std::ofstream(Files() / "nothing.h5") << "";
  CHECK(Contains(OpenError("nothing.h5"), "(0 bytes) is no HDF5 file"));
  CHECK(Contains(OpenError("sub"), "is a directory"));
  CHECK(Contains(OpenError("absent.h5"), "No such file"));
  // Cut off.
  const std::string whole = Slurp(Files() / "kinds.h5");
  std::ofstream(Files() / "cut.h5", std::ios::binary) << whole.substr(0, whole.size() / 2);
  CHECK(Contains(OpenError("cut.h5"), "truncated file"));
}

TEST_CASE("a file that gets shorter is an error, not a crash") {
  const fs::path path = Files() / "shrinks.h5";
  fs::copy_file(Files() / "kinds.h5", path, fs::copy_options::overwrite_existing);
  const auto file = Open("shrinks.h5");
  const Hdf5Dataset& dataset = Dataset(*file, "little/u8");
  fs::resize_file(path, 4096);
  const auto read = file->Read(dataset, 0, 11);
  REQUIRE_FALSE(read.Ok());
  CHECK(Contains(read.Error(), "became shorter"));
}

TEST_CASE("eight threads read everything at once") {
  const auto file = Open("kinds.h5");
  std::vector<std::pair<const Hdf5Dataset*, std::string>> all;
  for (const Hdf5Dataset& dataset : file->Datasets()) {
    if (dataset.Readable() && dataset.dims.size() > 1 && dataset.EntryBytes() > 0 &&
        dataset.Entries() > 0 && !dataset.path.starts_with("not/")) {
      all.emplace_back(&dataset, ReadText(*file, dataset, 0, dataset.Entries()));
    }
  }
  REQUIRE(all.size() > 40);
  const auto fresh = Open("kinds.h5");  // whose chunks nobody looked for yet
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (int i = 0; i < 1500; ++i) {
        const auto& [dataset, expected] = all[random() % all.size()];
        const Hdf5Dataset& same = *fresh->Find(dataset->path);
        const std::uint64_t first = random() % same.Entries();
        const std::uint64_t count = 1 + random() % (same.Entries() - first);
        const auto bytes = fresh->Read(same, first, count);
        const std::size_t row = same.EntryBytes();
        if (!bytes || std::memcmp(bytes->data(), expected.data() + first * row, count * row) != 0) {
          ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

// ---- Damage ----------------------------------------------------------------------------------

struct Damage {
  int opened = 0, refused = 0, read = 0, failed = 0, crashed = 0, slow = 0;
};

void TryFile(const std::string& path, const Hdf5Limits& limits, Damage& damage) {
  const auto count = [&](const std::string& error) {
    if (Contains(error, "crashed")) ++damage.crashed;
    if (Contains(error, "did not finish") || Contains(error, "processor time")) ++damage.slow;
  };
  auto file = Hdf5File::Open(path, limits);
  if (!file) {
    ++damage.refused;
    count(file.Error());
    return;
  }
  ++damage.opened;
  for (const Hdf5Dataset& dataset : (*file)->Datasets()) {
    for (const std::uint64_t row : {std::uint64_t{0}, dataset.Entries() / 2}) {
      const auto bytes = (*file)->Read(dataset, row, 1);
      ++(bytes ? damage.read : damage.failed);
      if (!bytes) count(bytes.Error());
    }
  }
}

TEST_CASE("damaged files end as data or as an error") {
  const std::string good = Slurp(Files() / "small.h5");
  const char* more = std::getenv("PIXLOOM_HDF5_DAMAGED");
  const int copies = more == nullptr ? 1500 : std::atoi(more);
  const std::string path = (Files() / "damaged.h5").string();
  Hdf5Limits limits;
  limits.seconds = 1;
  std::mt19937_64 random(20);
  Damage damage;
  for (int i = 0; i < copies; ++i) {
    std::string bytes = good;
    const auto kind = i % 4;
    if (kind == 0) bytes.resize(random() % bytes.size());
    const int flips = kind == 0 ? 0 : kind == 1 ? 1 : kind == 2 ? 4 : 16;
    for (int flip = 0; flip < flips; ++flip) {
      char& byte = bytes[random() % bytes.size()];
      if (random() % 2 == 0) {
        byte = static_cast<char>(byte ^ (1 << random() % 8));
      } else {
        byte = static_cast<char>(random());
      }
    }
    std::ofstream(path, std::ios::binary) << bytes;
    TryFile(path, limits, damage);
  }
  MESSAGE(
      fmt::format("{} copies: {} opened, {} refused; {} reads, {} refused; HDF5 crashed {} "
                  "times and hung {} times",
                  copies, damage.opened, damage.refused, damage.read, damage.failed, damage.crashed,
                  damage.slow));
  CHECK(damage.opened + damage.refused == copies);
  CHECK(damage.opened > copies / 4);
  CHECK(damage.refused > copies / 4);
  CHECK(damage.failed > 0);
  // Without damage nothing fails.
  Damage none;
  TryFile((Files() / "part0.h5").string(), limits, none);
  CHECK(none.read == 2);
}

}  // namespace
}  // namespace pixloom
