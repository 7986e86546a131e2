// SPDX-License-Identifier: Apache-2.0
// How a plan is made: list the sources, look at their entries where somebody asks, let the plan
// nodes choose, put what is left in order, and count what is not.
#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "pipeline/error.h"
#include "pipeline/plan.h"
#include "pipeline/plan_classes.h"
#include "pipeline/plan_explain.h"
#include "pipeline/survey.h"

namespace pixloom {

namespace {

constexpr std::size_t kMostClasses = 20;  // in a table of notices

// One entry, or one copy of it, on its way through the graph.
struct Place {
  std::uint32_t lane = 0;
  std::uint32_t entry = 0;
  std::uint32_t copy = 0;
  std::int32_t repeater = -1;
};
using Places = std::vector<Place>;

}  // namespace

class PlanMaker {
 public:
  PlanMaker(const Graph& graph, const PlanOptions& options) : graph_(graph), options_(options) {}

  Plan Run() {
    lane_of_.assign(graph_.nodes.size(), -1);
    next_.resize(graph_.nodes.size());
    plan_.left_out_.resize(graph_.nodes.size());
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) ListSource(static_cast<int>(n));
    ThrowErrors();
    FindWays();
    if (!Look()) {
      plan_.interrupted_ = true;
      return std::move(plan_);
    }
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (NeedsTable(graph_.nodes[n])) Assign(static_cast<int>(n));
      if (graph_.nodes[n].kind == Kind::kPlan) ChosenBy(static_cast<int>(n));
    }
    ThrowErrors();
    PutInOrder();
    CountLeftOut();
    for (std::size_t l = 0; l < plan_.lanes_.size(); ++l) CountEntries(l);
    return std::move(plan_);
  }

 private:
  using Kind = Node::Kind;
  using Lane = Plan::Lane;

  const Node& At(int node) const { return graph_.nodes[static_cast<std::size_t>(node)]; }

  void ThrowErrors() const {
    if (diagnostics_.HasErrors()) throw ConfigError(diagnostics_);
  }

  void Notice(const std::string& text) const {
    if (options_.notice) options_.notice(text);
  }

  // ---- sources ----------------------------------------------------------------------------------

  void ListSource(int n) {
    const Node& node = At(n);
    if (node.kind != Kind::kSource) return;
    const auto error = [&](const std::string& text) {
      diagnostics_.Error("CFG-SOURCE", node.at, fmt::format("{}: {}", node.name, text));
    };
    auto entries = node.source->List(
        [&](const std::string& text) { Notice(fmt::format("{}: {}", node.name, text)); });
    if (!entries) return error(entries.Error());
    if (entries->empty()) error("the source has no entries");
    Lane lane{n, 1, node.name, std::move(*entries)};
    std::vector<std::uint64_t> ids;
    ids.reserve(lane.entries.size());
    for (const SourceEntry& entry : lane.entries) ids.push_back(SampleId(node.name, entry.key));
    std::vector<std::uint32_t> order(ids.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return ids[a] != ids[b] ? ids[a] < ids[b] : a < b;
    });
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (ids[order[i - 1]] != ids[order[i]]) continue;
      error(fmt::format("the keys '{}' and '{}' give one sample id", lane.entries[order[i]].key,
                        lane.entries[order[i - 1]].key));
    }
    for (const Node& other : graph_.nodes) {
      if (other.kind == Kind::kCopies && other.planned_by == n) {
        lane.copies = static_cast<std::uint32_t>(other.copies);
      }
    }
    lane_of_[static_cast<std::size_t>(n)] = static_cast<std::int32_t>(plan_.lanes_.size());
    ids_.push_back(std::move(ids));
    plan_.lanes_.push_back(std::move(lane));
  }

  std::uint64_t IdOf(const Place& place) const { return ids_[place.lane][place.entry]; }

  const std::string& KeyOf(const Place& place) const {
    return plan_.lanes_[place.lane].entries[place.entry].key;
  }

  using Flags = std::vector<std::vector<bool>>;  // per lane and entry

  Flags FlagPerEntry() const {
    Flags flags;
    for (const Lane& lane : plan_.lanes_) flags.emplace_back(lane.entries.size(), false);
    return flags;
  }

  // ---- what leads where -------------------------------------------------------------------------

  static bool NeedsTable(const Node& node) {
    return node.kind == Kind::kSplit && (node.stratify || !node.split_group.empty());
  }

  void FindWays() {
    for (std::size_t r = 0; r < graph_.nodes.size(); ++r) {
      for (const Input& input : graph_.nodes[r].inputs) {
        auto& outputs = next_[static_cast<std::size_t>(input.node)];
        outputs.resize(At(input.node).outputs.size(), -1);
        outputs[static_cast<std::size_t>(input.output)] = static_cast<int>(r);
      }
    }
    leads_to_plan_.assign(graph_.nodes.size(), false);
    wants_.assign(graph_.nodes.size(), 0);
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      if (node.kind == Kind::kPlan) Mark(static_cast<int>(n), node.plan->Facts(), true);
      if (node.kind == Kind::kSplit && node.stratify) {
        Mark(static_cast<int>(n), PlanOperator::kLabels, false);
      }
    }
  }

  // Tells everything above `n` what is asked of its entries.
  void Mark(int n, unsigned facts, bool plan) {
    for (const Input& input : At(n).inputs) {
      const auto from = static_cast<std::size_t>(input.node);
      if ((wants_[from] & facts) == facts && (leads_to_plan_[from] || !plan)) continue;
      wants_[from] |= facts;
      leads_to_plan_[from] = leads_to_plan_[from] || plan;
      Mark(input.node, facts, plan);
    }
  }

  // False when a survey was stopped.
  bool Look() {
    for (const Lane& lane : plan_.lanes_) {
      const unsigned needs = wants_[static_cast<std::size_t>(lane.source)];
      Survey survey;
      if (needs != 0) {
        SurveyOptions options;
        options.needs = needs;
        options.threads = options_.threads;
        options.codec = options_.codec;
        options.stop = options_.stop;
        options.notice = options_.notice;
        survey = SurveySource(At(lane.source), lane.entries, options);
        if (survey.interrupted) return false;
      }
      surveys_.push_back(std::move(survey));
    }
    return true;
  }

  // ---- facts ------------------------------------------------------------------------------------

  struct Known {
    std::vector<EntryFacts> facts;
    LabelNames names;
  };

  Known FactsOf(const Places& places) const {
    Known known;
    known.facts.reserve(places.size());
    std::vector<const LabelNames*> names;
    names.reserve(places.size());
    for (const Place& place : places) {
      EntryFacts facts;
      facts.id = IdOf(place);
      // Copies of one entry choose for themselves.
      if (place.copy > 0) facts.id = HashCombine(facts.id, place.copy);
      facts.key = KeyOf(place);
      const Survey& survey = surveys_[place.lane];
      names.push_back(survey.names.get());
      if (!survey.entries.empty()) {
        const SurveyedEntry& found = survey.entries[place.entry];
        facts.label = found.label;
        facts.classes = found.classes;
        facts.size = found.size;
        facts.hash = found.hash;
      }
      known.facts.push_back(std::move(facts));
    }
    known.names = UniteClasses(known.facts, names);
    return known;
  }

  // ---- the way of entries through the graph -----------------------------------------------------

  // Entries that reach `n` and those that leave it, in the order it sees them.
  Places ArrivingAt(int n) {
    const Node& node = At(n);
    if (node.kind == Kind::kSource) {
      Places places;
      const std::int32_t lane = lane_of_[static_cast<std::size_t>(n)];
      if (lane < 0) return places;
      const auto count =
          static_cast<std::uint32_t>(plan_.lanes_[static_cast<std::size_t>(lane)].entries.size());
      places.reserve(count);
      for (std::uint32_t e = 0; e < count; ++e) {
        places.push_back({static_cast<std::uint32_t>(lane), e, 0, -1});
      }
      return places;
    }
    std::vector<Places> parts;
    for (const Input& input : node.inputs) parts.push_back(Through(input));
    if (parts.size() == 1) return std::move(parts[0]);
    Places places;
    if (node.kind == Kind::kMerge) {
      std::size_t longest = 0;
      for (const Places& part : parts) longest = std::max(longest, part.size());
      for (std::size_t i = 0; i < longest; ++i) {
        for (const Places& part : parts) {
          if (i < part.size()) places.push_back(part[i]);
        }
      }
    } else {
      for (const Places& part : parts) places.insert(places.end(), part.begin(), part.end());
    }
    return places;
  }

  Places Through(const Input& input) {
    const Node& from = At(input.node);
    if (from.kind == Kind::kPlan) return ChosenBy(input.node);
    Places places = ArrivingAt(input.node);
    // Elsewhere both parts of a split keep their places in one order; a plan node needs to know
    // which entries are its own.
    if (from.kind == Kind::kSplit && leads_to_plan_[static_cast<std::size_t>(input.node)]) {
      std::erase_if(places, [&](const Place& place) {
        return PartOf(input.node, IdOf(place)) != input.output;
      });
    }
    return places;
  }

  int PartOf(int split, std::uint64_t id) {
    if (NeedsTable(At(split))) Assign(split);
    return plan_.PartOf(graph_, split, id);
  }

  const Places& ChosenBy(int n) {
    const auto it = chosen_.find(n);
    if (it != chosen_.end()) return it->second;
    const Node& node = At(n);
    const int errors = diagnostics_.ErrorCount();
    const Places places = ArrivingAt(n);
    // What went wrong above explains everything below.
    if (diagnostics_.ErrorCount() > errors || places.empty()) return chosen_[n];
    const Known known = FactsOf(places);
    const StreamKey stream{DrawKey(graph_.seed, 0, {}), 0, node.stream_id};
    std::vector<ExplainingPlanOperator::Reason> reasons;
    const auto* explaining = dynamic_cast<const ExplainingPlanOperator*>(node.plan.get());
    const auto choice =
        explaining != nullptr
            ? explaining->ChooseAndExplain(known.facts, &known.names, stream, reasons)
            : node.plan->Choose(known.facts, &known.names, stream);
    if (!choice) {
      diagnostics_.Error("CFG-PLAN", node.at,
                         fmt::format("{} ({}): {}", node.name, node.verb, choice.Error()));
      return chosen_[n];
    }
    if (choice->empty()) {
      diagnostics_.Error("CFG-PLAN", node.at,
                         fmt::format("{} ({}): none of {} entries is left; ask for more", node.name,
                                     node.verb, places.size()));
      return chosen_[n];
    }
    Places chosen = Take(n, places, *choice);
    if ((node.plan->Facts() & PlanOperator::kLabels) != 0) TellClasses(node, known, *choice);
    for (const auto& reason : reasons) {
      const Place& out = places.at(reason.entry);
      const Place& kept = places.at(reason.kept);
      plan_.replacements_.push_back({n, plan_.lanes_[out.lane].name, KeyOf(out),
                                     plan_.lanes_[kept.lane].name, KeyOf(kept), reason.why});
    }
    return chosen_[n] = std::move(chosen);
  }

  Places Take(int n, const Places& places, const std::vector<PlanOperator::Choice>& choice) {
    const Node& node = At(n);
    const bool repeats = node.plan->Repeats();
    std::vector<std::uint32_t> taken(places.size(), 0);
    Places chosen;
    for (const PlanOperator::Choice& one : choice) {
      const Place& place = places.at(one.entry);
      for (std::uint32_t c = 0; c < one.copies; ++c) {
        std::uint32_t& times = taken[one.entry];
        PIXLOOM_CHECK(repeats || times == 0, node.name + " takes an entry twice");
        chosen.push_back(repeats ? Place{place.lane, place.entry, times, n} : place);
        ++times;
      }
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (taken[i] == 0) dropped_.emplace_back(n, places[i]);
    }
    return chosen;
  }

  void TellClasses(const Node& node, const Known& known,
                   const std::vector<PlanOperator::Choice>& choice) const {
    const std::vector<int> classes = ClassesOf(known.facts);
    std::map<int, std::pair<std::uint64_t, std::uint64_t>> table;
    for (const int c : classes) ++table[c].first;
    for (const PlanOperator::Choice& one : choice) table[classes[one.entry]].second += one.copies;
    std::size_t lines = 0;
    for (const auto& [label, counts] : table) {
      if (lines++ == kMostClasses) {
        Notice(fmt::format("{}: and {} more classes", node.name, table.size() - kMostClasses));
        return;
      }
      Notice(fmt::format("{}: {}: {} -> {} entries", node.name, ClassName(label, &known.names),
                         counts.first, counts.second));
    }
  }

  // ---- splits -----------------------------------------------------------------------------------

  void Assign(int split) {
    if (plan_.assigned_.count(split) > 0) return;
    const Node& node = At(split);
    Plan::Assignment& table = plan_.assigned_[split];
    Places places = ArrivingAt(split);
    // One sample may come in copies, and along several paths.
    Flags seen = FlagPerEntry();
    std::erase_if(places, [&](const Place& place) {
      const bool known = seen[place.lane][place.entry];
      seen[place.lane][place.entry] = true;
      return known;
    });
    for (Place& place : places) place.copy = 0;
    std::vector<std::uint64_t> groups;
    for (const Place& place : places) groups.push_back(IdOf(place));
    if (!node.split_group.empty() && !FindGroups(node, places, groups)) return;
    std::vector<int> parts(places.size());
    if (node.stratify) {
      parts = StratifiedParts(node, places, groups);
    } else {
      for (std::size_t i = 0; i < places.size(); ++i)
        parts[i] = PartByHash(graph_, split, groups[i]);
    }
    table.reserve(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) table.emplace_back(IdOf(places[i]), parts[i]);
    std::sort(table.begin(), table.end());
  }

  // What of the key belongs together, whichever source it comes from.
  bool FindGroups(const Node& node, const Places& places, std::vector<std::uint64_t>& groups) {
    std::string problem;
    const GroupPattern pattern(node.split_group);
    for (std::size_t i = 0; i < places.size() && problem.empty(); ++i) {
      problem = pattern.Find(KeyOf(places[i]), groups[i]);
    }
    if (problem.empty()) return true;
    diagnostics_.Error("CFG-PLAN", node.at,
                       fmt::format("{} (split): group: {}", node.name, problem));
    return false;
  }

  std::vector<int> StratifiedParts(const Node& node, const Places& places,
                                   const std::vector<std::uint64_t>& groups) const {
    const Known known = FactsOf(places);
    const std::vector<int> classes = ClassesOf(known.facts);
    std::unordered_map<std::uint64_t, std::size_t> unit_of;
    std::vector<SplitUnit> units;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto [it, fresh] = unit_of.emplace(groups[i], units.size());
      if (fresh) units.push_back({groups[i], {}});
      units[it->second].classes.push_back(classes[i]);
    }
    for (SplitUnit& unit : units) std::sort(unit.classes.begin(), unit.classes.end());
    const std::vector<int> part_of_unit = Stratify(node.parts, units);
    std::vector<int> parts;
    for (std::size_t i = 0; i < places.size(); ++i) {
      parts.push_back(part_of_unit[unit_of.at(groups[i])]);
    }
    return parts;
  }

  // ---- order ------------------------------------------------------------------------------------

  enum State : std::uint8_t { kUnseen, kBeyondLimit, kRuns, kCounted };

  void PutInOrder() {
    for (const Lane& lane : plan_.lanes_) state_.emplace_back(lane.entries.size(), kUnseen);
    Flags placed = FlagPerEntry();
    std::vector<std::unordered_set<std::uint64_t>> placed_copies(plan_.lanes_.size());
    // Several sinks may see a unit, and one of them along several paths: it is read once.
    const auto place_once = [&](const Place& place) {
      if (place.copy == 0) {
        if (placed[place.lane][place.entry]) return false;
        placed[place.lane][place.entry] = true;
        return true;
      }
      const std::uint64_t unit = (std::uint64_t{place.entry} << 32) | place.copy;
      return placed_copies[place.lane].insert(unit).second;
    };
    plan_.starts_.push_back(0);
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].kind != Kind::kSink) continue;
      for (const Place& place : ArrivingAt(static_cast<int>(n))) {
        if (!place_once(place)) continue;
        std::uint8_t& state = state_[place.lane][place.entry];
        if (state != kRuns) {
          state = plan_.entry_count_ < options_.limit ? kRuns : kBeyondLimit;
          if (state == kRuns) ++plan_.entry_count_;
        }
        if (state != kRuns) continue;
        plan_.order_.push_back({place.lane, place.entry, place.copy, place.repeater, true, true});
        plan_.starts_.push_back(plan_.starts_.back() + plan_.lanes_[place.lane].copies);
      }
    }
    MarkEnds();
  }

  void MarkEnds() {
    Flags seen = FlagPerEntry();
    const auto fresh = [&](const Plan::Slot& slot) {
      const bool before = seen[slot.lane][slot.entry];
      seen[slot.lane][slot.entry] = true;
      return !before;
    };
    for (auto it = plan_.order_.begin(); it != plan_.order_.end(); ++it) it->first = fresh(*it);
    seen = FlagPerEntry();
    for (auto it = plan_.order_.rbegin(); it != plan_.order_.rend(); ++it) it->last = fresh(*it);
  }

  // ---- counts -----------------------------------------------------------------------------------

  // Every unit that was left out went some way first. The first unit of an entry comes from its
  // source; further ones were made by the node that repeats it.
  void CountLeftOut() {
    for (const auto& [node, place] : dropped_) {
      std::uint8_t& state = state_[place.lane][place.entry];
      if (state == kBeyondLimit) continue;
      const bool from_source = state == kUnseen;
      if (from_source) state = kCounted;
      const int start =
          from_source ? plan_.lanes_[place.lane].source : static_cast<int>(place.repeater);
      Plan::Counts& made = plan_.left_out_[static_cast<std::size_t>(start)];
      ++made.generated;
      ++made.out;
      for (int at = Next(start, place); at != node; at = Next(at, place)) {
        ++plan_.left_out_[static_cast<std::size_t>(at)].in;
        ++plan_.left_out_[static_cast<std::size_t>(at)].out;
      }
      ++plan_.left_out_[static_cast<std::size_t>(node)].in;
      ++plan_.left_out_[static_cast<std::size_t>(node)].filtered;
    }
  }

  // Above a plan node every output has one reader.
  int Next(int at, const Place& place) {
    const bool split = At(at).kind == Kind::kSplit;
    const auto output = static_cast<std::size_t>(split ? PartOf(at, IdOf(place)) : 0);
    return next_[static_cast<std::size_t>(at)][output];
  }

  void CountEntries(std::size_t lane) {
    auto& [runs, left_out] = plan_.lane_counts_[plan_.lanes_[lane].source];
    for (const std::uint8_t state : state_[lane]) {
      runs += state == kRuns ? 1 : 0;
      left_out += state == kCounted ? 1 : 0;
    }
  }

  const Graph& graph_;
  const PlanOptions& options_;
  Diagnostics diagnostics_;
  Plan plan_;
  std::vector<std::int32_t> lane_of_;            // per node
  std::vector<std::vector<std::uint64_t>> ids_;  // per lane
  std::vector<std::vector<int>> next_;           // per node and output: who reads it
  std::vector<bool> leads_to_plan_;
  std::vector<unsigned> wants_;
  std::vector<Survey> surveys_;  // per lane
  std::map<int, Places> chosen_;
  std::vector<std::pair<int, Place>> dropped_;
  std::vector<std::vector<std::uint8_t>> state_;  // per lane and entry
};

Plan Plan::Make(const Graph& graph, const PlanOptions& options) {
  return PlanMaker(graph, options).Run();
}

}  // namespace pixloom
