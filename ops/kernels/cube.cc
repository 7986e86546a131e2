// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/cube.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "pipeline/value.h"

namespace pixloom {
namespace {

constexpr std::uintmax_t kMostBytes = std::uintmax_t{256} << 20;
constexpr double kMostValue = 65'536;  // half floats reach about as far
constexpr std::string_view kBlank = " \t\r\v\f";

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The word at the front, which is taken off.
std::string_view TakeWord(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(kBlank), text.size());
  const std::string_view word = text.substr(0, end);
  text = Trimmed(text.substr(end));
  return word;
}

std::string Shown(std::string_view text) {
  return Quoted(std::string(text.substr(0, 40)) + (text.size() > 40 ? "..." : ""));
}

class CubeParser {
 public:
  explicit CubeParser(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }

  Result<CubeFile, std::string> Parse() {
    while (!rest_.empty()) {
      ++line_;
      const std::size_t end = rest_.find('\n');
      const std::string_view line = Trimmed(rest_.substr(0, end));
      rest_ = end == std::string_view::npos ? "" : rest_.substr(end + 1);
      if (line.empty() || line[0] == '#') continue;
      const bool numbers = line.find_first_of("0123456789.+-") == 0;
      const std::string problem = numbers ? Entry(line) : Keyword(line);
      if (!problem.empty()) return fmt::format("line {}: {}", line_, problem);
    }
    if (const std::string problem = Finish(); !problem.empty()) return problem;
    return std::move(file_);
  }

 private:
  // Exactly `count` numbers, or what is wrong.
  std::string Numbers(std::string_view text, std::size_t count, double* out) {
    for (std::size_t i = 0; i < count; ++i) {
      std::string_view word = TakeWord(text);
      if (word.empty()) return fmt::format("{} numbers where there must be {}", i, count);
      std::string_view digits = word;
      if (digits.starts_with('+')) digits.remove_prefix(1);
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), out[i]);
      const bool whole = error == std::errc() && end == digits.data() + digits.size();
      // The comparison is false for what is not a number.
      if (!whole || !(std::abs(out[i]) <= kMostValue)) {
        return fmt::format("{} is no number between -65,536 and 65,536", Shown(word));
      }
    }
    return text.empty() ? "" : fmt::format("{} behind the {} numbers", Shown(text), count);
  }

  std::string Size(std::string_view text, int most, int& size) {
    double number = 0;
    if (std::string problem = Numbers(text, 1, &number); !problem.empty()) return problem;
    if (number != std::floor(number) || number < 2 || number > most) {
      return fmt::format("a size of {}; whole numbers from 2 to {} are read", number, most);
    }
    if (size != 0) return "the size stands twice";
    size = static_cast<int>(number);
    return "";
  }

  std::string Keyword(std::string_view line) {
    const std::string_view word = TakeWord(line);
    if (word == "TITLE") return "";
    if (entries_ > 0)
      return fmt::format("{} behind the first entry; keywords come first", Shown(word));
    if (word == "LUT_1D_SIZE") return Size(line, kMostCurveEntries, curves_.size);
    if (word == "LUT_3D_SIZE") return Size(line, kMostCubeSide, cube_.size);
    if (word == "DOMAIN_MIN" || word == "DOMAIN_MAX") {
      std::array<double, 3> corner{};
      if (std::string problem = Numbers(line, 3, corner.data()); !problem.empty()) return problem;
      (word == "DOMAIN_MIN" ? curves_.low : curves_.high) = corner;
      (word == "DOMAIN_MIN" ? cube_.low : cube_.high) = corner;
      return "";
    }
    if (word == "LUT_1D_INPUT_RANGE" || word == "LUT_3D_INPUT_RANGE") {
      std::array<double, 2> range{};
      if (std::string problem = Numbers(line, 2, range.data()); !problem.empty()) return problem;
      const bool curve = word == "LUT_1D_INPUT_RANGE";
      (curve ? curves_.low : cube_.low).fill(range[0]);
      (curve ? curves_.high : cube_.high).fill(range[1]);
      return "";
    }
    return fmt::format("{} is no keyword of .cube files", Shown(word));
  }

  // Entries of the curves come before those of the cube.
  std::string Entry(std::string_view line) {
    if (entries_ == 0) {
      if (curves_.size == 0 && cube_.size == 0) {
        return "an entry before LUT_1D_SIZE or LUT_3D_SIZE";
      }
      if (std::string problem = CheckDomains(); !problem.empty()) return problem;
      const auto side = static_cast<std::size_t>(cube_.size);
      curve_entries_ = static_cast<std::size_t>(curves_.size);
      all_entries_ = curve_entries_ + side * side * side;
    }
    if (entries_ == all_entries_) {
      return fmt::format("more entries than the {} that the size asks for", all_entries_);
    }
    std::array<double, 3> colour{};
    if (std::string problem = Numbers(line, 3, colour.data()); !problem.empty()) return problem;
    std::vector<float>& values = entries_ < curve_entries_ ? curves_.values : cube_.values;
    for (const double v : colour) values.push_back(static_cast<float>(v));
    ++entries_;
    return "";
  }

  std::string CheckDomains() const {
    for (std::size_t c = 0; c < 3; ++c) {
      const bool curves = curves_.size == 0 || curves_.low[c] < curves_.high[c];
      const bool cube = cube_.size == 0 || cube_.low[c] < cube_.high[c];
      if (!curves || !cube) return "the domain above ends where it begins, or before";
    }
    return "";
  }

  std::string Finish() {
    if (entries_ == 0)
      return "holds no entries; a .cube file has LUT_1D_SIZE or LUT_3D_SIZE and "
             "then lines of three numbers";
    if (entries_ != all_entries_) {
      return fmt::format("line {}: ends after {} of {} entries", line_, entries_, all_entries_);
    }
    if (curves_.size > 0) file_.curves = std::move(curves_);
    if (cube_.size > 0) file_.cube = std::move(cube_);
    return "";
  }

  std::string_view rest_;
  int line_ = 0;
  CubeFile file_;
  CubeCurves curves_;
  ColourCube cube_;
  std::size_t entries_ = 0;
  std::size_t curve_entries_ = 0;
  std::size_t all_entries_ = 0;
};

}  // namespace

