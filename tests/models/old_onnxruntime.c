/* SPDX-License-Identifier: Apache-2.0 */
/* An ONNX Runtime that is too old: says its version, and must not be asked for more. */
#include <stdint.h>
#include <stdlib.h>

struct api_base {
  const void* (*get_api)(uint32_t);
  const char* (*get_version)(void);
};

static const void* get_api(uint32_t version) {
  (void)version;
  abort();
}
static const char* get_version(void) { return "1.9.2"; }
static const struct api_base base = {get_api, get_version};

const struct api_base* OrtGetApiBase(void);
const struct api_base* OrtGetApiBase(void) { return &base; }
