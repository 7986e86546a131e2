// SPDX-License-Identifier: Apache-2.0
// Single rows of [N,224,224,3] u8 in random order, from the page cache: our reader (one file, lying
// contiguous, and one gzip chunk per row) against a bare pread of the same bytes. Rounds alternate;
// figures are medians, ratios are to pread.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "datasets/set_reader.h"
#include "datasets/set_writer.h"
#include "pipeline/rng.h"

namespace {

using namespace pixloom;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kRows = 2000;
constexpr int kSide = 224;
constexpr std::size_t kRowBytes = std::size_t{3} * kSide * kSide;
constexpr std::uint64_t kReads = 4000;

std::string WriteSet(const std::string& path, Compression compression) {
  SetOptions options;
  options.path = path;
  options.filters.compression = compression;
  options.verify = VerifyResult::kNone;
  SetWriter writer(options);
  SetPlan plan;
  plan.first = {"images", "", Element::kU8, {kSide, kSide, 3}};
  plan.end_unit = plan.units = plan.rows = kRows;
  plan.fingerprint.facts = {{"bench", "1"}};
  writer.Open(plan);
  for (std::uint64_t row = 0; row < kRows; ++row) {
    Cell cell;
    cell.column = plan.first;
    cell.bytes.resize(kRowBytes);
    std::uint64_t state = row;
    for (std::size_t i = 0; i < kRowBytes; ++i) {
      if (i % 4 == 0) state = Mix64(state + 1);
      cell.bytes[i] = static_cast<std::uint8_t>(128 + static_cast<int>(state >> 60) +
                                                static_cast<int>(i % (3 * kSide)) / 16);
    }
    Row made;
    made.cells.push_back(std::move(cell));
    writer.Append(writer.Pack(std::move(made)));
    writer.Advance(row + 1, 0);
  }
  return writer.Finish().files.at(0);
}

std::unique_ptr<SetReader> OpenSet(const std::string& path) {
  auto reader = SetReader::Open(path);
  if (!reader) {
    fmt::print("{}\n", reader.Error());
    std::exit(1);
  }
  return std::move(*reader);
}

struct Way {
  const char* name;
  std::function<void(std::uint64_t row, std::vector<std::uint8_t>& to)> read;
  std::vector<double> seconds;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Fail(bool failed) {
  if (!failed) return;
  fmt::print("a row cannot be read\n");
  std::exit(1);
}

double Seconds(const Way& way, int threads) {
  std::vector<std::thread> workers;
  const auto start = Clock::now();
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      std::vector<std::uint8_t> to(kRowBytes);
      std::uint64_t state = static_cast<std::uint64_t>(t);
      for (std::uint64_t i = 0; i < kReads; ++i) {
        state = Mix64(state + 1);
        way.read(state % kRows, to);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  std::string work = (fs::temp_directory_path() / "pixloom_bench_XXXXXX").string();
  if (mkdtemp(work.data()) == nullptr) return 1;
  {
    const auto plain = OpenSet(WriteSet(work + "/plain", Compression::kNone));
    const auto gzip = OpenSet(WriteSet(work + "/gzip", Compression::kGzip));
    const Hdf5File& file = plain->File(0);
    const Hdf5Dataset& images = *file.Find("images");
    const Hdf5File& packed_file = gzip->File(0);
    const Hdf5Dataset& packed = *packed_file.Find("images");
    const std::uint64_t start = file.Extent(images, 0)->first;
    const int fd = ::open(file.Path().c_str(), O_RDONLY | O_CLOEXEC);
    std::vector<Way> ways{
        {"pread",
         [&](std::uint64_t row, std::vector<std::uint8_t>& to) {
           Fail(::pread(fd, to.data(), to.size(), static_cast<off_t>(start + row * to.size())) !=
                static_cast<ssize_t>(to.size()));
         },
         {}},
        {"pread, new vector",
         [&](std::uint64_t row, std::vector<std::uint8_t>&) {
           std::vector<std::uint8_t> to(kRowBytes);
           Fail(::pread(fd, to.data(), to.size(), static_cast<off_t>(start + row * to.size())) !=
                static_cast<ssize_t>(to.size()));
         },
         {}},
        {"Hdf5File, into memory",
         [&](std::uint64_t row, std::vector<std::uint8_t>& to) {
           Fail(!file.ReadInto(images, row, 1, to).empty());
         },
         {}},
        {"Hdf5File, new vector",
         [&](std::uint64_t row, std::vector<std::uint8_t>&) {
           Fail(!file.Read(images, row, 1).Ok());
         },
         {}},
        {"SetReader, whole row",
         [&](std::uint64_t row, std::vector<std::uint8_t>&) { Fail(!plain->Read(row).Ok()); },
         {}},
        {"SetReader, checked",
         [&](std::uint64_t row, std::vector<std::uint8_t>&) {
           const auto read = plain->Read(row);
           Fail(!read.Ok() || RowHash(*read) != *plain->StoredHash(row));
         },
         {}},
        {"Hdf5File, gzip",
         [&](std::uint64_t row, std::vector<std::uint8_t>&) {
           Fail(!packed_file.Read(packed, row, 1).Ok());
         },
         {}},
    };
    for (const int threads : {1, 2}) {
      for (Way& way : ways) way.seconds.clear();
      for (int round = -1; round < rounds; ++round) {  // the first one fills caches
        for (Way& way : ways) {
          const double seconds = Seconds(way, threads);
          if (round >= 0) way.seconds.push_back(seconds);
        }
      }
      for (const Way& way : ways) {
        fmt::print("{} thread{}  {:<22} {:8.0f} rows/s  {:5.2f}\n", threads,
                   threads == 1 ? " " : "s", way.name,
                   static_cast<double>(threads) * kReads / Median(way.seconds),
                   Median(ways[0].seconds) / Median(way.seconds));
      }
    }
    ::close(fd);
  }
  fs::remove_all(work);
  return 0;
}
