// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/npy.h"

#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "pipeline/value.h"

namespace pixloom {
namespace {

constexpr double kFarthest = 1'000'000;
constexpr std::size_t kMaxHeader = 64 * 1024;
constexpr std::string_view kSave =
    "save it with np.save(path, np.ascontiguousarray(map, np.float32))";

// What stands behind 'key': in the header, which is a Python dict; "" when it is not there.
std::string_view Behind(std::string_view header, std::string_view key) {
  const std::string quoted = fmt::format("'{}'", key);
  const std::size_t at = header.find(quoted);
  if (at == std::string_view::npos) return "";
  header.remove_prefix(at + quoted.size());
  const std::size_t value = header.find_first_not_of(" :");
  return value == std::string_view::npos ? "" : header.substr(value);
}

// "(3, 4, 2), ..." as numbers; none when it is something else.
std::vector<std::int64_t> Shape(std::string_view text) {
  std::vector<std::int64_t> shape;
  if (text.empty() || text[0] != '(') return {};
  text.remove_prefix(1);
  while (true) {
    const std::size_t digit = text.find_first_not_of(" ,");
    if (digit == std::string_view::npos) return {};
    if (text[digit] == ')') return shape;
    std::int64_t side = 0;
    const auto [end, error] = std::from_chars(text.data() + digit, text.data() + text.size(), side);
    if (error != std::errc() || shape.size() == 8) return {};
    shape.push_back(side);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
}

std::optional<std::string> CheckNumbers(const cv::Mat& map, auto zero) {
  using T = decltype(zero);
  for (int y = 0; y < map.rows; ++y) {
    const T* row = map.ptr<T>(y);
    for (int i = 0; i < 2 * map.cols; ++i) {
      if (std::abs(row[i]) <= T{kFarthest}) continue;  // false for NaN
      return fmt::format(
          "row {}, column {} holds {}; take out what is not a number or lies beyond "
          "1,000,000 px",
          y, i / 2, row[i]);
    }
  }
  return std::nullopt;
}

// The part after the name of the file.
Result<cv::Mat, std::string> Read(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return std::string(error || !std::filesystem::exists(path, error) ? "there is no such file"
                                                                      : "is no file") +
           "; give the path of a .npy file, from the folder where pixloom runs";
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::string("cannot be opened; make it readable");
  char start[12] = {};
  file.read(start, 10);
  if (!file || std::string_view(start, 6) != "\x93NUMPY") {
    return fmt::format("is no .npy file; {}", kSave);
  }
  const auto byte = [&](int i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(start[i]));
  };
  std::size_t length = byte(8) | byte(9) << 8;
  std::size_t offset = 10;
  if (byte(6) >= 2) {
    file.read(start + 10, 2);
    length |= byte(10) << 16 | byte(11) << 24;
    offset = 12;
  }
  if (!file || byte(6) < 1 || byte(6) > 3 || length > kMaxHeader) {
    return fmt::format("has a header that is not understood; {}", kSave);
  }
  std::string header(length, ' ');
  file.read(header.data(), static_cast<std::streamsize>(length));
  if (!file) return fmt::format("ends inside its header; {}", kSave);
  const std::string_view type = Behind(header, "descr").substr(0, 5);
  const bool is_double = type == "'<f8'";
  if (!is_double && type != "'<f4'") {
    return fmt::format("holds numbers of type {}, a map little-endian float32 or float64; {}",
                       Quoted(type), kSave);
  }
  if (!Behind(header, "fortran_order").starts_with("False")) {
    return fmt::format("is stored in Fortran order; {}", kSave);
  }
  const std::vector<std::int64_t> shape = Shape(Behind(header, "shape"));
  if (shape.size() != 3 || shape[2] != 2) {
    return fmt::format("has the shape ({}), a map (height, width, 2): x and y of every pixel",
                       fmt::join(shape, ", "));
  }
  if (shape[0] < 1 || shape[1] < 1 || shape[0] > kMaxMapSide || shape[1] > kMaxMapSide) {
    return fmt::format(
        "is {} x {}, a map 1 x 1 to {} x {}; make it smaller, it is stretched to "
        "the picture",
        shape[0], shape[1], kMaxMapSide, kMaxMapSide);
  }
  const auto bytes = static_cast<std::uintmax_t>(shape[0] * shape[1] * 2 * (is_double ? 8 : 4));
  const std::uintmax_t held = std::filesystem::file_size(path, error);
  if (error || held != offset + length + bytes) {
    return fmt::format("has {} bytes where its header asks for {}; {}", held,
                       offset + length + bytes, kSave);
  }
  static_assert(std::endian::native == std::endian::little);
  cv::Mat map(static_cast<int>(shape[0]), static_cast<int>(shape[1]),
              is_double ? CV_64FC2 : CV_32FC2);
  file.read(reinterpret_cast<char*>(map.data), static_cast<std::streamsize>(bytes));
  if (!file) return std::string("cannot be read to its end; try again");
  const auto problem = is_double ? CheckNumbers(map, double{}) : CheckNumbers(map, float{});
  if (problem) return *problem;
  return map;
}

}  // namespace

Result<cv::Mat, std::string> ReadNpyMap(const std::string& path) {
  auto map = Read(path);
  if (map) return map;
  return Quoted(path) + " " + map.Error();
}

}  // namespace pixloom
