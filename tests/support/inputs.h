// SPDX-License-Identifier: Apache-2.0
// Samples of every kind a chain may meet, by name, and a source verb `given` that hands them out:
// small and odd sizes, every pixel type, labelled scenes, JPEG files that are decoded when needed,
// clips, a second field. Pure functions of the name and the index.
#pragma once

#include <string>
#include <vector>

#include "pipeline/registry.h"
#include "pipeline/sample.h"

namespace pixloom::testing {

// TYPExCHANNELS@WIDTHxHEIGHT ("u8x3@7x5", "f32x1@101x99"), "scene", "scene_turned", "scene_large",
// "jpeg", "jpeg_odd", "jpeg_grey", "jpeg_exact", "exif2".."exif8", "exif6_odd", "pair",
// "pair_jpeg", "clip", "frames" (a clip without objects and masks). Identity stays empty.
Sample MakeInput(const std::string& name, int index);

// The built-in verbs, `given: NAME` (three entries "0", "1", "2") and the sink `nowhere`.
const Registry& RegistryWithInputs();

}  // namespace pixloom::testing
