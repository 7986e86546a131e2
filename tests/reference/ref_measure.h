// SPDX-License-Identifier: Apache-2.0
// What expressions ask for, a second time: measurements in float64, and an evaluation that reads an
// expression character by character. Pure functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/reference/interpreter.h"

namespace pixloom::reference {

bool IsMeasured(std::string_view name);
// `argument`: of luma, darker and brighter. REQUIRES: IsMeasured(name).
double Measure(const Image64& image, std::string_view name, double argument = 0);

// What a name stands for. A function gets its arguments as they are written, without quotes.
struct Names {
  std::function<bool(const std::string& name)> is_text;
  std::function<double(const std::string& name, const std::vector<std::string>& arguments)> number;
  std::function<std::string(const std::string& name, const std::vector<std::string>& arguments)>
      text;
};

// Whether a correct expression holds; looks up only what decides it. Knows everything but the
// functions that take expressions (matches, min, max, abs).
bool Evaluate(const std::string& expression, const Names& names);

}  // namespace pixloom::reference
