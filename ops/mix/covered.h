// SPDX-License-Identifier: Apache-2.0
// What becomes of objects that something is laid over: as under the holes of erasing operators
// (ops/erase/erase.h). Values.
#pragma once

#include "ops/erase/erase.h"

namespace pixloom {

// A base class, whose table follows the operator's own parameters.
struct Covered {
  double min_area = 0;
  double min_visibility = 0;
  bool shrink = true;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, double>("min_area", &Op::min_area)
            .In(0, 1e10)
            .Unit("px^2")
            .Doc("Least visible area of an object that was cut or covered."),
        Param<Op, double>("min_visibility", &Op::min_visibility)
            .In(0, 1)
            .Unit("share")
            .Alias("min_visibility_after_paste")
            .Doc("Least visible share of its original area; what is wholly cut away or covered "
                 "goes at 0 too."),
        Param<Op, bool>("shrink", &Op::shrink)
            .Doc("Shrink the box of a covered object to what is left visible of it; its polygons "
                 "keep their outline.")};
  }

  LabelRule Labels() const {
    LabelRule rule;
    rule.min_area = min_area;
    rule.min_visibility = min_visibility;
    rule.shrink = shrink;
    return rule;
  }
};

}  // namespace pixloom
