// SPDX-License-Identifier: Apache-2.0
// `image_folder`: pictures in a directory tree, as a source and as a sink.
//
// Source. Every regular file below `path` whose extension is .jpg, .jpeg, .png, .bmp, .webp, .tif
// or .tiff in any case, sorted by the bytes of its path relative to `path`, which is its key.
// Names starting with a dot are passed over; so are symbolic links unless `follow_symlinks` is
// set, and then a directory that contains itself is entered once. What a file holds is told by its
// bytes, not by its name. With classes kAuto the first directory of the key is the class; classes
// are numbered in byte order of their names.
//
// Sink. A sample becomes <name>.<format>, and beside it
//   <name>.json                  identity, labels, recipe; written last, so it marks a whole sample
//   <name>.<field>.<format>      further image fields
//   <name>.mask.<mask>.png       semantic masks, 8 or 16 bit
//   <name>.instances.png         instance masks: 16-bit index into "instances" + 1, 0 = nothing
// where <name> is made from key and branch alone:
//   1. the key's extension is dropped if it is exactly the output's, and kept otherwise, so that
//      a.jpg and a.png do not meet: with format png they become a.jpg.png and a.png;
//   2. "_" and the branch follow when there is a branch: a.jpg_2.png, a_2.png;
//   3. with several sources the source's name is the first directory.
// pipeline.yaml is the configuration as it ran, with the seed and every default.
// Keys without an extension, or ending like a branch, can still meet; the later one in plan order
// then gets "-" and its 16-digit id. Clips get a frame number before the extension: a.0003.png.
// Boxes are clipped to the picture, and an object with nothing left inside it is not written.
//
// Ownership: the codec given to a factory must outlive what it makes. Thread safety: as said in
// pipeline/contracts.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pipeline/contracts.h"

namespace pixloom {

enum class FolderClasses { kAuto, kNone };
enum class DecodeMode { kFast, kExact };

struct ImageFolderSourceParams {
  std::string path;
  bool recursive = true;
  bool follow_symlinks = false;
  FolderClasses classes = FolderClasses::kAuto;
  DecodeMode decode = DecodeMode::kFast;  // kExact: never at a reduced scale
  TruncatedPolicy truncated = TruncatedPolicy::kQuarantine;
  int channels = 0;                                // 0 = as in the file; 1 = grey; 3 = RGB
  std::int64_t max_bytes = std::int64_t{1} << 30;  // larger files are DEC-LIMIT
};

struct ImageFolderSinkParams {
  std::string path;
  ImageFormat format = ImageFormat::kPng;  // or kJpeg
  int quality = 95;                        // JPEG
  bool recipe = true;                      // in the sidecar
};

std::unique_ptr<Source> MakeImageFolderSource(ImageFolderSourceParams params, const Codec& codec);
std::unique_ptr<Sink> MakeImageFolderSink(ImageFolderSinkParams params, const Codec& codec);

}  // namespace pixloom
