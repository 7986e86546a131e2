// SPDX-License-Identifier: Apache-2.0
#include "pipeline/error.h"

#include <doctest/doctest.h>

#include <string>

namespace pixloom {
namespace {

TEST_CASE("position text shows what is known") {
  CHECK(Position{"a.yaml", 3, 7}.Text() == "a.yaml:3:7");
  CHECK(Position{"a.yaml", 0, 0}.Text() == "a.yaml");
}

TEST_CASE("diagnostics collect errors and notices in order") {
  Diagnostics diagnostics;
  diagnostics.Notice("CFG-ALIAS", {"a.yaml", 1, 1}, "read as 'hflip'");
  CHECK_FALSE(diagnostics.HasErrors());
  diagnostics.Error("CFG-KEY", {"a.yaml", 2, 5}, "unknown key 'x'");
  diagnostics.Error("CFG-RANGE", {}, "p: 2 is outside [0, 1]");
  CHECK(diagnostics.ErrorCount() == 2);
  REQUIRE(diagnostics.All().size() == 3);
  CHECK(diagnostics.All()[1].Text() == "a.yaml:2:5: error[CFG-KEY] unknown key 'x'");
  CHECK(diagnostics.All()[2].Text() == "error[CFG-RANGE] p: 2 is outside [0, 1]");
}

TEST_CASE("a configuration error lists every error and no notice") {
  Diagnostics diagnostics;
  diagnostics.Error("A", {}, "one");
  diagnostics.Notice("B", {}, "two");
  diagnostics.Error("C", {}, "three");
  CHECK(std::string(ConfigError(diagnostics).what()) == "error[A] one\nerror[C] three");
}

TEST_CASE("a result is a value or the reason why there is none") {
  Result<int> good = 7;
  REQUIRE(good.Ok());
  CHECK(*good == 7);
  Result<int> bad = DataError{"DEC-TRUNC", "ends early", "", ""};
  REQUIRE_FALSE(bad.Ok());
  CHECK(bad.Error().code == "DEC-TRUNC");
}

TEST_CASE("a failed check says that it is our bug") {
  CHECK_NOTHROW([] { PIXLOOM_CHECK(1 + 1 == 2, "arithmetic"); }());
  CHECK_THROWS_AS([] { PIXLOOM_CHECK(1 + 1 == 3, "arithmetic"); }(), InternalError);
}

}  // namespace
}  // namespace pixloom
