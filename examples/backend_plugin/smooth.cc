// SPDX-License-Identifier: Apache-2.0
// A backend for networks of one's own format: text files that list filters, one per line.
//
//   smooth 1
//   channels 3
//   kernel 1 2 1  2 4 2  1 2 1     3x3 weights, for each channel alone; edges repeat
//   scale 0.0625 0                 x * 0.0625 + 0
//
// A graph takes "x" and gives "y", both N x channels x H x W with any N, H and W.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "models/plugin.h"

namespace {

using namespace pixloom::plugin;

struct Layer {
  bool kernel = false;
  std::array<float, 9> numbers{};  // weights, or factor and offset
};

struct Filters {
  std::int64_t channels = 0;
  std::vector<Layer> layers;
};

[[noreturn]] void Refuse(const std::string& path, int line, const std::string& why) {
  throw Error(PIXLOOM_BAD_MODEL, path + ":" + std::to_string(line) + ": " + why);
}

Filters ReadFilters(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!std::getline(file, text) || text != "smooth 1") {
    Refuse(path, 1, "expected the line 'smooth 1'");
  }
  Filters filters;
  for (int line = 2; std::getline(file, text); ++line) {
    std::istringstream words(text);
    std::string word;
    if (!(words >> word)) continue;
    Layer layer;
    std::size_t count = 0;
    if (word == "channels") {
      if (!(words >> filters.channels)) Refuse(path, line, "expected a number of channels");
      continue;
    } else if (word == "kernel") {
      layer.kernel = true;
      count = 9;
    } else if (word == "scale") {
      count = 2;
    } else {
      throw Error(PIXLOOM_UNSUPPORTED_OP, path + ":" + std::to_string(line) + ": '" + word +
                                              "' is no filter; known: kernel, scale");
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!(words >> layer.numbers[i])) {
        Refuse(path, line, "'" + word + "' takes " + std::to_string(count) + " numbers");
      }
    }
    filters.layers.push_back(layer);
  }
  if (filters.channels < 1) Refuse(path, 1, "no line 'channels N' with N of at least 1");
  return filters;
}

void Convolve(const float* in, float* out, std::int64_t height, std::int64_t width,
              const std::array<float, 9>& weights) {
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      float sum = 0;
      for (std::int64_t k = 0; k < 9; ++k) {
        const std::int64_t from_y = std::clamp<std::int64_t>(y + k / 3 - 1, 0, height - 1);
        const std::int64_t from_x = std::clamp<std::int64_t>(x + k % 3 - 1, 0, width - 1);
        sum += weights[static_cast<std::size_t>(k)] * in[from_y * width + from_x];
      }
      out[y * width + x] = sum;
    }
  }
}

class Smooth : public Graph {
 public:
  // Loads, or throws what is wrong. The host asks Probe first and may then still be refused here.
  explicit Smooth(const Options& options) : filters_(ReadFilters(options.model_path)) {
    if (options.device != "cpu") {
      throw Error(PIXLOOM_NO_DEVICE, "smooth runs on cpu, not on " + options.device);
    }
  }

  Description Describe() const override {
    const Dims any{-1, filters_.channels, -1, -1};
    // Run changes nothing that two threads share, so one instance serves all of them.
    return {.inputs = {{"x", any}},
            .outputs = {{"y", any}},
            .device = "cpu",
            .runs_concurrently = true,
            .waits = false};
  }

  // The host brings tensors, normalised and batched; a plugin only computes.
  void Run(std::span<const Tensor> inputs, Outputs& outputs) override {
    const Tensor& x = inputs[0];
    if (x.dims.size() != 4 || x.dims[1] != filters_.channels) {
      throw Error(PIXLOOM_BAD_SHAPE,
                  "expected N x " + std::to_string(filters_.channels) + " x H x W");
    }
    const std::int64_t height = x.dims[2], width = x.dims[3], plane = height * width;
    float* y = outputs.Place(0, x.dims);
    std::copy_n(x.data, x.Size(), y);
    std::vector<float> before(static_cast<std::size_t>(plane));
    for (const Layer& layer : filters_.layers) {
      for (float* at = y; at != y + x.Size(); at += plane) {
        if (layer.kernel) {
          std::copy_n(at, plane, before.data());
          Convolve(before.data(), at, height, width, layer.numbers);
        } else {
          std::transform(at, at + plane, at,
                         [&](float v) { return v * layer.numbers[0] + layer.numbers[1]; });
        }
      }
    }
  }

  // Optional, and cheap: is this worth a try? `auto` goes on to the next backend if not.
  static void Probe(const std::string& path, const std::string& format, const std::string& device) {
    if (format != "smooth") throw Error(PIXLOOM_BAD_MODEL, "smooth reads no " + format);
    if (device != "cpu") throw Error(PIXLOOM_NO_DEVICE, "smooth runs on cpu, not on " + device);
    ReadFilters(path);
  }

  // Optional: what was found. One that wraps a library looks for it here, and throws
  // Error(PIXLOOM_NO_DEVICE, "libfoo.so.3 is not installed; get it from ...") when it is missing.
  static std::string Runtime() { return "smooth 1.0.0"; }

 private:
  Filters filters_;
};

}  // namespace

PIXLOOM_PLUGIN("smooth", "Smoothing filters", "1.0.0", Smooth)
