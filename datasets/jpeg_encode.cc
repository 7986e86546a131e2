// SPDX-License-Identifier: Apache-2.0
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <jerror.h>
#include <jpeglib.h>

#include "datasets/jpeg.h"

namespace pixloom {

namespace {

// Everything that lives across the longjmp: plain data, owned by EncodeJpeg, so that no destructor
// can be skipped.
struct EncodeJob {
  jpeg_compress_struct cinfo;
  jpeg_error_mgr errors;
  jpeg_destination_mgr destination;
  std::jmp_buf jump;
  int error_code;
  char error_text[JMSG_LENGTH_MAX];

  const std::uint8_t* pixels;
  std::size_t stride;
  int width;
  int height;
  int channels;
  int quality;
  bool subsample;
  std::uint8_t* out;  // from malloc; freed by EncodeJpeg
  std::size_t capacity;
  std::size_t out_size;
};

[[noreturn]] void OnError(j_common_ptr cinfo) {
  auto* job = static_cast<EncodeJob*>(cinfo->client_data);
  job->error_code = cinfo->err->msg_code;
  cinfo->err->format_message(cinfo, job->error_text);
  std::longjmp(job->jump, 1);
}

void OnMessage(j_common_ptr) {}
void OnWarning(j_common_ptr, int) {}

// The library's own memory destination leaves a freed pointer behind when it fails while growing;
// this one always knows its block.
void Grow(j_compress_ptr cinfo, std::size_t capacity) {
  auto* job = static_cast<EncodeJob*>(cinfo->client_data);
  auto* grown = static_cast<std::uint8_t*>(std::realloc(job->out, capacity));
  if (grown == nullptr) ERREXIT1(cinfo, JERR_OUT_OF_MEMORY, 0);
  job->destination.next_output_byte = grown + job->capacity;
  job->destination.free_in_buffer = capacity - job->capacity;
  job->out = grown;
  job->capacity = capacity;
}

void InitDestination(j_compress_ptr cinfo) {
  auto* job = static_cast<EncodeJob*>(cinfo->client_data);
  const std::size_t raw = std::size_t{3} * job->width * job->height;
  Grow(cinfo, raw / 4 + 4096);
}

boolean EmptyOutputBuffer(j_compress_ptr cinfo) {
  Grow(cinfo, 2 * static_cast<EncodeJob*>(cinfo->client_data)->capacity);
  return TRUE;
}

void TermDestination(j_compress_ptr cinfo) {
  auto* job = static_cast<EncodeJob*>(cinfo->client_data);
  job->out_size = job->capacity - job->destination.free_in_buffer;
}

bool RunEncode(EncodeJob* job) {
  jpeg_compress_struct* cinfo = &job->cinfo;
  cinfo->err = jpeg_std_error(&job->errors);
  job->errors.error_exit = OnError;
  job->errors.output_message = OnMessage;
  job->errors.emit_message = OnWarning;
  cinfo->client_data = job;
  if (setjmp(job->jump) != 0) {
    jpeg_destroy_compress(cinfo);
    return false;
  }
  jpeg_create_compress(cinfo);
  job->destination.init_destination = InitDestination;
  job->destination.empty_output_buffer = EmptyOutputBuffer;
  job->destination.term_destination = TermDestination;
  cinfo->dest = &job->destination;
  cinfo->image_width = static_cast<JDIMENSION>(job->width);
  cinfo->image_height = static_cast<JDIMENSION>(job->height);
  cinfo->input_components = job->channels;
  cinfo->in_color_space = job->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(cinfo);
  jpeg_set_quality(cinfo, job->quality, TRUE);
  cinfo->dct_method = JDCT_ISLOW;
  if (job->channels == 3 && !job->subsample) {
    cinfo->comp_info[0].h_samp_factor = 1;
    cinfo->comp_info[0].v_samp_factor = 1;
  }
  jpeg_start_compress(cinfo, TRUE);
  while (cinfo->next_scanline < cinfo->image_height) {
    // The library's type is not const, but it only reads.
    JSAMPROW row = const_cast<JSAMPROW>(job->pixels + job->stride * cinfo->next_scanline);
    jpeg_write_scanlines(cinfo, &row, 1);
  }
  jpeg_finish_compress(cinfo);
  jpeg_destroy_compress(cinfo);
  return true;
}

}  // namespace

Result<std::vector<std::uint8_t>> EncodeJpeg(const cv::Mat& pixels, int quality, bool subsample) {
  PIXLOOM_CHECK(quality >= 1 && quality <= 100, fmt::format("JPEG quality {}", quality));
  if (pixels.depth() != CV_8U || (pixels.channels() != 1 && pixels.channels() != 3)) {
    return DataError{"ENC-TYPE",
                     fmt::format("JPEG holds 8-bit grey or RGB, not {} channels of {} bytes",
                                 pixels.channels(), pixels.elemSize1()),
                     "write png, or convert before the sink", ""};
  }
  if (pixels.empty() || pixels.cols > JPEG_MAX_DIMENSION || pixels.rows > JPEG_MAX_DIMENSION) {
    return DataError{"ENC-SIZE",
                     fmt::format("JPEG cannot hold {}x{}; sides are 1..{}", pixels.cols,
                                 pixels.rows, JPEG_MAX_DIMENSION),
                     "write png", ""};
  }
  EncodeJob job{};
  job.pixels = pixels.data;
  job.stride = pixels.step[0];
  job.width = pixels.cols;
  job.height = pixels.rows;
  job.channels = pixels.channels();
  job.quality = quality;
  job.subsample = subsample;
  const bool done = RunEncode(&job);
  const std::unique_ptr<std::uint8_t, void (*)(void*)> out(job.out, std::free);
  if (!done) {
    PIXLOOM_CHECK(job.error_code == JERR_OUT_OF_MEMORY, job.error_text);
    throw EnvironmentError("out of memory while encoding a JPEG");
  }
  return std::vector<std::uint8_t>(job.out, job.out + job.out_size);
}

#define PIXLOOM_TEXT_OF(macro) PIXLOOM_TEXT(macro)
#define PIXLOOM_TEXT(text) #text

std::string JpegVersion() { return "libjpeg-turbo " PIXLOOM_TEXT_OF(LIBJPEG_TURBO_VERSION); }

#undef PIXLOOM_TEXT
#undef PIXLOOM_TEXT_OF

}  // namespace pixloom
