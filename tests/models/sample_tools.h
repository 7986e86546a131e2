// SPDX-License-Identifier: Apache-2.0
// Samples made of pictures, and nodes that run on them.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/contracts.h"

namespace pixloom::testing {

inline cv::Mat NoisePicture(int rows, int cols, int type, std::uint64_t seed) {
  cv::Mat m(rows, cols, type);
  const StreamKey key{seed, 11, 12};
  std::uint32_t n = 0;
  for (int y = 0; y < rows; ++y) {
    for (int i = 0; i < cols * m.channels(); ++i) {
      const std::uint32_t word = key.Block(n++)[0];
      if (m.depth() == CV_8U) m.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(word >> 24);
      if (m.depth() == CV_16U) m.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(word >> 16);
      if (m.depth() == CV_32F) m.ptr<float>(y)[i] = static_cast<float>(word >> 8) * 0x1p-24F;
    }
  }
  return m;
}

inline std::vector<Sample> SamplesOf(const std::vector<cv::Mat>& pictures) {
  std::vector<Sample> samples;
  for (const cv::Mat& pixels : pictures) {
    Sample& sample = samples.emplace_back();
    sample.identity.id = samples.size();
    sample.images.emplace_back("image", ImageField::Of(pixels.clone()));
  }
  return samples;
}

inline const cv::Mat& PixelsOf(const Sample& sample) {
  return sample.images[0].second.frames[0].pixels;
}

inline bool SamePixels(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return false;
  for (int y = 0; y < a.rows; ++y) {
    if (std::memcmp(a.ptr(y), b.ptr(y), static_cast<std::size_t>(a.cols) * a.elemSize()) != 0) {
      return false;
    }
  }
  return true;
}

// As one block. The draws of a sample depend on its id.
inline std::vector<std::optional<DataError>> RunOn(ModelOperator& node,
                                                   std::vector<Sample>& samples,
                                                   bool may_shrink = false,
                                                   std::vector<Rng::Record>* draws = nullptr,
                                                   std::span<const std::string> fields = {}) {
  std::vector<Rng::Record> records(samples.size());
  std::vector<ModelOperator::Item> items;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    items.push_back({&samples[i], fields, Rng({77, samples[i].identity.id, 5}, &records[i])});
  }
  auto errors = node.Run(items, may_shrink);
  if (draws != nullptr) *draws = std::move(records);
  return errors;
}

// The first error as "CODE message", "" without any.
inline std::string ErrorsOf(ModelOperator& node, std::vector<Sample>& samples,
                            bool may_shrink = false, std::vector<Rng::Record>* draws = nullptr,
                            std::span<const std::string> fields = {}) {
  for (const auto& error : RunOn(node, samples, may_shrink, draws, fields)) {
    if (error) return error->code + " " + error->message;
  }
  return "";
}

}  // namespace pixloom::testing
