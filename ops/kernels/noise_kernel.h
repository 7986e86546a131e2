// SPDX-License-Identifier: Apache-2.0
// Gaussian noise as a pure function of stream and pixel position: the same bits for any thread
// count, CPU or row layout. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include <opencv2/core.hpp>

#include "pipeline/rng.h"

namespace pixloom {

// Standard normal variates number 4 * first_block .. 4 * first_block + count - 1 of a stream. Block
// k of the stream (four words) gives variates 4k to 4k + 3 by two Box-Muller transforms in float32.
// Each takes two words: the upper 24 bits of one, plus one, are a number u of (0, 1] in steps of
// 2^-24 and so a radius sqrt(-2 log u). Of the other the lower 23 bits are an angle from minus to
// plus an eighth of a turn, the top bit turns the sign of its cosine, and where the next bit is set
// the first variate is radius times sine and the second radius times cosine, else the other way
// round.
// Writes up to a multiple of kNormalPadding.
inline constexpr std::size_t kNormalPadding = 64;
void FillNormals(StreamKey key, std::uint32_t first_block, float* out, std::size_t count);

// Random words number 4 * first_block .. 4 * first_block + count - 1 of a stream: number i is word
// i % 4 of block i / 4. Writes up to a multiple of kNormalPadding.
void FillWords(StreamKey key, std::uint32_t first_block, std::uint32_t* out, std::size_t count);

// The same as values in [-1, 1), multiples of 2^-23.
void FillSignedUniforms(StreamKey key, std::uint32_t first_block, float* out, std::size_t count);

// v + (mean + sigma * n), on integers rounded and saturated (a tie, which needs noise of exactly
// half a level, to either side), unclamped on floats. Sigma and mean are in levels (of a float
// image: its own values). Value i of the image, row by row, takes variate i; with `per_channel`
// false all channels of pixel i take variate i. Alpha (the fourth of four channels) stays.
void AddGaussianNoise(cv::Mat& image, double sigma, double mean, bool per_channel, StreamKey key);

}  // namespace pixloom
