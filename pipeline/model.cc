// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model.h"

#include <algorithm>

#include <fmt/format.h>

namespace pixloom {

namespace {

struct Picture {
  std::size_t sample = 0;
  cv::Mat* pixels = nullptr;
};

bool Alike(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type();
}

}  // namespace

std::vector<std::optional<DataError>> RunModel(SharedModel& model,
                                               const std::vector<std::string>& fields,
                                               std::span<Sample* const> samples) {
  std::vector<std::optional<DataError>> errors(samples.size());
  std::vector<Picture> waiting;
  for (std::size_t s = 0; s < samples.size(); ++s) {
    for (auto& [name, field] : samples[s]->images) {
      const bool taken =
          fields.empty() || std::find(fields.begin(), fields.end(), name) != fields.end();
      if (!taken) continue;
      for (Frame& frame : field.frames) waiting.push_back({s, &frame.pixels});
    }
  }
  const auto size = static_cast<std::size_t>(std::max(model.enhancer->BatchSize(), 1));
  while (!waiting.empty()) {
    std::vector<Picture> chosen, left;
    for (const Picture& picture : waiting) {
      const bool fits = chosen.size() < size && Alike(*picture.pixels, *waiting.front().pixels);
      (fits ? chosen : left).push_back(picture);
    }
    waiting = std::move(left);
    std::vector<cv::Mat> batch;
    for (const Picture& picture : chosen) batch.push_back(*picture.pixels);
    batch.resize(size, batch.back());
    const auto made = [&] {
      const std::lock_guard lock(model.busy);
      return model.enhancer->Run(batch);
    }();
    if (!made) {
      for (const Picture& picture : chosen) errors[picture.sample] = made.Error();
      continue;
    }
    PIXLOOM_CHECK((*made).size() == size, "a model returned another number of pictures");
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      PIXLOOM_CHECK(Alike((*made)[i], *chosen[i].pixels), "a model changed the size or type");
      *chosen[i].pixels = (*made)[i];
    }
  }
  return errors;
}

}  // namespace pixloom
