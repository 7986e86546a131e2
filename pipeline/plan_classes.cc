// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan_classes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

namespace pixloom {

namespace {

// Shares are decimal fractions, which binary ones only approach: 10 times 0.3 is 3.
constexpr double kTiny = 1e-9;

std::uint64_t OrderOf(std::uint64_t id) { return Mix64(id ^ 0x73706C6974u); }

// Entries of one class in keyed order take their places on [0, n): part k holds those up to its
// edge times n. Edges are rounded with an offset that differs from class to class, so that the
// roundings of many small classes even out over all of them.
void ShareOut(const std::vector<SplitPart>& parts, std::vector<std::size_t> members,
              const std::vector<SplitUnit>& units, std::size_t stratum, std::vector<int>& part_of) {
  std::sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(OrderOf(units[a].id), a) < std::pair(OrderOf(units[b].id), b);
  });
  const double turn = static_cast<double>(stratum) * 0.6180339887498949;
  const double offset = 0.5 + turn - std::floor(0.5 + turn);
  const auto n = static_cast<double>(members.size());
  double edge = 0;
  std::size_t at = 0;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    edge += parts[p].share;
    const bool last = p + 1 == parts.size();
    // Exact shares stay exact whatever the offset.
    const double end = std::floor(n * edge + std::min(offset, 1 - 2 * kTiny) + kTiny);
    const std::size_t until =
        last ? members.size() : std::min(members.size(), static_cast<std::size_t>(end));
    for (; at < until; ++at) part_of[members[at]] = static_cast<int>(p);
  }
}

void ShareOutGroups(const std::vector<SplitPart>& parts, const std::vector<SplitUnit>& units,
                    std::vector<int>& part_of) {
  std::map<int, double> totals;
  for (const SplitUnit& unit : units) {
    for (const int c : unit.classes) totals[c] += 1;
  }
  std::vector<std::size_t> order(units.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const std::size_t m = units[a].classes.size();
    const std::size_t n = units[b].classes.size();
    if (m != n) return m > n;
    return std::pair(OrderOf(units[a].id), a) < std::pair(OrderOf(units[b].id), b);
  });
  std::vector<std::map<int, double>> have(parts.size());
  for (const std::size_t u : order) {
    std::map<int, double> adds;
    for (const int c : units[u].classes) adds[c] += 1;
    // By how much the squared distance from the wanted shares grows, relative to each class.
    std::size_t best = 0;
    double least = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      double grows = 0;
      for (const auto& [c, n] : adds) {
        const double over = have[p][c] - parts[p].share * totals[c];
        grows += n * (2 * over + n) / (totals[c] * totals[c]);
      }
      if (p == 0 || grows < least) {
        best = p;
        least = grows;
      }
    }
    part_of[u] = static_cast<int>(best);
    for (const auto& [c, n] : adds) have[best][c] += n;
  }
}

}  // namespace

std::vector<int> ClassesOf(std::span<const EntryFacts> entries) {
  std::map<int, std::uint64_t> pictures;
  for (const EntryFacts& entry : entries) {
    for (const int c : entry.classes) ++pictures[c];
  }
  std::vector<int> classes;
  classes.reserve(entries.size());
  for (const EntryFacts& entry : entries) {
    int label = entry.label.value_or(kNoClass);
    if (!entry.label) {
      for (const int c : entry.classes) {
        if (label == kNoClass || pictures[c] < pictures[label]) label = c;
      }
    }
    classes.push_back(label);
  }
  return classes;
}

std::string ClassName(int label, const LabelNames* names) {
  if (label == kNoClass) return "(no class)";
  const auto index = static_cast<std::size_t>(label);
  if (names != nullptr && label >= 0 && index < names->classes.size()) return names->classes[index];
  return std::to_string(label);
}

