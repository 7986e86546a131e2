// SPDX-License-Identifier: Apache-2.0
// What the formulas of several geometric operators share. Pure functions.
#pragma once

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

// Flips, turns and warps; resizes, pads and perspectives; crops; displacement fields.
const std::vector<OpRule>& MatrixRules();
const std::vector<OpRule>& SizeRules();
const std::vector<OpRule>& WindowRules();
const std::vector<OpRule>& FieldRules();

}  // namespace pixloom::reference
