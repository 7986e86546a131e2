// SPDX-License-Identifier: Apache-2.0
// What a set that survives kills costs: rows of 224x224x3 with labels and keys through SetWriter,
// against write() of the same bytes with fdatasync at the same distances. Rounds alternate on one
// file system; figures are medians, ratios medians of the rounds' ratios. Rows are packed before:
// that happens in other threads. Finishing (columns into the file, reading everything back) is
// timed apart.
//
//   bench_set_write [ROUNDS [MEGABYTES [FOLDER]]]
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "datasets/set_writer.h"

namespace {

using namespace pixloom;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kSide = 224;
constexpr int kPictures = 64;
constexpr std::uint64_t kCommitBytes = std::uint64_t{64} << 20;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Cell TextCell(const std::string& group, const std::string& text) {
  Cell cell;
  cell.column = {group + "/bytes", group, Element::kU8, {}};
  cell.bytes.assign(text.begin(), text.end());
  return cell;
}

Row MakeRow(std::uint64_t number, const cv::Mat& pixels) {
  Row row;
  Cell image;
  image.column = {"images", "", Element::kU8, {kSide, kSide, 3}};
  image.pixels = pixels;
  row.cells.push_back(std::move(image));
  for (const char* name : {"labels", "meta/id", "meta/seq"}) {
    Cell cell;
    cell.column = {name, "", Element::kI64, {}};
    cell.bytes.assign(8, static_cast<std::uint8_t>(number));
    row.cells.push_back(std::move(cell));
  }
  for (const char* name : {"meta/key", "meta/source", "recipe"}) {
    const std::string text = fmt::format("photos/class/picture {}.jpg", number);
    row.groups.push_back({{name, ""}, {text.size()}});
    row.cells.push_back(TextCell(name, text));
  }
  return row;
}

double PlainWrite(const std::string& path, const std::vector<cv::Mat>& pictures,
                  std::uint64_t rows) {
  const auto start = Clock::now();
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  std::uint64_t pending = 0;
  bool good = fd >= 0;
  for (std::uint64_t i = 0; i < rows; ++i) {
    const cv::Mat& picture = pictures[i % kPictures];
    const std::size_t bytes = picture.total() * picture.elemSize();
    good = good && ::write(fd, picture.data, bytes) == static_cast<ssize_t>(bytes);
    pending += bytes;
    if (pending >= kCommitBytes) {
      good = good && ::fdatasync(fd) == 0;
      pending = 0;
    }
  }
  good = good && ::fdatasync(fd) == 0;
  ::close(fd);
  if (!good) std::abort();
  return Seconds(start);
}

struct SetTimes {
  double pack = 0, write = 0, finish = 0;
};

SetTimes WriteSet(const std::string& path, const std::vector<cv::Mat>& pictures,
                  std::uint64_t rows) {
  SetTimes times;
  SetOptions options;
  options.path = path;
  options.commit_bytes = kCommitBytes;
  SetWriter writer(options);
  SetPlan plan;
  plan.first = {"images", "", Element::kU8, {kSide, kSide, 3}};
  plan.fingerprint.facts = {{"bench", "1"}};
  plan.rows = plan.units = plan.end_unit = rows;
  writer.Open(plan);
  auto start = Clock::now();
  std::vector<SetWriter::Packed> packed;
  for (std::uint64_t i = 0; i < rows; ++i) {
    packed.push_back(writer.Pack(MakeRow(i, pictures[i % kPictures])));
  }
  times.pack = Seconds(start);
  start = Clock::now();
  for (std::uint64_t i = 0; i < rows; ++i) {
    writer.Append(std::move(packed[i]));
    writer.Advance(i + 1, 0);
  }
  writer.Leave();  // everything is durable
  times.write = Seconds(start);

  SetWriter again(options);
  again.Open(plan);
  start = Clock::now();
  again.Finish();
  times.finish = Seconds(start);
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  const std::uint64_t megabytes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 400;
  const fs::path root = argc > 3 ? fs::path(argv[3]) : fs::temp_directory_path();
  std::string work = (root / "pixloom_bench_XXXXXX").string();
  if (::mkdtemp(work.data()) == nullptr) return 1;

  std::vector<cv::Mat> pictures;
  for (int i = 0; i < kPictures; ++i) {
    cv::Mat picture(kSide, kSide, CV_8UC3);
    for (std::size_t k = 0; k < picture.total() * 3; ++k) {
      picture.data[k] =
          static_cast<std::uint8_t>((k * 2654435761u + static_cast<unsigned>(i)) >> 7);
    }
    pictures.push_back(picture);
  }
  const std::uint64_t row_bytes = std::uint64_t{kSide} * kSide * 3;
  const std::uint64_t rows = megabytes * 1'000'000 / row_bytes;
  const double size = static_cast<double>(rows * row_bytes) / 1e6;

  std::vector<double> plain, pack, write, finish, ratios;
  for (int round = -1; round < rounds; ++round) {  // the first one warms up
    const auto plain_first = [&] {
      const double seconds = PlainWrite(work + "/plain", pictures, rows);
      fs::remove(work + "/plain");
      return seconds;
    };
    const auto set = [&] {
      const SetTimes times = WriteSet(work + "/set.h5", pictures, rows);
      fs::remove(work + "/set.h5");
      return times;
    };
    double seconds = 0;
    SetTimes times;
    if (round % 2 == 0) {
      seconds = plain_first();
      times = set();
    } else {
      times = set();
      seconds = plain_first();
    }
    if (round < 0) continue;
    plain.push_back(size / seconds);
    pack.push_back(size / times.pack);
    write.push_back(size / times.write);
    finish.push_back(size / times.finish);
    ratios.push_back(seconds / times.write);
    fmt::print("round {}: plain {:5.0f}, set {:5.0f}, pack {:5.0f}, finish {:5.0f} MB/s\n", round,
               plain.back(), write.back(), pack.back(), finish.back());
  }
  fs::remove_all(work);
  fmt::print("{:.0f} MB in {} rows, {} rounds; medians in MB/s\n", size, rows, rounds);
  fmt::print("  write() + fdatasync   {:6.0f}\n", Median(plain));
  fmt::print("  SetWriter, durable    {:6.0f}   {:.2f} of that\n", Median(write), Median(ratios));
  fmt::print("  packing, one thread   {:6.0f}\n", Median(pack));
  fmt::print("  finishing, all read   {:6.0f}\n", Median(finish));
  return 0;
}
