// SPDX-License-Identifier: Apache-2.0
// Expressions over a sample: what `filter` keeps and `switch` chooses by.
//
//   width >= 64 and objects > 0          size, labels
//   class in [cat, dog] or has(person)   class of the picture, classes of objects
//   brightness < 0.25 and noise > 0.02   measured on the pixels (pipeline/measure.h)
//
//   or        not        < <= > >= == !=  0.2 < brightness < 0.8      + - * /   ( )
//   and                  in [a, b]        not in [a, b]               unary -
//
// Values are numbers, text or truth; what does not fit together is found when the text is parsed. A
// word that is no name of its own is text where text is compared: class == cat. The names and
// functions are listed in expression_names.cc.
//
// Parsed once; immutable and shared by all threads afterwards.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/error.h"
#include "pipeline/sample.h"

namespace pixloom {

class Measurements;  // pipeline/measure.h

// What expressions have asked about one sample. Nothing is looked up or measured twice, so give the
// same one to all that are asked in turn. The sample must outlive it and not change meanwhile.
// Belongs to one thread.
class SampleFacts {
 public:
  explicit SampleFacts(const Sample& sample);
  ~SampleFacts();
  SampleFacts(const SampleFacts&) = delete;
  SampleFacts& operator=(const SampleFacts&) = delete;

  // Numbers that were looked up or measured, in the order they were asked for: "brightness",
  // "count(cat)". Functions that answer yes or no stand as 1 or 0.
  const std::vector<std::pair<std::string, double>>& Seen() const { return seen_; }

  const Sample& sample() const { return sample_; }
  Measurements& Measured();
  // The number of that name, from `find` when it is asked for the first time.
  template <class Find>
  double Number(const std::string& name, Find find) {
    for (const auto& [known, value] : seen_) {
      if (known == name) return value;
    }
    const double value = find();
    seen_.emplace_back(name, value);
    return value;
  }

 private:
  const Sample& sample_;
  std::unique_ptr<Measurements> measured_;
  std::vector<std::pair<std::string, double>> seen_;
};

class Expression {
 public:
  struct Node;  // of the tree, in expression_tree.h

  // The expression, or what is wrong with the text and where: "at 7: expected a value, got 'and'".
  static Result<Expression, std::string> Parse(std::string_view text);

  // Whether it measures pixels: they must be decoded then.
  bool NeedsPixels() const;

  // What the sample lacks for this expression: a picture, a scalar without a default.
  std::optional<DataError> Lacks(const Sample& sample) const;

  // Whether it holds. REQUIRES: the sample lacks nothing, and is decoded if NeedsPixels().
  bool Holds(SampleFacts& facts) const;
  // The same for one that is asked alone. What was looked up is appended to `seen`.
  bool Holds(const Sample& sample,
             std::vector<std::pair<std::string, double>>* seen = nullptr) const;

  // As it was written.
  const std::string& Text() const { return text_; }

 private:
  Expression() = default;

  std::string text_;
  std::shared_ptr<const Node> root_;
};

}  // namespace pixloom
