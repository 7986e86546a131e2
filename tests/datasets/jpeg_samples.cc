// SPDX-License-Identifier: Apache-2.0
#include "tests/datasets/jpeg_samples.h"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include <jpeglib.h>

namespace pixloom::testing {

namespace {

[[noreturn]] void Fail(j_common_ptr cinfo) {
  char text[JMSG_LENGTH_MAX];
  cinfo->err->format_message(cinfo, text);
  std::fprintf(stderr, "libjpeg: %s\n", text);
  std::abort();
}

void AddExif(j_compress_ptr cinfo, int orientation, bool big_endian) {
  std::vector<std::uint8_t> block{'E', 'x', 'i', 'f', 0, 0};
  auto put16 = [&](unsigned v) {
    block.push_back(static_cast<std::uint8_t>(big_endian ? v >> 8 : v));
    block.push_back(static_cast<std::uint8_t>(big_endian ? v : v >> 8));
  };
  auto put32 = [&](unsigned v) {
    put16(big_endian ? v >> 16 : v & 0xFFFF);
    put16(big_endian ? v & 0xFFFF : v >> 16);
  };
  block.push_back(big_endian ? 'M' : 'I');
  block.push_back(big_endian ? 'M' : 'I');
  put16(42);
  put32(8);
  put16(2);
  put16(0x0100), put16(4), put32(1), put32(77);  // another tag first
  put16(0x0112), put16(3), put32(1), put16(static_cast<unsigned>(orientation)), put16(0);
  put32(0);
  jpeg_write_marker(cinfo, JPEG_APP0 + 1, block.data(), static_cast<unsigned>(block.size()));
}

}  // namespace

std::string Name(const JpegSpec& spec) {
  static const char* const kProcess[] = {"baseline", "progressive", "restarts", "separate scans",
                                         "arithmetic"};
  std::string name = std::to_string(spec.width) + "x" + std::to_string(spec.height);
  for (auto [h, v] : spec.factors) name += " " + std::to_string(h) + "x" + std::to_string(v);
  return name + " " + kProcess[static_cast<int>(spec.process)] + " orientation " +
         std::to_string(spec.orientation);
}

cv::Mat TestPicture(int width, int height, int channels, unsigned seed) {
  cv::Mat picture(height, width, CV_8UC(channels));
  std::uint32_t state = seed * 2654435761U + 12345U;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        state = state * 1664525U + 1013904223U;
        const int gradient = (x * (3 + c) + y * (5 - c)) % 200;
        const int edge = ((x / 11 + y / 7 + c) % 2) * 60;
        const int noise = static_cast<int>(state >> 27);
        picture.ptr<std::uint8_t>(y)[x * channels + c] =
            static_cast<std::uint8_t>(std::min(gradient + edge + noise, 255));
      }
    }
  }
  return picture;
}

std::vector<std::uint8_t> MakeJpeg(const JpegSpec& spec) {
  return MakeJpeg(
      spec, TestPicture(spec.width, spec.height, static_cast<int>(spec.factors.size()), spec.seed));
}

std::vector<std::uint8_t> MakeJpeg(const JpegSpec& spec, const cv::Mat& pixels) {
  jpeg_compress_struct cinfo{};
  jpeg_error_mgr errors{};
  cinfo.err = jpeg_std_error(&errors);
  errors.error_exit = Fail;
  jpeg_create_compress(&cinfo);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&cinfo, &out, &size);
  cinfo.image_width = static_cast<JDIMENSION>(pixels.cols);
  cinfo.image_height = static_cast<JDIMENSION>(pixels.rows);
  cinfo.input_components = pixels.channels();
  cinfo.in_color_space =
      pixels.channels() == 1 ? JCS_GRAYSCALE : (pixels.channels() == 3 ? JCS_RGB : JCS_CMYK);
  jpeg_set_defaults(&cinfo);
  if (spec.ink == Ink::kYcck) jpeg_set_colorspace(&cinfo, JCS_YCCK);
  if (spec.ink != Ink::kNone) cinfo.write_Adobe_marker = spec.adobe ? TRUE : FALSE;
  jpeg_set_quality(&cinfo, spec.quality, TRUE);
  for (std::size_t i = 0; i < spec.factors.size(); ++i) {
    cinfo.comp_info[i].h_samp_factor = spec.factors[i].first;
    cinfo.comp_info[i].v_samp_factor = spec.factors[i].second;
  }
  jpeg_scan_info scans[4] = {};
  switch (spec.process) {
    case Process::kBaseline:
      break;
    case Process::kProgressive:
      jpeg_simple_progression(&cinfo);
      break;
    case Process::kRestarts:
      cinfo.restart_interval = 3;
      break;
    case Process::kArithmetic:
      cinfo.arith_code = TRUE;
      break;
    case Process::kSeparateScans:
      for (int i = 0; i < cinfo.num_components; ++i) {
        scans[i].comps_in_scan = 1;
        scans[i].component_index[0] = i;
        scans[i].Se = 63;
      }
      cinfo.scan_info = scans;
      cinfo.num_scans = cinfo.num_components;
      break;
  }
  jpeg_start_compress(&cinfo, TRUE);
  if (spec.orientation != 0) AddExif(&cinfo, spec.orientation, spec.big_endian);
  while (cinfo.next_scanline < cinfo.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels.ptr(static_cast<int>(cinfo.next_scanline)));
    jpeg_write_scanlines(&cinfo, &row, 1);
  }
  jpeg_finish_compress(&cinfo);
  jpeg_destroy_compress(&cinfo);
  std::vector<std::uint8_t> bytes(out, out + size);
  std::free(out);
  return bytes;
}

