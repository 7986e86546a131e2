// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "ops/kernels/npy.h"
#include "tests/support/draw_op.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;

// Files that go away with the test.
class Maps {
 public:
  Maps() : folder_(fs::temp_directory_path() / ("pixloom_maps_" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~Maps() { fs::remove_all(folder_); }
  Maps(const Maps&) = delete;
  Maps& operator=(const Maps&) = delete;

  std::string Write(const std::string& bytes) const {
    const std::string path = (folder_ / "map.npy").string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::string Folder() const { return folder_.string(); }

 private:
  fs::path folder_;
};

// A .npy file as NumPy writes it: the header is padded to a multiple of 64 bytes.
std::string Npy(const std::string& type, const std::string& order, const std::string& shape,
                const std::string& data, char version = 1) {
  std::string dict =
      "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  const std::size_t start = version == 1 ? 10 : 12;
  while ((start + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  for (std::size_t i = 0; i < start - 8; ++i) {
    file += static_cast<char>(dict.size() >> (8 * i) & 0xFF);
  }
  return file + dict + data;
}

template <class T>
std::string Bytes(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <class T>
std::vector<T> Shifted(int width, int height, T dx, T dy) {
  std::vector<T> values;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      values.push_back(static_cast<T>(x) + dx);
      values.push_back(static_cast<T>(y) + dy);
    }
  }
  return values;
}

cv::Mat FieldFrom(const std::string& yaml, int width, int height) {
  return std::get<WarpField>(Draw("remap", yaml, Picture(width, height)).steps.at(0)).displacement;
}

TEST_CASE("remap: the map that shows every pixel where it is, and one that shifts") {
  const Maps maps;
  const std::string same =
      maps.Write(Npy("<f4", "False", "(3, 5, 2)", Bytes(Shifted<float>(5, 3, 0, 0))));
  CHECK(cv::norm(FieldFrom("'" + same + "'", 5, 3), cv::NORM_INF) == 0);
  CHECK(cv::norm(FieldFrom("'" + same + "'", 50, 60), cv::NORM_INF) == 0);
  CHECK(cv::norm(FieldFrom("'" + same + "'", 1, 1), cv::NORM_INF) == 0);

  for (const char version : {1, 2, 3}) {
    const std::string path = maps.Write(
        Npy("<f8", "False", "(3, 5, 2)", Bytes(Shifted<double>(5, 3, 1.5, -0.25)), version));
    const cv::Mat own = FieldFrom("'" + path + "'", 5, 3);
    CHECK(own.at<cv::Vec2f>(0, 0) == cv::Vec2f(1.5F, -0.25F));
    CHECK(own.at<cv::Vec2f>(2, 4) == cv::Vec2f(1.5F, -0.25F));
    // Twice as wide, four times as high: so is the way.
    const cv::Mat stretched = FieldFrom("'" + path + "'", 10, 12);
    CHECK(stretched.at<cv::Vec2f>(7, 9) == cv::Vec2f(3, -1));
  }
  const std::string ways =
      maps.Write(Npy("<f4", "False", "(1, 2, 2)", Bytes(std::vector<float>{0, 1, 4, 1})));
  const cv::Mat between = FieldFrom("{map: '" + ways + "', kind: displacement}", 4, 1);
  // Centres at 0.25, 0.75, 1.25 and 1.75 of a map with centres at 0.5 and 1.5; ways doubled.
  for (int x = 0; x < 4; ++x) {
    const std::array expected{0.0F, 2.0F, 6.0F, 8.0F};
    CHECK(between.at<cv::Vec2f>(0, x) == cv::Vec2f(expected.at(static_cast<std::size_t>(x)), 1));
  }
}

TEST_CASE("remap refuses files it cannot use, and says why and what to do") {
  const Maps maps;
  const std::string data = Bytes(Shifted<float>(5, 3, 0, 0));
  const auto refused = [&](const std::string& path, const std::string& why) {
    CAPTURE(why);
    Diagnostics diagnostics;
    Bind("remap", "{map: '" + path + "'}", diagnostics);
    REQUIRE(diagnostics.ErrorCount() == 1);
    const std::string text = diagnostics.All()[0].Text();
    CAPTURE(text);
    CHECK(text.find("map: '" + path + "' ") != std::string::npos);
    CHECK(text.find(why) != std::string::npos);
  };
  refused(maps.Folder() + "/none.npy", "no such file");
  refused(maps.Folder(), "is no file");
  refused(maps.Write(""), "no .npy file");
  refused(maps.Write("PK\x03\x04 something else"), "no .npy file");
  refused(maps.Write(Npy("<f4", "False", "(3, 5, 2)", data, 9)), "header that is not understood");
  refused(maps.Write(Npy("<f4", "False", "(3, 5, 2)", data).substr(0, 40)), "ends inside");
  refused(maps.Write(Npy(">f4", "False", "(3, 5, 2)", data)), "little-endian");
  refused(maps.Write(Npy("<i4", "False", "(3, 5, 2)", data)), "little-endian");
  refused(maps.Write(Npy("|O", "False", "(3, 5, 2)", data)), "little-endian");
  refused(maps.Write(Npy("<f4", "True", "(3, 5, 2)", data)), "Fortran order");
  refused(maps.Write(Npy("<f4", "False", "(3, 5)", data)), "shape (3, 5)");
  refused(maps.Write(Npy("<f4", "False", "(3, 5, 3)", data)), "shape (3, 5, 3)");
  refused(maps.Write(Npy("<f4", "False", "(3, 5, 2", data)), "shape");
  refused(maps.Write(Npy("<f4", "False", "(99999999999999999999, 5, 2)", data)), "shape");
  refused(maps.Write(Npy("<f4", "False", "(0, 5, 2)", "")), "1 x 1 to 16384 x 16384");
  refused(maps.Write(Npy("<f4", "False", "(1, 16385, 2)", data)), "1 x 1 to 16384 x 16384");
  refused(maps.Write(Npy("<f4", "False", "(3, 6, 2)", data)), "bytes where its header asks for");
  refused(maps.Write(Npy("<f4", "False", "(3, 5, 2)", data + "x")), "bytes where its header");
  std::vector<float> values = Shifted<float>(5, 3, 0, 0);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), 1e7F, -std::numeric_limits<float>::infinity()}) {
    values[2 * (5 + 3) + 1] = bad;
    refused(maps.Write(Npy("<f4", "False", "(3, 5, 2)", Bytes(values))), "row 1, column 3");
  }
}

}  // namespace
}  // namespace pixloom
