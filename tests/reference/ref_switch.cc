// SPDX-License-Identifier: Apache-2.0
// A switch, from its recipe: what was measured there must be what the pictures here give, and the
// case must be the first that holds for those numbers.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "tests/reference/interpreter.h"
#include "tests/reference/ref_measure.h"

namespace pixloom::reference {

namespace {

// Pixels may differ by a level where they were resampled, and what is measured by a little more.
bool IsClose(std::string_view name, double own, double recorded) {
  if (!IsMeasured(name)) return own == recorded;
  return std::abs(own - recorded) <= 0.006 + 0.03 * std::abs(own);
}

}  // namespace

std::string Interpreter::OwnText(const std::string& name,
                                 const std::vector<std::string>& arguments) const {
  if (name == "key") return key_;
  if (name == "source") return source_;
  if (name == "depth") return DepthName(fields_.front().frames.front().pixels.depth);
  if (name == "class") {
    if (!labels_.label) return "";
    const auto index = static_cast<std::size_t>(*labels_.label);
    return names_ && index < names_->classes.size() ? names_->classes[index]
                                                    : std::to_string(*labels_.label);
  }
  const auto it = text_.find(arguments.at(0));
  return it != text_.end() ? it->second : arguments.at(1);
}

// Nothing for what is not worked out here.
std::optional<double> Interpreter::OwnNumber(const std::string& name,
                                             const std::vector<std::string>& arguments) const {
  const Size size = CurrentSize();
  const auto count_objects = [&](auto fits) {
    return static_cast<double>(std::count_if(instances_.begin(), instances_.end(), fits));
  };
  if (name == "width") return size.width;
  if (name == "height") return size.height;
  if (name == "aspect") return static_cast<double>(size.width) / size.height;
  if (name == "area") return static_cast<double>(size.width) * size.height;
  if (name == "objects") return static_cast<double>(instances_.size());
  if (name == "boxes") return count_objects([](const Instance& i) { return i.quad.has_value(); });
  if (name == "masks") return static_cast<double>(masks_.size());
  if (name == "frames") return static_cast<double>(fields_.front().frames.size());
  if (name == "copy") return identity_.branch.empty() ? 0 : identity_.branch.back();
  if (name == "scalar") {
    const auto it = scalars_.find(arguments[0]);
    return it != scalars_.end() ? it->second : std::stod(arguments.at(1));
  }
  if (name == "count" || name == "has") {
    const double count = count_objects([&](const Instance& instance) {
      if (!instance.label || !names_) return false;
      const auto index = static_cast<std::size_t>(*instance.label);
      return index < names_->classes.size() && names_->classes[index] == arguments[0];
    });
    return name == "count" ? count : std::min(count, 1.0);
  }
  if (IsMeasured(name)) {
    const Image64& picture = fields_.front().frames.front().pixels;
    return Measure(picture, name, arguments.empty() ? 0 : std::stod(arguments[0]));
  }
  return std::nullopt;
}

void Interpreter::ReplaySwitch(const ChainStep& step, const RecipeEntry& entry) {
  ClosePending();
  std::set<std::string> asked;
  Names names;
  names.is_text = [](const std::string& name) {
    return name == "class" || name == "key" || name == "source" || name == "depth" ||
           name == "text";
  };
  names.text = [&](const std::string& name, const std::vector<std::string>& arguments) {
    return OwnText(name, arguments);
  };
  names.number = [&](const std::string& name, const std::vector<std::string>& arguments) {
    const std::string written =
        arguments.empty() ? name : fmt::format("{}({})", name, fmt::join(arguments, ", "));
    const bool first = asked.insert(written).second;
    const auto it = std::find_if(entry.draws.begin(), entry.draws.end(),
                                 [&](const auto& draw) { return draw.first == written; });
    if (it == entry.draws.end()) {
      Problem(fmt::format("'{}' did not record {}", *step.stream, written));
      return 0.0;
    }
    const std::optional<double> own = first ? OwnNumber(name, arguments) : std::nullopt;
    if (own && !IsClose(name, *own, it->second)) {
      Problem(fmt::format("'{}' recorded {} = {}, here it is {}", *step.stream, written, it->second,
                          *own));
    }
    return it->second;
  };
  std::size_t picked = step.children.size();
  for (std::size_t i = 0; i < step.children.size() && picked == step.children.size(); ++i) {
    const ChainStep& one = step.children[i];
    if (one.when != nullptr && one.when->NeedsPixels()) {
      for (FieldState& field : fields_) {
        for (FrameState& frame : field.frames) {
          if (stopped_ || !Decode(frame, field.range, 1)) return;
        }
      }
    }
    if (one.when == nullptr || Evaluate(one.when->Text(), names)) picked = i;
  }
  double recorded = static_cast<double>(step.children.size());
  for (const auto& [name, value] : entry.draws) {
    if (name == "picked") {
      recorded = value;
    } else if (!asked.contains(name)) {
      Problem(fmt::format("'{}' recorded {}, which decides nothing", *step.stream, name));
    }
  }
  if (recorded != static_cast<double>(picked)) {
    Problem(fmt::format("'{}' picked case {}, what it recorded says {}", *step.stream, recorded,
                        picked));
    stopped_ = true;
  }
  if (!stopped_ && picked < step.children.size()) ReplayAll(step.children[picked].children);
}

}  // namespace pixloom::reference
