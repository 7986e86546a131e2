// SPDX-License-Identifier: Apache-2.0
// What stands behind a layer's verb: a scalar or list (its primary attribute) or a mapping. Wrong
// values are reported with their place, and something harmless is given back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/error.h"
#include "pipeline/value.h"

namespace pixloom {

class Attributes {
 public:
  // `known` are the keys that may stand there; the first is the primary one. Reports others. `args`
  // and `diagnostics` must outlive this.
  Attributes(std::string verb, const Value& args, std::vector<std::string> known, Position at,
             Diagnostics& diagnostics);

  const Value* Find(const std::string& key) const;
  // Without a fallback the key must be there.
  std::int64_t Int(const std::string& key, std::int64_t lo, std::int64_t hi,
                   std::optional<std::int64_t> fallback = {});
  double Number(const std::string& key, double lo, double hi, double fallback);
  bool Flag(const std::string& key, bool fallback);
  // One of `words`, the first when the key is not there.
  std::string Word(const std::string& key, const std::vector<std::string>& words);
  // The value of a key that must be there, else null.
  const Value* Need(const std::string& key);

  const std::string& Verb() const { return verb_; }
  const Position& At() const { return at_; }
  bool Ok() const { return ok_; }
  void Fail(const Position& at, const std::string& text);  // NET-VALUE, after "VERB: "

 private:
  std::string verb_;
  const Value& args_;
  std::vector<std::string> known_;
  Position at_;
  Diagnostics& diagnostics_;
  bool ok_ = true;
};

}  // namespace pixloom