Result<CubeFile, std::string> ParseCube(std::string_view text) { return CubeParser(text).Parse(); }

Result<CubeFile, std::string> ReadCube(const std::string& path) {
  const std::string name = Quoted(path);
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return fmt::format("{} {}; give the path of a .cube file, from the folder where pixloom runs",
                       name, std::filesystem::exists(path, error) ? "is no file" : "is not there");
  }
  if (std::filesystem::file_size(path, error) > kMostBytes || error) {
    return fmt::format("{} is larger than any .cube file that is read (256 MiB)", name);
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file && !file.eof()) return fmt::format("{} cannot be read; make it readable", name);
  auto parsed = ParseCube(text);
  if (parsed) return parsed;
  return fmt::format("{}: {}", name, parsed.Error());
}

double CubeCurves::At(int channel, double x) const {
  const auto c = static_cast<std::size_t>(channel);
  const double unit = std::clamp((x - low[c]) / (high[c] - low[c]), 0.0, 1.0);
  const double position = unit * (size - 1);
  const std::size_t below =
      std::min(static_cast<std::size_t>(position), static_cast<std::size_t>(size) - 2);
  const double t = position - static_cast<double>(below);
  const double a = values[3 * below + c];
  const double b = values[3 * (below + 1) + c];
  return a + t * (b - a);
}

void ColourCube::Apply(float* pixel, int pixels, int channels, bool tetrahedral) const {
  const float last = static_cast<float>(size - 1);
  std::array<float, 3> first{}, scale{};
  for (std::size_t c = 0; c < 3; ++c) {
    first[c] = static_cast<float>(low[c]);
    scale[c] = static_cast<float>((size - 1) / (high[c] - low[c]));
  }
  const std::array<std::ptrdiff_t, 3> stride{3, std::ptrdiff_t{3} * size,
                                             std::ptrdiff_t{3} * size * size};
  for (int i = 0; i < pixels; ++i, pixel += channels) {
    std::array<float, 3> t{};
    const float* node = values.data();
    for (std::size_t c = 0; c < 3; ++c) {
      float position = (pixel[c] - first[c]) * scale[c];
      position = position > 0 ? position : 0;  // NaN goes there, too
      position = position < last ? position : last;
      const int cell = std::min(static_cast<int>(position), size - 2);
      t[c] = position - static_cast<float>(cell);
      node += stride[c] * cell;
    }
    if (tetrahedral) {
      // From the near corner to the far one along the axes, the one with the largest rest first.
      std::size_t a = 0, b = 1, c = 2;
      if (t[a] < t[b]) std::swap(a, b);
      if (t[b] < t[c]) std::swap(b, c);
      if (t[a] < t[b]) std::swap(a, b);
      const float* second = node + stride[a];
      const float* third = second + stride[b];
      const float* fourth = third + stride[c];
      const float w0 = 1 - t[a], w1 = t[a] - t[b], w2 = t[b] - t[c], w3 = t[c];
      for (int k = 0; k < 3; ++k) {
        pixel[k] = ((w0 * node[k] + w1 * second[k]) + w2 * third[k]) + w3 * fourth[k];
      }
      continue;
    }
    for (int k = 0; k < 3; ++k) {
      const float* n = node + k;
      const auto along = [&](const float* at) { return at[0] + t[0] * (at[stride[0]] - at[0]); };
      const float near_low = along(n);
      const float near_high = along(n + stride[1]);
      const float far_low = along(n + stride[2]);
      const float far_high = along(n + stride[1] + stride[2]);
      const float low_side = near_low + t[1] * (near_high - near_low);
      const float high_side = far_low + t[1] * (far_high - far_low);
      pixel[k] = low_side + t[2] * (high_side - low_side);
    }
  }
}

}  // namespace pixloom