LabelNames UniteClasses(std::vector<EntryFacts>& entries,
                        const std::vector<const LabelNames*>& names) {
  static const LabelNames kNone;
  const auto of = [&](std::size_t i) -> const LabelNames& {
    return names[i] != nullptr ? *names[i] : kNone;
  };
  if (entries.empty()) return {};
  LabelNames common = of(0);
  const LabelNames* checked = &of(0);
  bool same = true;
  for (std::size_t i = 0; i < entries.size() && same; ++i) {
    if (&of(i) == checked) continue;  // as the one before it, most often
    checked = &of(i);
    same = checked->classes == common.classes;
  }
  if (same) return common;
  std::map<std::string, int> numbers;
  for (std::size_t c = 0; c < common.classes.size(); ++c) {
    numbers.emplace(common.classes[c], static_cast<int>(c));
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto number = [&](int label) {
      const std::string name = ClassName(label, names[i]);
      const auto [it, fresh] = numbers.emplace(name, static_cast<int>(common.classes.size()));
      if (fresh) common.classes.push_back(name);
      return it->second;
    };
    EntryFacts& facts = entries[i];
    if (facts.label) facts.label = number(*facts.label);
    for (int& c : facts.classes) c = number(c);
    std::sort(facts.classes.begin(), facts.classes.end());
  }
  return common;
}

std::string GroupPattern::Find(const std::string& key, std::uint64_t& group) const {
  // The library's search goes as deep as the text is long.
  constexpr std::size_t kLongest = 1000;
  if (key.size() > kLongest) {
    return fmt::format(
        "the key {} has {} bytes, and at most {} can be searched; take group out, or "
        "shorten it",
        Quoted(key), key.size(), kLongest);
  }
  try {
    std::smatch match;
    std::string text = key;
    if (std::regex_search(key, match, pattern_)) {
      text = match.size() > 1 && match[1].matched ? match[1].str() : match[0].str();
    }
    group = SampleId("", text);
  } catch (const std::regex_error& error) {
    return fmt::format("the key {} cannot be searched: {}", Quoted(key), error.what());
  }
  return "";
}

std::vector<std::uint64_t> Apportion(std::uint64_t total, std::span<const double> shares) {
  std::vector<std::uint64_t> parts;
  std::vector<std::pair<double, std::size_t>> rests;
  std::uint64_t given = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double exact = static_cast<double>(total) * shares[i];
    const double whole = std::floor(exact + kTiny);
    parts.push_back(static_cast<std::uint64_t>(whole));
    given += parts.back();
    rests.emplace_back(whole - exact, i);  // largest rest first
  }
  std::sort(rests.begin(), rests.end());
  for (std::size_t i = 0; given < total && i < rests.size(); ++i, ++given) ++parts[rests[i].second];
  return parts;
}

namespace {

// Splits on the longest way from a source to `node`.
std::uint64_t SplitsAbove(const Graph& graph, int node, std::vector<std::int64_t>& known) {
  auto& above = known[static_cast<std::size_t>(node)];
  if (above >= 0) return static_cast<std::uint64_t>(above);
  std::uint64_t most = 0;
  for (const Input& input : graph.nodes[static_cast<std::size_t>(node)].inputs) {
    const bool split = graph.nodes[static_cast<std::size_t>(input.node)].kind == Node::Kind::kSplit;
    most = std::max(most, SplitsAbove(graph, input.node, known) + (split ? 1 : 0));
  }
  above = static_cast<std::int64_t>(most);
  return most;
}

}  // namespace

int PartByHash(const Graph& graph, int split, std::uint64_t id) {
  const std::vector<SplitPart>& parts = graph.nodes[static_cast<std::size_t>(split)].parts;
  std::vector<std::int64_t> known(graph.nodes.size(), -1);
  if (const std::uint64_t level = SplitsAbove(graph, split, known); level > 0) {
    id = HashCombine(id, level);
  }
  const double at = static_cast<double>(OrderOf(id) >> 11) * 0x1p-53;
  double edge = 0;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    edge += parts[i].share;
    if (at < edge) return static_cast<int>(i);
  }
  return static_cast<int>(parts.size()) - 1;
}

std::vector<int> Stratify(const std::vector<SplitPart>& parts,
                          const std::vector<SplitUnit>& units) {
  std::vector<int> part_of(units.size(), 0);
  const bool single = std::all_of(units.begin(), units.end(),
                                  [](const SplitUnit& u) { return u.classes.size() == 1; });
  if (!single) {
    ShareOutGroups(parts, units, part_of);
    return part_of;
  }
  std::map<int, std::vector<std::size_t>> strata;
  for (std::size_t u = 0; u < units.size(); ++u) strata[units[u].classes[0]].push_back(u);
  std::size_t stratum = 0;
  for (auto& [label, members] : strata) {
    ShareOut(parts, std::move(members), units, stratum++, part_of);
  }
  return part_of;
}

}  // namespace pixloom
