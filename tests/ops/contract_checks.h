// SPDX-License-Identifier: Apache-2.0
// What every operator must keep, as functions that list what is broken: contract_test.cc holds the
// built-in operators to it, and proves with bad ones that a breach is found.
//
// Each line starts with the operator's name. Pure but for running pipelines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/registry.h"

namespace pixloom::testing {

using Violations = std::vector<std::string>;

// Arguments that make an operator do something worth looking at; "" for operators that need none.
struct SampleArguments {
  std::string_view op;
  std::string_view yaml;  // inside of a flow mapping
};
const std::vector<SampleArguments>& ArgumentTable();

// The table's arguments. An operator that cannot do without and is not there is a violation.
std::string ArgumentsFor(const OpInfo& op, Violations& violations);

// Docs, units, ranges, defaults, names.
Violations CheckSchema(const OpInfo& op);
// Arguments survive YAML -> operator -> Arguments() -> YAML; values outside are refused.
Violations CheckArguments(const OpInfo& op);
// Works on every pixel type and size it says, and is refused on the others; tells the truth about
// what it makes.
Violations CheckPixelTypes(const OpInfo& op, const Registry& registry);
// One identity gives one result, another another; threads and passes change nothing.
Violations CheckDraws(const OpInfo& op, const Registry& registry);
// Photometric operators leave labels alone; geometric ones move them with the pixels.
Violations CheckLabels(const OpInfo& op, const Registry& registry);
// One that claims to be fixed makes the same of a picture whoever asks, with plain numbers and any
// choice but "random".
Violations CheckFixed(const OpInfo& op, const Registry& registry);
// Pixels and masks that are shared stay as they are.
Violations CheckSharing(const OpInfo& op, const Registry& registry);

// All of them.
Violations CheckOperator(const OpInfo& op, const Registry& registry);

}  // namespace pixloom::testing
