// SPDX-License-Identifier: Apache-2.0
// The JSON that stands beside a picture: identity, labels, recipe. Pure functions.
//
// Strings that are not UTF-8 are written with \xNN for the odd bytes; a key then also appears as
// "key_base64". Numbers are the shortest that read back equal; NaN and infinity become null.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "datasets/visible_parts.h"
#include "pipeline/sample.h"

namespace pixloom {

// Files beside the sidecar, by base name.
struct SidecarFiles {
  std::string image;
  std::vector<std::pair<std::string, std::vector<std::string>>> fields;  // name -> frames
  std::vector<std::pair<std::string, std::string>> masks;                // name -> file
  std::string instances;                                                 // "" = none
};

// REQUIRES: the main image is decoded. Boxes are clipped to it, and keypoints outside it become
// invisible (0).
std::string SidecarJson(const Sample& sample, const std::vector<const Instance*>& visible,
                        const SidecarFiles& files, bool with_recipe);

// The same sidecar after the files of the sample were renamed from `base`... to `renamed`...
std::string RenameInSidecar(const std::string& json, const std::string& base,
                            const std::string& renamed);

}  // namespace pixloom
