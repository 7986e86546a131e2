// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "ops/plan/keyed.h"
#include "pipeline/plan_classes.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

constexpr std::size_t kNamed = 5;  // classes in a message
constexpr double kMostUnits = 1e9;

template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "cat=0.5"; names may hold '=' themselves.
std::optional<std::pair<std::string, double>> ParseShare(const std::string& word) {
  const std::size_t at = word.rfind('=');
  if (at == std::string::npos || at == 0) return std::nullopt;
  const auto share = ParseNumber<double>(std::string_view(word).substr(at + 1));
  if (!share || !(*share > 0) || *share > 1) return std::nullopt;
  return std::pair(word.substr(0, at), *share);
}

struct Balance {
  std::vector<std::string> to{"equal"};
  std::string size = "largest";
  std::int64_t cap = 0;

  static constexpr std::string_view kName = "balance";
  static constexpr std::string_view kDoc =
      "Give classes the shares asked for: entries of rare ones are taken more than once, of "
      "frequent "
      "ones some are left out. The class of an entry is its picture's; where only objects have "
      "classes, that of its objects which the fewest pictures have. Entries without a class stay.";
  static constexpr auto Params() {
    return std::tuple{
        Param("to", &Balance::to)
            .Primary()
            .Doc(
                "equal; sqrt: as the square roots of what there is; or shares that add up to 1, as "
                "{cat: 0.7, dog: 0.3}, by name or number: other classes are left out."),
        Param("size", &Balance::size)
            .Doc("How many in all: largest leaves none of the wanted classes out, smallest takes "
                 "none twice, same keeps the number there is; or a number."),
        Param("cap", &Balance::cap)
            .In(0, 1e6)
            .Unit("times")
            .Doc("No entry is taken more often, so a class may fall short; 0: any number of "
                 "times.")};
  }
  bool Named() const { return to.size() != 1 || (to[0] != "equal" && to[0] != "sqrt"); }

  std::string Check() const {
    const auto n = ParseNumber<std::int64_t>(size);
    if (size != "largest" && size != "smallest" && size != "same" && (!n || *n < 1)) {
      return fmt::format("size: expected largest, smallest, same or a number above 0, got '{}'",
                         size);
    }
    if (!Named()) return "";
    double total = 0;
    std::set<std::string> names;
    for (const std::string& word : to) {
      const auto share = ParseShare(word);
      if (!share) {
        return fmt::format(
            "to: expected equal, sqrt, or classes and shares in (0, 1] as "
            "{{cat: 0.7, dog: 0.3}}, got '{}'",
            word);
      }
      if (!names.insert(share->first).second) {
        return fmt::format("to: class '{}' stands there twice", share->first);
      }
      total += share->second;
    }
    return std::abs(total - 1) <= 1e-6
               ? ""
               : fmt::format("to: shares add up to {}, expected 1", schema::Number(total));
  }
  std::shared_ptr<const PlanOperator> Make(const Services&) const;
};

// One class on its way to its share.
struct Stratum {
  int label = 0;
  double share = 0;
  std::vector<std::size_t> members;
  std::uint64_t wanted = 0;
};

class BalanceOperator final : public PlanOperator {
 public:
  explicit BalanceOperator(Balance balance) : balance_(std::move(balance)) {}

  unsigned Facts() const override { return kLabels; }
  bool Repeats() const override { return balance_.size != "smallest" && balance_.cap != 1; }

