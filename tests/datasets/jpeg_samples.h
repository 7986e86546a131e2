// SPDX-License-Identifier: Apache-2.0
// JPEG files of every kind for the tests, written in memory, and a plain full decoder as the
// oracle. Pure functions; files depend on the specification only.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>

namespace pixloom::testing {

enum class Process { kBaseline, kProgressive, kRestarts, kSeparateScans, kArithmetic };
enum class Ink { kNone, kCmyk, kYcck };

struct JpegSpec {
  int width = 64;
  int height = 48;
  // Sampling factors per component: one entry is grey, three are YCbCr, four are CMYK.
  std::vector<std::pair<int, int>> factors{{2, 2}, {1, 1}, {1, 1}};
  Process process = Process::kBaseline;
  Ink ink = Ink::kNone;
  bool adobe = false;   // with four components
  int orientation = 0;  // 0 = no EXIF
  bool big_endian = false;
  int quality = 85;
  unsigned seed = 1;
};

std::string Name(const JpegSpec& spec);

// A picture with edges, gradients and noise, so that neighbouring samples always differ.
cv::Mat TestPicture(int width, int height, int channels, unsigned seed);

std::vector<std::uint8_t> MakeJpeg(const JpegSpec& spec);
std::vector<std::uint8_t> MakeJpeg(const JpegSpec& spec, const cv::Mat& pixels);

// Everything, top to bottom, nothing skipped or cropped: grey, RGB, or raw CMYK as stored.
cv::Mat OracleDecode(const std::vector<std::uint8_t>& bytes, int denominator, int channels);

// Pixel by pixel from the EXIF definition of where row 0 and column 0 are.
cv::Mat OracleUpright(const cv::Mat& stored, int orientation);

// The samplings that occur, and some odd ones that the format allows.
const std::vector<std::pair<std::string, std::vector<std::pair<int, int>>>>& Samplings();

}  // namespace pixloom::testing
