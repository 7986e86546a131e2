// SPDX-License-Identifier: Apache-2.0
// network FILE: runs a file of the plugin in examples/backend_plugin by way of the installed
// library, and compares what comes out.
#include <cstdio>
#include <vector>

#include "models/backends.h"

namespace {

float* PlaceIn(void* context, std::uint32_t, std::uint32_t ndim, const std::int64_t* dims) {
  std::size_t size = 1;
  for (std::uint32_t i = 0; i < ndim; ++i) size *= static_cast<std::size_t>(dims[i]);
  auto& memory = *static_cast<std::vector<float>*>(context);
  memory.assign(size, -1);
  return memory.data();
}

// A single 1 in each plane becomes a cross of 1.5 on 1; at the edge it counts twice.
bool RunsBatch(const pixloom_backend& api, void* self, std::int64_t batch) {
  constexpr std::size_t kPlane = 3 * 4;
  const std::size_t planes = static_cast<std::size_t>(batch) * 2;
  std::vector<float> x(planes * kPlane, 0), expected;
  for (std::size_t p = 0; p < planes; ++p) {
    x[p * kPlane + 1 * 4 + (p % 2 == 0 ? 1 : 0)] = 1;
    const std::vector<float> inside{1, 1.5, 1, 1, 1.5, 1.5, 1.5, 1, 1, 1.5, 1, 1};
    const std::vector<float> edge{1.5, 1, 1, 1, 2, 1.5, 1, 1, 1.5, 1, 1, 1};
    const std::vector<float>& plane = p % 2 == 0 ? inside : edge;
    expected.insert(expected.end(), plane.begin(), plane.end());
  }
  const pixloom_tensor input{x.data(), 4, {batch, 2, 3, 4}};
  std::vector<float> y;
  pixloom_outputs outputs{sizeof outputs, &y, PlaceIn};
  return api.run(self, &input, 1, &outputs) == PIXLOOM_OK && y == expected;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto backend = pixloom::OpenBackend("smooth");
  if (!backend) {
    std::printf("%s\n", backend.Error().c_str());
    return 1;
  }
  const pixloom_backend& api = *(*backend)->api;
  pixloom_options options{};
  options.struct_size = sizeof options;
  options.model_path = argv[1];
  options.format = "smooth";
  options.device = "cpu";
  options.threads = 1;
  void* self = nullptr;
  if (api.probe(argv[1], "smooth", "cpu") != PIXLOOM_OK ||
      api.create(&options, &self) != PIXLOOM_OK) {
    std::printf("%s\n", api.last_error(nullptr));
    return 1;
  }
  const bool good = RunsBatch(api, self, 1) && RunsBatch(api, self, 3) && RunsBatch(api, self, 1);
  api.destroy(self);
  std::printf("%s\n", good ? "as expected" : "other numbers than expected");
  return good ? 0 : 1;
}