  Result<std::vector<Choice>, std::string> Choose(std::span<const EntryFacts> entries,
                                                  const LabelNames* names,
                                                  StreamKey stream) const override {
    const std::vector<int> classes = ClassesOf(entries);
    std::map<int, std::vector<std::size_t>> members;
    for (std::size_t i = 0; i < entries.size(); ++i) members[classes[i]].push_back(i);
    std::vector<std::uint32_t> copies(entries.size(), 0);
    for (const std::size_t i : members[kNoClass]) copies[i] = 1;
    members.erase(kNoClass);
    if (members.empty()) {
      return fmt::format("none of {} entries has a class", entries.size());
    }
    std::vector<Stratum> strata;
    const std::string problem = balance_.Named() ? NamedShares(members, names, strata)
                                                 : UsualShares(entries, members, names, strata);
    if (!problem.empty()) return problem;
    if (std::string too_many = SetSizes(strata); !too_many.empty()) return too_many;
    for (Stratum& stratum : strata) TakeMembers(stratum, entries, stream, copies);
    std::vector<Choice> choice;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (copies[i] > 0) choice.push_back({i, copies[i]});
    }
    return choice;
  }

 private:
  using Members = std::map<int, std::vector<std::size_t>>;

  static std::string Named(const std::vector<std::string>& list) {
    std::string text;
    for (std::size_t i = 0; i < std::min(list.size(), kNamed); ++i) {
      text += (i > 0 ? ", '" : "'") + list[i] + "'";
    }
    if (list.size() > kNamed) text += fmt::format(" and {} more", list.size() - kNamed);
    return text;
  }

  std::string NamedShares(Members& members, const LabelNames* names,
                          std::vector<Stratum>& strata) const {
    std::vector<std::string> unknown, empty, known;
    if (names != nullptr) known = names->classes;
    for (const std::string& word : balance_.to) {
      const auto [name, share] = *ParseShare(word);
      const auto it = std::find(known.begin(), known.end(), name);
      std::optional<int> label = ParseNumber<int>(name);
      if (it != known.end()) label = static_cast<int>(it - known.begin());
      if (!label || *label < 0) {
        unknown.push_back(name);
      } else if (members.count(*label) == 0) {
        empty.push_back(name);
      } else {
        const bool twice = std::any_of(strata.begin(), strata.end(),
                                       [&](const Stratum& s) { return s.label == *label; });
        if (twice) return fmt::format("to: class '{}' stands there by name and by number", name);
        strata.push_back({*label, share, std::move(members[*label]), 0});
      }
    }
    if (!unknown.empty()) {
      return fmt::format("to: there is no class {}{}", Named(unknown),
                         Suggestion(unknown[0], known));
    }
    if (!empty.empty()) {
      return fmt::format(
          "to: class {} has no entries here, and nothing can be made of none; take "
          "it out of 'to'",
          Named(empty));
    }
    std::sort(strata.begin(), strata.end(),
              [](const Stratum& a, const Stratum& b) { return a.label < b.label; });
    return "";
  }

  std::string UsualShares(std::span<const EntryFacts> entries, Members& members,
                          const LabelNames* names, std::vector<Stratum>& strata) const {
    if (names != nullptr) {
      // An object class that is never the rarest of its picture is there all the same.
      std::set<int> there;
      for (const auto& [label, list] : members) there.insert(label);
      for (const EntryFacts& entry : entries) {
        there.insert(entry.classes.begin(), entry.classes.end());
      }
      std::vector<std::string> empty;
      for (std::size_t c = 0; c < names->classes.size(); ++c) {
        if (there.count(static_cast<int>(c)) == 0) empty.push_back(names->classes[c]);
      }
      if (!empty.empty()) {
        return fmt::format(
            "class {} has no entries here, and nothing can be made of none; name the "
            "classes to balance with to: {{NAME: SHARE, ...}}",
            Named(empty));
      }
    }
    double total = 0;
    for (auto& [label, list] : members) {
      const double weight =
          balance_.to[0] == "sqrt" ? std::sqrt(static_cast<double>(list.size())) : 1;
      total += weight;
      strata.push_back({label, weight, std::move(list), 0});
    }
    for (Stratum& stratum : strata) stratum.share /= total;
    return "";
  }

  // What each class gets; "" or why that is not possible.
  std::string SetSizes(std::vector<Stratum>& strata) const {
    double there = 0, least = 0, most = 0;
    for (const Stratum& stratum : strata) {
      const auto n = static_cast<double>(stratum.members.size());
      there += n;
      const double whole = n / stratum.share;
      least = least == 0 ? whole : std::min(least, whole);
      most = std::max(most, whole);
    }
    const double total = balance_.size == "largest"    ? most
                         : balance_.size == "smallest" ? least
                         : balance_.size == "same"
                             ? there
                             : static_cast<double>(*ParseNumber<std::int64_t>(balance_.size));
    if (total > kMostUnits) {
      return fmt::format(
          "{:.0f} samples would be needed; at most {:.0f}: lower size, or give rare "
          "shares to rare classes",
          total, kMostUnits);
    }
    std::vector<double> shares;
    for (const Stratum& stratum : strata) shares.push_back(stratum.share);
    const auto parts = Apportion(static_cast<std::uint64_t>(std::floor(total + 0.5)), shares);
    for (std::size_t s = 0; s < strata.size(); ++s) {
      const std::uint64_t n = strata[s].members.size();
      std::uint64_t& wanted = strata[s].wanted;
      wanted = parts[s];
      // The total is rounded; the class it comes from stays whole.
      if (balance_.size == "largest") wanted = std::max(wanted, n);
      if (balance_.size == "smallest") wanted = std::min(wanted, n);
      if (balance_.cap > 0) wanted = std::min(wanted, n * static_cast<std::uint64_t>(balance_.cap));
    }
    return "";
  }

  // Each equally often, but for the rest, which goes by rank.
  static void TakeMembers(Stratum& stratum, std::span<const EntryFacts> entries, StreamKey stream,
                          std::vector<std::uint32_t>& copies) {
    const std::uint64_t n = stratum.members.size();
    const auto each = static_cast<std::uint32_t>(stratum.wanted / n);
    const std::uint64_t rest = stratum.wanted % n;
    const auto order = InKeyedOrder(std::move(stratum.members), entries, stream);
    for (std::size_t i = 0; i < order.size(); ++i) copies[order[i]] = each + (i < rest ? 1 : 0);
  }

  const Balance balance_;
};

std::shared_ptr<const PlanOperator> Balance::Make(const Services&) const {
  return std::make_shared<BalanceOperator>(*this);
}

}  // namespace

void RegisterBalance(Registry& registry) { registry.AddPlan<Balance>(); }

}  // namespace pixloom
