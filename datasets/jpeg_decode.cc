// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <jerror.h>
#include <jpeglib.h>

#include <opencv2/imgproc.hpp>

#include "datasets/jpeg.h"
#include "datasets/orientation.h"

namespace pixloom {

namespace {

constexpr int kMaxWarnings = 100;

// Why decoding stopped.
enum class Stop {
  kNone,
  kFatal,     // libjpeg gave up
  kDamage,    // first warning, and damage is not accepted
  kWarnings,  // too many warnings
  kScans,     // too many scans
  kSize,      // not the size that the header promised
};

// Everything that lives across the longjmp: plain data, owned by DecodeJpeg, so that no destructor
// can be skipped.
struct DecodeJob {
  jpeg_decompress_struct cinfo;
  jpeg_error_mgr errors;
  jpeg_source_mgr source;
  jpeg_progress_mgr progress;
  std::jmp_buf jump;

  // What to do. Columns and rows count in the stored picture at the decoded scale.
  const std::uint8_t* bytes;
  std::size_t size;
  int width;  // promised by the header, at full scale
  int height;
  int denominator;
  J_COLOR_SPACE color;
  int channels;
  int max_scans;
  bool accept;
  int x0, x1, y0, y1;
  std::uint8_t* out;  // x1 - x0 pixels wide
  std::size_t out_stride;