cv::Mat OracleDecode(const std::vector<std::uint8_t>& bytes, int denominator, int channels) {
  jpeg_decompress_struct cinfo{};
  jpeg_error_mgr errors{};
  cinfo.err = jpeg_std_error(&errors);
  errors.error_exit = Fail;
  errors.output_message = [](j_common_ptr) {};
  jpeg_create_decompress(&cinfo);
  jpeg_mem_src(&cinfo, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&cinfo, TRUE);
  cinfo.scale_num = 1;
  cinfo.scale_denom = static_cast<unsigned>(denominator);
  cinfo.dct_method = JDCT_ISLOW;
  cinfo.do_block_smoothing = FALSE;
  cinfo.out_color_space = channels == 1 ? JCS_GRAYSCALE : (channels == 3 ? JCS_RGB : JCS_CMYK);
  jpeg_start_decompress(&cinfo);
  cv::Mat pixels(static_cast<int>(cinfo.output_height), static_cast<int>(cinfo.output_width),
                 CV_8UC(cinfo.output_components));
  while (cinfo.output_scanline < cinfo.output_height) {
    JSAMPROW row = pixels.ptr(static_cast<int>(cinfo.output_scanline));
    jpeg_read_scanlines(&cinfo, &row, 1);
  }
  jpeg_destroy_decompress(&cinfo);
  return pixels;
}

cv::Mat OracleUpright(const cv::Mat& stored, int orientation) {
  const int w = stored.cols;
  const int h = stored.rows;
  const bool swap = orientation >= 5;
  cv::Mat upright(swap ? w : h, swap ? h : w, stored.type());
  for (int y = 0; y < upright.rows; ++y) {
    for (int x = 0; x < upright.cols; ++x) {
      int sx = x;
      int sy = y;
      // EXIF 2.3, tag 0x0112: where the stored row 0 and column 0 are seen.
      switch (orientation) {
        case 2:
          sx = w - 1 - x, sy = y;
          break;  // row 0 top, column 0 right
        case 3:
          sx = w - 1 - x, sy = h - 1 - y;
          break;  // bottom, right
        case 4:
          sx = x, sy = h - 1 - y;
          break;  // bottom, left
        case 5:
          sx = y, sy = x;
          break;  // left, top
        case 6:
          sx = y, sy = h - 1 - x;
          break;  // right, top
        case 7:
          sx = w - 1 - y, sy = h - 1 - x;
          break;  // right, bottom
        case 8:
          sx = w - 1 - y, sy = x;
          break;  // left, bottom
        default:
          break;
      }
      const std::size_t size = stored.elemSize();
      std::copy_n(stored.ptr(sy) + size * static_cast<std::size_t>(sx), size,
                  upright.ptr(y) + size * static_cast<std::size_t>(x));
    }
  }
  return upright;
}

const std::vector<std::pair<std::string, std::vector<std::pair<int, int>>>>& Samplings() {
  static const std::vector<std::pair<std::string, std::vector<std::pair<int, int>>>> kAll = {
      {"4:4:4", {{1, 1}, {1, 1}, {1, 1}}},
      {"4:2:2", {{2, 1}, {1, 1}, {1, 1}}},
      {"4:2:0", {{2, 2}, {1, 1}, {1, 1}}},
      {"4:4:0", {{1, 2}, {1, 1}, {1, 1}}},
      {"4:1:1", {{4, 1}, {1, 1}, {1, 1}}},
      {"grey", {{1, 1}}},
      {"grey 2x2", {{2, 2}}},
      {"4:1:0", {{4, 2}, {1, 1}, {1, 1}}},
      {"1x4", {{1, 4}, {1, 1}, {1, 1}}},
      {"4:2:2 as 2x2 and 1x2", {{2, 2}, {1, 2}, {1, 2}}},
      {"4:4:0 as 2x2 and 2x1", {{2, 2}, {2, 1}, {2, 1}}},
      {"unequal chroma", {{2, 2}, {2, 1}, {1, 2}}},
      {"4:4:4 as 2x1", {{2, 1}, {2, 1}, {2, 1}}},
      {"luma below chroma", {{1, 1}, {2, 2}, {2, 2}}},
  };
  return kAll;
}

}  // namespace pixloom::testing
