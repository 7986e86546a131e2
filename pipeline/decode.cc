// SPDX-License-Identifier: Apache-2.0
#include "pipeline/decode.h"

#include <algorithm>
#include <cmath>

#include "pipeline/chain.h"
#include "pipeline/lower.h"

namespace pixloom {

namespace {

int CeilDiv(int a, int b) { return (a + b - 1) / b; }

DecodeRequest RequestFor(const EncodedImage& encoded) {
  DecodeRequest request;
  request.channels = encoded.channels;
  request.truncated =
      encoded.accept_truncated ? TruncatedPolicy::kAccept : TruncatedPolicy::kQuarantine;
  return request;
}

// The group as it reads a picture decoded at 1/d.
AffineGroup ScaledGroup(const AffineGroup& group, int d) {
  if (d == 1) return group;
  AffineGroup scaled = group;
  scaled.map = group.map * Matrix::Scale(d, d);
  scaled.in = {CeilDiv(group.in.width, d), CeilDiv(group.in.height, d)};
  if (group.window) {
    const cv::Rect& w = *group.window;
    const int x0 = w.x / d;
    const int y0 = w.y / d;
    scaled.window =
        cv::Rect(x0, y0, CeilDiv(w.x + w.width, d) - x0, CeilDiv(w.y + w.height, d) - y0);
  }
  return scaled;
}

// How far from what an output pixel covers its taps may lie, with a pixel or two to spare. Kinds
// that do not widen in a warp reach no farther there.
double Reach(Resampling resampling, double shrink) {
  const double widened = std::max(shrink, 1.0);
  switch (resampling) {
    case Resampling::kNearest:
    case Resampling::kLinear:
      return 2;
    case Resampling::kCubic:
      return 4;
    case Resampling::kArea:
    case Resampling::kAntialias:
      return 2 + std::ceil(widened);
    case Resampling::kAntialiasCubic:
      return 2 + std::ceil(2 * widened);
    case Resampling::kLanczos:
      return 2 + std::ceil(3 * widened);
  }
  return 2;
}

// The part of the (scaled) source that taps of `group` can touch; the whole when in doubt.
cv::Rect NeededRegion(const AffineGroup& group) {
  const cv::Rect whole(0, 0, group.in.width, group.in.height);
  if (!group.map.IsAffine()) return whole;
  const Matrix back = group.map.Inverse();
  Quad corners = BoxQuad(0, 0, group.out.width, group.out.height);
  for (Point& p : corners) p = back(p);
  const auto b = Bounds(corners);
  // Source pixels per output pixel, along each source axis.
  const double shrink_x = std::abs(back.m[0]) + std::abs(back.m[1]);
  const double shrink_y = std::abs(back.m[3]) + std::abs(back.m[4]);
  // A group that prefilters averages over blocks of the whole picture's grid.
  if (!group.IsAxisAligned() && std::max(shrink_x, shrink_y) >= 2) return whole;
  const double margin_x = Reach(group.resampling, shrink_x);
  const double margin_y = Reach(group.resampling, shrink_y);
  // Taps near an edge read what a mirrored or wrapped border puts there, which may be far away.
  const bool at_edge = b[0] < margin_x || b[1] < margin_y || b[2] > group.in.width - margin_x ||
                       b[3] > group.in.height - margin_y;
  const bool mirrors = group.border.mode == Border::kReflect ||
                       group.border.mode == Border::kReflect101 ||
                       group.border.mode == Border::kWrap;
  if (at_edge && mirrors) return whole;
  const int x0 = static_cast<int>(std::floor(std::max(0.0, b[0] - margin_x)));
  const int y0 = static_cast<int>(std::floor(std::max(0.0, b[1] - margin_y)));
  const int x1 = static_cast<int>(std::ceil(std::min<double>(group.in.width, b[2] + margin_x)));
  const int y1 = static_cast<int>(std::ceil(std::min<double>(group.in.height, b[3] + margin_y)));
  cv::Rect region = cv::Rect(x0, y0, x1 - x0, y1 - y0) & whole;
  if (group.window) region &= *group.window;
  // Everything lies outside the picture: rare enough to decode it all.
  if (region.empty()) return whole;
  return region;
}

}  // namespace

Result<DecodedView> DecodeFor(const EncodedImage& encoded, const AffineGroup& group,
                              const Codec& codec, bool push_down) {
  const bool scalable = encoded.header->format == ImageFormat::kJpeg && !encoded.exact;
  int d = scalable ? DecodeDenominator(group) : 1;
  // Blocks are counted from the stored corner; where orientation moves that corner, the grid of a
  // reduced decode fits the upright picture only when the size is a multiple.
  if (encoded.header->orientation != 1) {
    while (d > 1 && (group.in.width % d != 0 || group.in.height % d != 0)) d /= 2;
  }
  DecodedView result;
  result.group = ScaledGroup(group, d);
  const Size full = result.group.in;
  cv::Rect region(0, 0, full.width, full.height);
  if (push_down) region = NeededRegion(result.group);

  DecodeRequest request = RequestFor(encoded);
  request.denominator = d;
  const bool whole = region.width == full.width && region.height == full.height;
  if (!whole) {
    const int x1 = std::min(group.in.width, (region.x + region.width) * d);
    const int y1 = std::min(group.in.height, (region.y + region.height) * d);
    request.region = cv::Rect(region.x * d, region.y * d, x1 - region.x * d, y1 - region.y * d);
  }
  auto decoded = codec.Decode(encoded.bytes, *encoded.header, request);
  if (!decoded) return decoded.Error();
  PIXLOOM_CHECK(decoded->pixels.cols == region.width && decoded->pixels.rows == region.height,
                "the codec returned another size than asked for");
  result.view.pixels = std::move(decoded->pixels);
  result.view.origin = {region.x, region.y};
  result.view.full = full;
  result.warnings = decoded->warnings;
  return result;
}

std::optional<DataError> DecodeFrame(Frame& frame, const Codec& codec, int* warnings) {
  if (frame.Decoded()) return std::nullopt;
  auto decoded =
      codec.Decode(frame.encoded->bytes, *frame.encoded->header, RequestFor(*frame.encoded));
  if (!decoded) return decoded.Error();
  frame.pixels = std::move(decoded->pixels);
  frame.encoded.reset();
  *warnings += decoded->warnings;
  return std::nullopt;
}

std::optional<DataError> DecodeAll(Sample& sample, const Codec& codec) {
  int warnings = 0;
  for (auto& [name, field] : sample.images) {
    for (Frame& frame : field.frames) {
      if (auto error = DecodeFrame(frame, codec, &warnings)) return error;
    }
  }
  if (warnings > 0) sample.scalars["decode_warnings"] += warnings;
  return std::nullopt;
}

}  // namespace pixloom