  // What happened.
  Stop stop;
  bool ended;    // asked for bytes behind the last one
  bool started;  // the header is through
  bool scans_missing;
  bool many_scans;
  int warnings;
  int bad_scan;  // at the first warning
  int bad_row;   // full scale, stored
  int code;      // of the message below
  char text[JMSG_LENGTH_MAX];
};

DecodeJob* JobOf(j_common_ptr cinfo) { return static_cast<DecodeJob*>(cinfo->client_data); }

[[noreturn]] void Abandon(DecodeJob* job, Stop stop) {
  job->stop = stop;
  std::longjmp(job->jump, 1);
}

void Remember(j_common_ptr cinfo) {
  DecodeJob* job = JobOf(cinfo);
  job->code = cinfo->err->msg_code;
  cinfo->err->format_message(cinfo, job->text);
}

[[noreturn]] void OnError(j_common_ptr cinfo) {
  Remember(cinfo);
  Abandon(JobOf(cinfo), Stop::kFatal);
}

void OnMessage(j_common_ptr) {}

// Oddities that leave no doubt about any pixel.
bool IsHarmless(const DecodeJob& job, int code) {
  return code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
         (code == JWRN_EXTRANEOUS_DATA && !job.started);
}

void CountDamage(DecodeJob* job) {
  if (job->warnings++ == 0) {
    jpeg_decompress_struct& cinfo = job->cinfo;
    job->many_scans = jpeg_has_multiple_scans(&cinfo) != 0;
    job->bad_scan = cinfo.input_scan_number;
    const long row = static_cast<long>(cinfo.input_iMCU_row) * DCTSIZE * cinfo.max_v_samp_factor;
    job->bad_row = static_cast<int>(std::min<long>(row, cinfo.image_height));
  }
  if (!job->accept) Abandon(job, Stop::kDamage);
  if (job->warnings > kMaxWarnings) Abandon(job, Stop::kWarnings);
}

void OnWarning(j_common_ptr cinfo, int level) {
  DecodeJob* job = JobOf(cinfo);
  if (level >= 0 || IsHarmless(*job, cinfo->err->msg_code)) return;
  if (job->warnings == 0) Remember(cinfo);
  CountDamage(job);
}

void OnProgress(j_common_ptr cinfo) {
  DecodeJob* job = JobOf(cinfo);
  if (job->cinfo.input_scan_number > job->max_scans) Abandon(job, Stop::kScans);
}

void InitSource(j_decompress_ptr) {}
void TermSource(j_decompress_ptr) {}

// Behind the last byte the decoder sees an end marker. That alone is no damage: the entropy
// decoder reads ahead, and warns when it really lacks data.
boolean FillInput(j_decompress_ptr cinfo) {
  static const JOCTET kEnd[] = {0xFF, JPEG_EOI};
  JobOf(reinterpret_cast<j_common_ptr>(cinfo))->ended = true;
  cinfo->src->next_input_byte = kEnd;
  cinfo->src->bytes_in_buffer = sizeof(kEnd);
  return TRUE;
}

void SkipInput(j_decompress_ptr cinfo, long count) {
  if (count <= 0) return;
  const auto skip = static_cast<std::size_t>(count);
  if (skip > cinfo->src->bytes_in_buffer) {
    FillInput(cinfo);
    return;
  }
  cinfo->src->next_input_byte += skip;
  cinfo->src->bytes_in_buffer -= skip;
}

#if JPEG_LIB_VERSION >= 70
int ScaledBlock(const jpeg_decompress_struct& cinfo) { return cinfo.min_DCT_h_scaled_size; }
int ScaledRows(const jpeg_decompress_struct& cinfo) { return cinfo.min_DCT_v_scaled_size; }
int ScaledBlock(const jpeg_component_info& part) { return part.DCT_h_scaled_size; }
#else
int ScaledBlock(const jpeg_decompress_struct& cinfo) { return cinfo.min_DCT_scaled_size; }
int ScaledRows(const jpeg_decompress_struct& cinfo) { return cinfo.min_DCT_scaled_size; }
int ScaledBlock(const jpeg_component_info& part) { return part.DCT_scaled_size; }
#endif

// jpeg_crop_scanline takes every component's block to be scaled alike when it works out how many
// columns to upsample. At reduced scale libjpeg may decode chroma from larger blocks instead of
// upsampling it; where that leaves some upsampling to do, cropping would yield garbage.
bool CanCropColumns(const jpeg_decompress_struct& cinfo) {
  for (int i = 0; i < cinfo.num_components; ++i) {
    const jpeg_component_info& part = cinfo.comp_info[i];
    const bool upsampled =
        part.h_samp_factor * ScaledBlock(part) != cinfo.max_h_samp_factor * ScaledBlock(cinfo);
    if (upsampled && ScaledBlock(part) != ScaledBlock(cinfo)) return false;
  }
  return true;
}

// Narrows decoding to columns around [x0, x1) and returns the first one decoded. Smooth upsampling
// treats the outermost columns differently, hence the margin of one iMCU on either side; it is
// switched off where less than three chroma columns are left, hence one more.
int CropColumns(jpeg_decompress_struct* cinfo, int x0, int x1) {
  const int width = static_cast<int>(cinfo->output_width);
  if (!CanCropColumns(*cinfo)) return 0;
  const int unit = ScaledBlock(*cinfo) * cinfo->max_h_samp_factor;
  const int left = (x0 / unit - 2) * unit;
  const int right = ((x1 + unit - 1) / unit + 1) * unit;
  JDIMENSION from = static_cast<JDIMENSION>(std::max(left, 0));
  JDIMENSION count = static_cast<JDIMENSION>(std::min(right, width)) - from;
  if (from == 0 && static_cast<int>(count) == width) return 0;
  jpeg_crop_scanline(cinfo, &from, &count);
  return static_cast<int>(from);
}

// Moves on to row y0. Skips to the start of an iMCU row only and drops the rest of the way:
// skipping to the middle of one is inexact in some versions of the library. Where smooth upsampling
// needs the rows above, the library itself decodes the iMCU row before the one skipped to.
void SkipRows(jpeg_decompress_struct* cinfo, int y0, JSAMPARRAY scratch) {
  const int unit = ScaledRows(*cinfo) * cinfo->max_v_samp_factor;
  const int skip = y0 / unit * unit;
  if (skip > 0) jpeg_skip_scanlines(cinfo, static_cast<JDIMENSION>(skip));
  while (static_cast<int>(cinfo->output_scanline) < y0) jpeg_read_scanlines(cinfo, scratch, 1);
}

// The formula in jpeg.h, to grey, RGB or RGBA.
void ConvertCmyk(const JSAMPLE* cmyk, std::uint8_t* out, int count, int channels, bool ink) {
  const unsigned flip = ink ? 255 : 0;
  for (int i = 0; i < count; ++i, cmyk += 4, out += channels) {
    const unsigned k = cmyk[3] ^ flip;
    const unsigned r = ((cmyk[0] ^ flip) * k + 127) / 255;
    const unsigned g = ((cmyk[1] ^ flip) * k + 127) / 255;
    const unsigned b = ((cmyk[2] ^ flip) * k + 127) / 255;
    if (channels == 1) {
      out[0] = static_cast<std::uint8_t>((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
      continue;
    }
    out[0] = static_cast<std::uint8_t>(r);
    out[1] = static_cast<std::uint8_t>(g);
    out[2] = static_cast<std::uint8_t>(b);
    if (channels == 4) out[3] = 255;
  }
}

// A file cut between two scans warns of nothing. It is whole only if every coefficient has
// arrived in full.
bool ScansMissing(DecodeJob& job) {
  jpeg_decompress_struct& cinfo = job.cinfo;
  if (!job.ended || !jpeg_has_multiple_scans(&cinfo)) return false;
  if (!cinfo.progressive_mode || cinfo.coef_bits == nullptr) return true;
  for (int c = 0; c < cinfo.num_components; ++c) {
    for (int k = 0; k < DCTSIZE2; ++k) {
      if (cinfo.coef_bits[c][k] != 0) return true;
    }
  }
  return false;
}

void ReadRegion(DecodeJob* job) {
  jpeg_decompress_struct* cinfo = &job->cinfo;
  const int left = CropColumns(cinfo, job->x0, job->x1);
  // One byte off: into aligned rows the library's colour conversion writes past the cache, and
  // reading them right back would cost more than the conversion.
  constexpr JDIMENSION kMisalign = 1;
  JSAMPARRAY scratch = (*cinfo->mem->alloc_sarray)(
      reinterpret_cast<j_common_ptr>(cinfo), JPOOL_IMAGE,
      cinfo->output_width * static_cast<JDIMENSION>(cinfo->output_components) + kMisalign, 1);
  scratch[0] += kMisalign;
  SkipRows(cinfo, job->y0, scratch);
  const bool cmyk = job->color == JCS_CMYK;
  const int columns = job->x1 - job->x0;
  const bool direct = !cmyk && static_cast<int>(cinfo->output_width) == columns;
  const JSAMPLE* first = scratch[0] + std::ptrdiff_t{job->x0 - left} * cinfo->output_components;
  const std::size_t row_bytes = static_cast<std::size_t>(columns) * cinfo->output_components;
  for (int y = job->y0; y < job->y1; ++y) {
    JSAMPROW row = job->out + job->out_stride * static_cast<std::size_t>(y - job->y0);
    if (direct) {
      jpeg_read_scanlines(cinfo, &row, 1);
      continue;
    }
    jpeg_read_scanlines(cinfo, scratch, 1);
    if (cmyk) {
      ConvertCmyk(first, row, columns, job->channels, cinfo->saw_Adobe_marker == 0);
    } else {
      std::memcpy(row, first, row_bytes);
    }
  }
}

bool RunDecode(DecodeJob* job) {
  jpeg_decompress_struct* cinfo = &job->cinfo;
  cinfo->err = jpeg_std_error(&job->errors);
  job->errors.error_exit = OnError;
  job->errors.output_message = OnMessage;
  job->errors.emit_message = OnWarning;
  cinfo->client_data = job;
  if (setjmp(job->jump) != 0) {
    jpeg_destroy_decompress(cinfo);
    return false;
  }
  jpeg_create_decompress(cinfo);
  job->source.init_source = InitSource;
  job->source.fill_input_buffer = FillInput;
  job->source.skip_input_data = SkipInput;
  job->source.resync_to_restart = jpeg_resync_to_restart;
  job->source.term_source = TermSource;
  job->source.next_input_byte = job->bytes;
  job->source.bytes_in_buffer = job->size;
  cinfo->src = &job->source;
  job->progress.progress_monitor = OnProgress;
  cinfo->progress = &job->progress;

  jpeg_read_header(cinfo, TRUE);
  if (cinfo->image_width != static_cast<JDIMENSION>(job->width) ||
      cinfo->image_height != static_cast<JDIMENSION>(job->height)) {
    Abandon(job, Stop::kSize);
  }
  job->started = true;
  cinfo->scale_num = 1;
  cinfo->scale_denom = static_cast<unsigned>(job->denominator);
  cinfo->dct_method = JDCT_ISLOW;
  cinfo->do_fancy_upsampling = TRUE;
  cinfo->do_block_smoothing = FALSE;
  if (cinfo->num_components == 4) job->color = JCS_CMYK;
  cinfo->out_color_space = job->color;
  jpeg_start_decompress(cinfo);
  if (ScansMissing(*job)) {
    job->scans_missing = true;
    CountDamage(job);
  }
  ReadRegion(job);
  // What follows the last row needed is of no interest, damaged or not.
  jpeg_destroy_decompress(cinfo);
  return true;
}

bool IsUnsupported(int code) {
  return code == JERR_NOTIMPL || code == JERR_NOT_COMPILED || code == JERR_ARITH_NOTIMPL ||
         code == JERR_FRACT_SAMPLE_NOTIMPL || code == JERR_CCIR601_NOTIMPL ||
         code == JERR_CONVERSION_NOTIMPL || code == JERR_SOF_UNSUPPORTED;
}

// The sentence about damage; `job` has at least one warning.
DataError DescribeDamage(const DecodeJob& job, bool turned) {
  constexpr const char* kRemedy = "set truncated: accept at the source to keep it";
  const char* stored = turned ? " (as stored)" : "";
  if (!job.ended) {
    const std::string scan = job.many_scans ? fmt::format(" of scan {}", job.bad_scan) : "";
    return {"DEC-DAMAGED",
            fmt::format("JPEG data damaged near row {}{} of {}{} ({})", job.bad_row, scan,
                        job.height, stored, job.text),
            kRemedy, ""};
  }
  if (job.scans_missing) {
    return {"DEC-TRUNC",
            fmt::format("JPEG ends early; scans after number {} missing", job.bad_scan), kRemedy,
            ""};
  }
  if (job.many_scans) {
    return {"DEC-TRUNC",
            fmt::format("JPEG ends early; scan {} stops at row {} of {}{}", job.bad_scan,
                        job.bad_row, job.height, stored),
            kRemedy, ""};
  }
  return {"DEC-TRUNC",
          fmt::format("JPEG ends early; rows {}..{} of {} missing{}", job.bad_row, job.height - 1,
                      job.height, stored),
          kRemedy, ""};
}

DataError Describe(const DecodeJob& job, bool turned) {
  switch (job.stop) {
    case Stop::kDamage:
      return DescribeDamage(job, turned);
    case Stop::kWarnings: {
      DataError error = DescribeDamage(job, turned);
      error.message += fmt::format("; more than {} warnings", kMaxWarnings);
      error.remedy.clear();
      return error;
    }
    case Stop::kScans:
      return {"DEC-LIMIT", fmt::format("JPEG has more than {} scans", job.max_scans),
              "raise limits.max_scans to read it", ""};
    case Stop::kSize:
      return {"DEC-DAMAGED",
              fmt::format("JPEG is {}x{} where its header says {}x{}", job.cinfo.image_width,
                          job.cinfo.image_height, job.width, job.height),
              "", ""};
    case Stop::kNone:
    case Stop::kFatal:
      break;
  }
  if (job.code == JERR_OUT_OF_MEMORY) {
    throw EnvironmentError(
        fmt::format("out of memory while decoding a JPEG of {}x{}", job.width, job.height));
  }
  if (job.code == JERR_IMAGE_TOO_BIG) {
    return {"DEC-LIMIT",
            fmt::format("JPEG is {}x{}; libjpeg reads sides up to {}", job.width, job.height,
                        JPEG_MAX_DIMENSION),
            "", ""};
  }
  if (IsUnsupported(job.code)) {
    return {"DEC-FORMAT", fmt::format("JPEG of an unsupported kind ({})", job.text), "", ""};
  }
  if (job.ended && !job.started) return {"DEC-TRUNC", "JPEG ends early, inside its header", "", ""};
  return {job.ended ? "DEC-TRUNC" : "DEC-DAMAGED",
          fmt::format("JPEG cannot be decoded ({})", job.text), "", ""};
}

J_COLOR_SPACE ColorFor(int channels) {
  switch (channels) {
    case 1:
      return JCS_GRAYSCALE;
    case 3:
      return JCS_RGB;
    case 4:
      return JCS_EXT_RGBA;
    default:
      break;
  }
  PIXLOOM_CHECK(false, fmt::format("{} channels asked of a JPEG", channels));
}

// [from, from + count) at full scale, on the grid at 1/denominator.
void Scale(int from, int count, int denominator, int* first, int* end) {
  *first = from / denominator;
  *end = (from + count + denominator - 1) / denominator;
}

}  // namespace

Result<DecodedImage> DecodeJpeg(std::span<const std::uint8_t> bytes, const ImageHeader& header,
                                const DecodeRequest& request, int max_scans) {
  const int denominator = request.denominator;
  PIXLOOM_CHECK(denominator == 1 || denominator == 2 || denominator == 4 || denominator == 8,
                fmt::format("denominator {}", denominator));
  const Size upright = header.UprightSize();
  const cv::Rect whole(0, 0, upright.width, upright.height);
  const cv::Rect region = request.region.empty() ? whole : request.region;
  PIXLOOM_CHECK(
      (region & whole) == region && region.x % denominator == 0 && region.y % denominator == 0,
      fmt::format("region {}x{}+{}+{} of {}x{} at 1/{}", region.width, region.height, region.x,
                  region.y, upright.width, upright.height, denominator));

  // Mirroring happens on the scaled grid, whose last column may stand for less than a full cell.
  const Size scaled{(header.size.width + denominator - 1) / denominator,
                    (header.size.height + denominator - 1) / denominator};
  int x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  Scale(region.x, region.width, denominator, &x0, &x1);
  Scale(region.y, region.height, denominator, &y0, &y1);
  const cv::Rect stored =
      StoredRegion(cv::Rect(x0, y0, x1 - x0, y1 - y0), scaled, header.orientation);

  const int channels = request.channels != 0 ? request.channels : header.channels;
  DecodeJob job{};
  job.bytes = bytes.data();
  job.size = bytes.size();
  job.width = header.size.width;
  job.height = header.size.height;
  job.denominator = denominator;
  job.color = ColorFor(channels);
  job.channels = channels;
  job.max_scans = max_scans;
  job.accept = request.truncated == TruncatedPolicy::kAccept;
  job.x0 = stored.x;
  job.x1 = stored.x + stored.width;
  job.y0 = stored.y;
  job.y1 = stored.y + stored.height;

  cv::Mat pixels(stored.height, stored.width, CV_8UC(channels));
  job.out = pixels.data;
  job.out_stride = pixels.step[0];
  if (!RunDecode(&job)) return Describe(job, header.orientation > 1);
  return DecodedImage{TurnUpright(pixels, header.orientation), job.warnings};
}

}  // namespace pixloom
