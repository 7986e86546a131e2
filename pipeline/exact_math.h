// SPDX-License-Identifier: Apache-2.0
// Elementary functions that give the same bits on every machine.
//
// The C library picks other code on CPUs with fused multiply-add, so its results differ in the last
// place between machines. These use only IEEE +, -, *, / and bit operations in a fixed order (the
// build forbids contraction). Accurate to about 4e-15 relative (Exp, Log, Pow) and 1e-15 absolute
// (Sin, Cos, Atan2) over the ranges used here. Pure functions.
#pragma once

#include <cstdint>

namespace pixloom::exact {

inline constexpr double kPi = 3.14159265358979323846;

double Exp(double x);
double Log(double x);            // x > 0
double Pow(double x, double y);  // x >= 0
double Sin(double x);            // |x| < 1e6
double Cos(double x);
double Atan2(double y, double x);

}  // namespace pixloom::exact
