// SPDX-License-Identifier: Apache-2.0
// Through a lossy file format and back. Pure.
#pragma once

#include <utility>

#include <opencv2/core.hpp>

#include "pipeline/contracts.h"

namespace pixloom {

inline Result<cv::Mat> ThroughCodec(const Codec& codec, const cv::Mat& in,
                                    const EncodeRequest& request) {
  const auto bytes = codec.Encode(in, request);
  if (!bytes) return bytes.Error();
  const auto header = codec.ReadHeader(*bytes);
  if (!header) return header.Error();
  DecodeRequest decode;
  decode.channels = in.channels();
  auto decoded = codec.Decode(*bytes, *header, decode);
  if (!decoded) return decoded.Error();
  return std::move(decoded->pixels);
}

}  // namespace pixloom
