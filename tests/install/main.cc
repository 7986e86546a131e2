// SPDX-License-Identifier: Apache-2.0
// What a user of the installed library writes.
#include <cstdio>

#include "api/pixloom.h"
#include "pipeline/error.h"

int main() {
  const pixloom::Position place{"pipeline.yaml", 1, 2};
  std::printf("%s\n", place.Text().c_str());
  return place.Text() == "pipeline.yaml:1:2" ? 0 : 1;
}
