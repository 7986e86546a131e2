// SPDX-License-Identifier: Apache-2.0
// The words that manifests use, for reading and writing. Constants.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "models/manifest.h"

namespace pixloom {

template <class T, std::size_t n>
using Words = std::array<std::pair<std::string_view, T>, n>;

inline constexpr Words<ModelRole, 6> kRoleWords{{{"enhancer", ModelRole::kEnhancer},
                                                 {"autoencoder", ModelRole::kAutoencoder},
                                                 {"vae", ModelRole::kVae},
                                                 {"generator", ModelRole::kGenerator},
                                                 {"sequence", ModelRole::kSequence},
                                                 {"classifier", ModelRole::kClassifier}}};

inline constexpr Words<PictureInput::Color, 4> kColorWords{{{"gray", PictureInput::Color::kGray},
                                                            {"rgb", PictureInput::Color::kRgb},
                                                            {"bgr", PictureInput::Color::kBgr},
                                                            {"y", PictureInput::Color::kY}}};

inline constexpr Words<PictureOutput::Kind, 2> kOutputWords{
    {{"image", PictureOutput::Kind::kImage}, {"residual", PictureOutput::Kind::kResidual}}};

inline constexpr Words<bool, 2> kSignWords{{{"subtract", true}, {"add", false}}};

inline constexpr Words<Tiling::Mode, 3> kTilingWords{{{"supported", Tiling::Mode::kSupported},
                                                      {"discouraged", Tiling::Mode::kDiscouraged},
                                                      {"never", Tiling::Mode::kNever}}};

template <class T, std::size_t n>
constexpr std::string_view WordOf(const Words<T, n>& words, T value) {
  for (const auto& [word, meaning] : words) {
    if (meaning == value) return word;
  }
  return "";
}

}  // namespace pixloom
