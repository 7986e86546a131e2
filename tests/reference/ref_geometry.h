// SPDX-License-Identifier: Apache-2.0
// What the formulas of several geometric operators share. Pure functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/reference/parts.h"

namespace pixloom::reference {

using Problems = std::vector<std::string>;

double Radians(double degrees);
Matrix Shift(double x, double y);
// `degrees` counter-clockwise on a screen whose y points down.
Matrix Turn(double degrees);
// `map` about the centre of the picture.
Matrix About(Size size, const Matrix& map);

// Complains about a value that is not a whole number.
void CheckWhole(std::string_view name, double value, Problems& problems);
inline void CheckNothing(const Arguments&, const Draws&, const OpState&, Problems&) {}

// A window whose corner lies at (x, y); it looks outside only when it leaves the picture.
MapStep CutOut(double x, double y, Size window, Size in, const Arguments& args);
MapStep ResizeTo(Size in, Size out, const Arguments& args);

// Random numbers of a place, from the stream of pixels: one of two in [0, 1), two of the normal
// distribution; and what a range gives for a number in [0, 1).
double PlaceUnit(const OpState& state, int index, int pair);
Point PlaceNormal(const OpState& state, int index);
double InRange(const Range& range, double unit);
// A field from the displacement of every pixel's centre.
Field64 FieldOf(Size size, const std::function<Point(Point centre)>& displacement);

// Complains about a drawn window (x, y, width, height) that is empty or leaves the picture.
void CheckInside(const Draws& draws, const OpState& state, Problems& problems);
// The drawn window, and the same resized to the argument `size`.
std::vector<RefStep> CutDrawn(const Arguments& args, const Draws& draws, const OpState& state);
std::vector<RefStep> CutDrawnAndResize(const Arguments& args, const Draws& draws,
                                       const OpState& state);

// Flips, turns and warps; resizes, pads and perspectives; crops; displacement fields, those on
// grids apart.
const std::vector<OpRule>& MatrixRules();
const std::vector<OpRule>& SizeRules();
const std::vector<OpRule>& WindowRules();  // with those that look at objects
const std::vector<OpRule>& BoxCropRules();
const std::vector<OpRule>& FieldRules();
const std::vector<OpRule>& GridRules();

}  // namespace pixloom::reference
