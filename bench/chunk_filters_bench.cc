// SPDX-License-Identifier: Apache-2.0
// What filtering a chunk costs: our gzip beside what HDF5 does by itself (H5Dwrite of one chunk
// into a file in memory, deflate level 1), on crops of 224x224x3. Give it a folder of JPEG files;
// without one it makes pictures of soft noise. Rounds alternate; processor time; figures are
// medians, ratios are medians of ratios within a round.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <hdf5.h>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "datasets/chunk_filters.h"
#include "datasets/hdf5_handle.h"
#include "pipeline/rng.h"

namespace {

using namespace pixloom;
using Bytes = std::vector<std::uint8_t>;

constexpr int kSide = 224;
constexpr std::size_t kChunkBytes = std::size_t{kSide} * kSide * 3;
constexpr int kRounds = 15;
constexpr int kPasses = 4;  // long enough for a thread to start
constexpr std::size_t kMostPictures = 48;

std::vector<Bytes> Photos(const std::string& folder) {
  std::vector<cv::String> names;
  if (!folder.empty()) cv::glob(folder + "/*.jpg", names);
  std::vector<Bytes> pictures;
  for (const cv::String& name : names) {
    const cv::Mat photo = cv::imread(name, cv::IMREAD_COLOR);
    const int side = std::min(photo.cols, photo.rows) * 9 / 10;
    if (side < kSide + 50 || pictures.size() == kMostPictures) continue;
    cv::Mat crop;
    cv::resize(photo(cv::Rect(0, photo.rows - side, side, side)), crop, {kSide, kSide}, 0, 0,
               cv::INTER_LINEAR);
    pictures.emplace_back(crop.datastart, crop.dataend);
  }
  return pictures;
}

std::vector<Bytes> SoftNoise() {
  std::vector<Bytes> pictures;
  for (std::uint64_t i = 0; i < 24; ++i) {
    cv::Mat noise(kSide, kSide, CV_8UC3), soft;
    for (std::size_t k = 0; k < kChunkBytes; ++k) {
      noise.data[k] = static_cast<std::uint8_t>(Mix64(i * kChunkBytes + k) >> 56);
    }
    cv::GaussianBlur(noise, soft, {0, 0}, 6);
    cv::normalize(soft, soft, 0, 250, cv::NORM_MINMAX);
    for (std::size_t k = 0; k < kChunkBytes; ++k) {
      soft.data[k] = static_cast<std::uint8_t>(soft.data[k] + noise.data[k] % 4);
    }
    pictures.emplace_back(soft.datastart, soft.dataend);
  }
  return pictures;
}

double ProcessorSeconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double WallSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Returns the file's size.
std::size_t WriteWithHdf5(const std::vector<Bytes>& pictures) {
  const Hdf5Session session;
  const Hdf5Id file = CreateHdf5InMemory();
  const hsize_t dims[4] = {pictures.size(), kSide, kSide, 3}, one[4] = {1, kSide, kSide, 3};
  const Hdf5Id space(H5Screate_simple(4, dims, nullptr), H5Sclose, "make a space");
  const Hdf5Id memory(H5Screate_simple(4, one, nullptr), H5Sclose, "make a space");
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "make properties");
  CheckHdf5(H5Pset_chunk(creation.Get(), 4, one), "set chunks");
  CheckHdf5(H5Pset_deflate(creation.Get(), 1), "set deflate");
  const Hdf5Id dataset(H5Dcreate2(file.Get(), "images", H5T_STD_U8LE, space.Get(), H5P_DEFAULT,
                                  creation.Get(), H5P_DEFAULT),
                       H5Dclose, "create a dataset");
  for (hsize_t i = 0; i < pictures.size(); ++i) {
    const hsize_t start[4] = {i, 0, 0, 0};
    CheckHdf5(H5Sselect_hyperslab(space.Get(), H5S_SELECT_SET, start, nullptr, one, nullptr),
              "select");
    CheckHdf5(H5Dwrite(dataset.Get(), H5T_NATIVE_UINT8, memory.Get(), space.Get(), H5P_DEFAULT,
                       pictures[i].data()),
              "write");
  }
  CheckHdf5(H5Fflush(file.Get(), H5F_SCOPE_GLOBAL), "flush");
  return static_cast<std::size_t>(H5Dget_storage_size(dataset.Get()));
}

