// SPDX-License-Identifier: Apache-2.0
#include "pipeline/registry.h"

#include <algorithm>

#include "pipeline/error.h"

namespace pixloom {

std::string_view DeterminismName(Determinism d) {
  switch (d) {
    case Determinism::kExact:
      return "exact";
    case Determinism::kPerIsa:
      return "per-isa";
    case Determinism::kPerDevice:
      return "per-device";
  }
  return "?";
}

std::string Support::Text() const {
  std::string depths;
  const auto add = [](std::string& list, bool on, std::string_view name) {
    if (on) list += (list.empty() ? "" : ", ") + std::string(name);
  };
  add(depths, u8, "uint8");
  add(depths, u16, "uint16");
  add(depths, f32, "float32");
  std::string channels;
  add(channels, one, "1");
  add(channels, three, "3");
  add(channels, four, "4");
  add(channels, many, "N");
  return depths + " with " + channels + " channels";
}

bool OpInfo::Has(std::string_view step_class) const {
  return std::find(classes.begin(), classes.end(), step_class) != classes.end();
}

// An image step beside a sample step changes pixels where they are and labels to match (erasing).
bool OpInfo::IsGeometric() const {
  return Has("affine") || Has("field") || (Has("sample") && !Has("image"));
}

namespace {
template <class Table>
auto FindIn(const Table& table, std::string_view name) -> decltype(&table.begin()->second) {
  const auto it = table.find(name);
  return it == table.end() ? nullptr : &it->second;
}
}  // namespace

const OpInfo* Registry::FindOperator(std::string_view name) const {
  if (const auto alias = operator_aliases_.find(name); alias != operator_aliases_.end()) {
    name = alias->second;
  }
  return FindIn(operators_, name);
}

const SourceInfo* Registry::FindSource(std::string_view name) const {
  return FindIn(sources_, name);
}

const SinkInfo* Registry::FindSink(std::string_view name) const { return FindIn(sinks_, name); }

const WindowInfo* Registry::FindWindow(std::string_view name) const {
  return FindIn(windows_, name);
}

const PlanInfo* Registry::FindPlan(std::string_view name) const { return FindIn(plans_, name); }

const ModelInfo* Registry::FindModel(std::string_view name) const { return FindIn(models_, name); }

const ScopeInfo* Registry::FindScope(std::string_view name) const { return FindIn(scopes_, name); }

const PolicyInfo* Registry::FindPolicy(std::string_view name) const {
  return FindIn(policies_, name);
}

const ViewInfo* Registry::FindViews(std::string_view name) const { return FindIn(views_, name); }

std::vector<std::string> Registry::VerbNames() const {
  std::vector<std::string> names;
  const auto add = [&](const auto& table) {
    for (const auto& [name, info] : table) names.push_back(name);
  };
  add(operators_);
  add(sources_);
  add(sinks_);
  add(windows_);
  add(plans_);
  add(models_);
  add(scopes_);
  add(policies_);
  add(views_);
  return names;
}

OpInfo& Registry::Insert(OpInfo info) {
  const std::string name = info.name;
  info.group = groups_.back();
  for (const std::string& alias : info.aliases) operator_aliases_[alias] = name;
  const auto [it, inserted] = operators_.emplace(name, std::move(info));
  PIXLOOM_CHECK(inserted, "operator registered twice: " + name);
  return it->second;
}

}  // namespace pixloom