struct Contender {
  std::string name;
  std::function<std::size_t()> run;  // returns the packed bytes
};

}  // namespace

int main(int count, char** arguments) {
  std::vector<Bytes> pictures = Photos(count > 1 ? arguments[1] : "");
  const bool photos = !pictures.empty();
  if (!photos) pictures = SoftNoise();
  const double megabytes = static_cast<double>(pictures.size() * kChunkBytes) / 1e6;
  fmt::print("{} {}, 224x224x3; MB/s of what goes in\n", pictures.size(),
             photos ? "photographs" : "pictures of soft noise");

  const auto pack = [&](const ChunkFilters& filters, std::size_t element) {
    return [&pictures, filters, element] {
      std::size_t bytes = 0;
      for (const Bytes& picture : pictures) bytes += Pack(filters, element, picture).size();
      return bytes;
    };
  };
  const ChunkFilters gzip{Compression::kGzip};
  const auto pipeline = FilterPipeline(gzip, 1, kChunkBytes);
  std::vector<Bytes> packed;
  for (const Bytes& picture : pictures) packed.push_back(Pack(gzip, 1, picture));
  const std::vector<Contender> contenders{
      {"H5Dwrite, deflate 1", [&] { return WriteWithHdf5(pictures); }},
      {"gzip 1..4", pack(gzip, 1)},
      {"gzip 5..9", pack({Compression::kGzip, 9}, 1)},
      {"gzip 1, shuffle of u16", pack({Compression::kGzip, 1, true}, 2)},
      {"gzip 1, fletcher32", pack({Compression::kGzip, 1, false, true}, 1)},
      {"lz4", pack({Compression::kLz4}, 1)},
      {"blosc_zstd 1", pack({Compression::kBloscZstd}, 1)},
      {"blosc_zstd 5", pack({Compression::kBloscZstd, 5}, 1)},
      {"unpack gzip 1", [&] {
         std::size_t bytes = 0;
         for (const Bytes& one : packed) bytes += Unpack(pipeline, 0, 1, kChunkBytes, one)->size();
         return bytes;
       }}};

  std::vector<std::vector<double>> seconds(contenders.size());
  std::vector<std::size_t> sizes(contenders.size());
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const double start = ProcessorSeconds();
      sizes[i] = contenders[i].run();
      seconds[i].push_back(ProcessorSeconds() - start);
    }
  }
  fmt::print("{:<26}{:>8}{:>9}{:>12}\n", "one thread", "MB/s", "size", "to H5Dwrite");
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    std::vector<double> ratios;
    for (int r = 0; r < kRounds; ++r) {
      ratios.push_back(seconds[0][static_cast<std::size_t>(r)] /
                       seconds[i][static_cast<std::size_t>(r)]);
    }
    fmt::print("{:<26}{:>8.0f}{:>8.1f}%{:>11.2f}x\n", contenders[i].name,
               megabytes / Median(seconds[i]), static_cast<double>(sizes[i]) / megabytes / 1e4,
               Median(ratios));
  }

  std::vector<double> single, ratios;
  for (int round = 0; round < kRounds; ++round) {
    const auto work = [&] {
      for (int pass = 0; pass < kPasses; ++pass) contenders[1].run();
    };
    const double start = WallSeconds();
    work();
    const double middle = WallSeconds();
    {
      std::jthread other(work);
      work();
    }
    single.push_back(middle - start);
    ratios.push_back(2 * (middle - start) / (WallSeconds() - middle));
  }
  fmt::print("gzip 1..4, wall: 1 thread {:.0f} MB/s; 2 threads {:.2f}x of that\n",
             kPasses * megabytes / Median(single), Median(ratios));
  return 0;
}
