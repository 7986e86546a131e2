// SPDX-License-Identifier: Apache-2.0
// Applies the tables: transforms become steps, what holds them becomes what holds steps.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "api/import_steps.h"
#include "pipeline/config.h"
#include "pipeline/language.h"

namespace pixloom::importing {

std::string_view CompositeVerb(Composite kind) {
  switch (kind) {
    case Composite::kOneOf:
      return "one_of";
    case Composite::kSomeOf:
      return "some_of";
    case Composite::kRandomOrder:
      return "random_order";
    case Composite::kOneOrOther:
      return "sometimes";
    case Composite::kChannels:
      return "with_channels";
    default:
      return "chain";
  }
}

namespace {

constexpr Size kAssumed{512, 512};

// Of every transform, and of no meaning here or read elsewhere.
const std::set<std::string, std::less<>> kPlumbing{"p",
                                                   "always_apply",
                                                   "transforms",
                                                   "__version__",
                                                   "applied",
                                                   "params",
                                                   "inplace",
                                                   "strict",
                                                   "save_key",
                                                   "metadata_key",
                                                   "is_check_shapes",
                                                   "seed",
                                                   "save_applied_params"};

bool Equal(const Value& a, const Value& b) {
  if (a.IsNumber() && b.IsNumber()) return a.number == b.number;
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  if (a.entries.size() != b.entries.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!Equal(a.items[i], b.items[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    if (a.entries[i].key != b.entries[i].key) return false;
    if (!Equal(a.entries[i].value, b.entries[i].value)) return false;
  }
  return a.kind == Value::Kind::kBool     ? a.boolean == b.boolean
         : a.kind == Value::Kind::kString ? a.text == b.text
                                          : true;
}

// A list of one number is that number where one is expected.
bool EqualOrAlone(const Value& a, const Value& b) {
  if (Equal(a, b)) return true;
  const auto pair = AsPair(a);
  return pair && b.IsNumber() && pair->first == b.number && pair->second == b.number;
}

bool HasLabels(const PeerFile& file) {
  return std::any_of(file.settings.begin(), file.settings.end(), [](const Value::Entry& entry) {
    return (entry.key == "bbox_params" || entry.key == "keypoint_params") &&
           entry.value.kind == Value::Kind::kMap;
  });
}

class Builder {
 public:
  Builder(Peer peer, const PeerFile& file, const ImportOptions& options, const Registry& registry)
      : registry_(registry), picture_(options.size.value_or(kAssumed)) {
    picture_known_ = options.size.has_value();
    const bool a = peer == Peer::kAlbumentations;
    for (const Row& row : a ? AlbumentationsRows() : TorchvisionRows()) rows_[row.peer] = &row;
    for (const CompositeRow& row : a ? AlbumentationsComposites() : TorchvisionComposites()) {
      composites_[row.peer] = &row;
    }
    // Before 2.0 what SomeOf picked was weighted and always applied, as OneOf is to this day.
    some_of_weighs_ = a && !file.version.empty() && file.version[0] < '2';
    choice_forces_ = a;
    labels_ = HasLabels(file);
  }

  Draft Take() { return std::move(draft_); }
  void Note(std::string text) { draft_.notes.push_back(std::move(text)); }

  // The root's own p and its children, as one list of steps that run one after the other.
  std::vector<ImportedStep> Root(const PeerStep& root) {
    std::vector<ImportedStep> steps = List(root.children, Role::kInOrder);
    const double p = ReadP(root, 1);
    if (p >= 1 || steps.empty()) return steps;
    ImportedStep all;
    all.verb = "chain";
    all.p = p;
    for (const ImportedStep& step : steps) all.makes = std::max(all.makes, step.makes);
    all.children = std::move(steps);
    std::vector<ImportedStep> out;
    out.push_back(std::move(all));
    return out;
  }

  std::size_t AddItem(std::string path, std::string name, std::string verb) {
    draft_.items.push_back(
        {std::move(path), std::move(name), std::move(verb), Likeness::kExact, {}});
    return draft_.items.size() - 1;
  }
  ImportedItem& Item(std::size_t i) { return draft_.items[i]; }
  Draft& draft() { return draft_; }
  const std::vector<ImportedStep>& planes() const { return planes_; }

 private:
  // How what holds a step goes about it.
  enum class Role {
    kInOrder,   // runs it
    kWeighted,  // picks it by its p, and then it acts
    kEven       // picks it evenly, or by weights of its own, and its p still counts
  };

  std::vector<ImportedStep> List(const std::vector<PeerStep>& peers, Role role) {
    std::vector<ImportedStep> steps;
    for (const PeerStep& peer : peers) {
      ImportedStep step = Build(peer, role);
      // A sequence inside a sequence; what one transform became stays together.
      const bool transparent = role == Role::kInOrder && step.verb == "chain" && step.p >= 1 &&
                               !step.left_out && !step.children.front().part;
      if (!transparent) {
        steps.push_back(std::move(step));
        continue;
      }
      for (ImportedStep& child : step.children) steps.push_back(std::move(child));
    }
    return steps;
  }

  double ReadP(const PeerStep& peer, double fallback) {
    const Value* always = peer.Find("always_apply");
    if (always != nullptr && always->kind == Value::Kind::kBool && always->boolean) return 1;
    const Value* p = peer.Find("p");
    if (p == nullptr) return fallback;
    return p->IsNumber() && p->number >= 0 && p->number <= 1 ? p->number : NAN;
  }

  ImportedStep Build(const PeerStep& peer, Role role) {
    ImportedStep step;
    const auto composite = composites_.find(peer.name);
    const auto row = rows_.find(peer.name);
    const bool known = row != rows_.end() || composite != composites_.end();
    const std::size_t index = AddItem(peer.path, peer.name, "");
    step.item = static_cast<int>(index);
    double fallback = 1;
    if (composite != composites_.end()) fallback = composite->second->p;
    if (row != rows_.end()) fallback = row->second->p;
    step.p = ReadP(peer, fallback);
    if (composite == composites_.end() && !peer.children.empty()) {
      Leave(step, "holds transforms, which this one is not known to do");
    } else if (!known) {
      Leave(step, fmt::format("there is no such transform{}", Suggestion(peer.name, Names())));
    } else if (std::isnan(step.p) && !HasOwnP(peer)) {
      Leave(step,
            fmt::format("p: expected a chance from 0 to 1, got {}", peer.Find("p")->Describe()));
    } else if (composite != composites_.end()) {
      if (std::isnan(step.p)) step.p = 1;
      Hold(*composite->second, peer, step);
      Unwrap(step);
    } else {
      Apply(*row->second, peer, step);
    }
    if (std::isnan(step.p)) step.p = 1;
    if (role == Role::kWeighted) {
      step.weight = step.p;
      step.p = 1;
    }
    return step;
  }

  // The p of RandomChoice is a list of weights.
  bool HasOwnP(const PeerStep& peer) const {
    const auto composite = composites_.find(peer.name);
    return composite != composites_.end() && !choice_forces_ &&
           composite->second->kind == Composite::kOneOf;
  }

  void Leave(ImportedStep& step, std::string why) {
    ImportedItem& item = Item(static_cast<std::size_t>(step.item));
    item.likeness = Likeness::kMissing;
    item.notes = {std::move(why)};
    step.left_out = true;
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, row] : rows_) names.emplace_back(name);
    for (const auto& [name, row] : composites_) names.emplace_back(name);
    return names;
  }

  // ---- Transforms -------------------------------------------------------------------------------

  void Apply(const Row& row, const PeerStep& peer, ImportedStep& step) {
    ImportedItem& item = Item(static_cast<std::size_t>(step.item));
    item.likeness = row.likeness;
    step.verb = row.verb;
    step.makes = row.makes;
    if (!row.note.empty()) item.notes.emplace_back(row.note);
    Conversion c{peer, step, item, picture_, picture_known_, labels_};
    if (row.likeness != Likeness::kMissing) {
      ApplyRules(row, c);
      if (row.finish != nullptr) row.finish(c);
    }
    if (item.likeness == Likeness::kMissing) {
      step.left_out = true;
      step.makes = Makes::kSame;
      return;
    }
    if (step.verb.empty()) {  // does nothing
      step.left_out = true;
      return;
    }
    item.verb = step.verb;
    if (c.planes) {
      ImportedStep layout;
      layout.verb = "layout";
      layout.item = step.item;
      layout.part = true;
      planes_.push_back(std::move(layout));
      item.verb += ", layout";
    }
    Tidy(step, item);
    for (ImportedStep& part : step.children) {
      part.item = step.item;
      part.part = true;
      Tidy(part, item);
    }
    if (!step.children.empty()) {
      item.verb.clear();
      for (const ImportedStep& part : step.children) {
        item.verb += (item.verb.empty() ? "" : ", ") + part.verb;
      }
    }
    LearnSize(step);
  }

  static bool Named(std::string_view alternatives, std::string_view name) {
    while (!alternatives.empty()) {
      const std::size_t bar = std::min(alternatives.find('|'), alternatives.size());
      if (alternatives.substr(0, bar) == name) return true;
      alternatives.remove_prefix(std::min(bar + 1, alternatives.size()));
    }
    return false;
  }

  void ApplyRules(const Row& row, Conversion& c) {
    std::set<std::string, std::less<>> used;
    std::vector<bool> done(row.rules.size());
    for (std::size_t i = 0; i < row.rules.size(); ++i) {
      const Rule& rule = row.rules[i];
      for (const Value::Entry& entry : c.peer.args) {
        if (!Named(rule.peer, entry.key)) continue;
        used.insert(entry.key);
        if (done[i] || entry.value.kind == Value::Kind::kNull) continue;
        done[i] = true;
        if (rule.convert != nullptr) {
          rule.convert(entry.value, rule.ours, c);
        } else if (!rule.ours.empty()) {
          c.step.Set(rule.ours, entry.value);
        } else if (!rule.loss.empty() && !EqualOrAlone(entry.value, FromJson(rule.fallback))) {
          c.Close(std::string(rule.loss));
        }
      }
    }
    for (std::size_t i = 0; i < row.rules.size(); ++i) {
      const Rule& rule = row.rules[i];
      if (done[i] || rule.fallback.empty() || rule.ours.empty()) continue;
      if (c.step.Find(rule.ours) != nullptr) continue;
      if (rule.convert != nullptr)
        rule.convert(FromJson(rule.fallback), rule.ours, c);
      else
        c.step.Set(rule.ours, FromJson(rule.fallback));
    }
    for (const Value::Entry& entry : c.peer.args) {
      if (used.count(entry.key) > 0 || kPlumbing.count(entry.key) > 0) continue;
      c.Close(fmt::format("{} is not known and left out", Quoted(entry.key)));
    }
  }

  const VerbInfo* Verb(const std::string& verb) const {
    if (const VerbInfo* info = registry_.FindOperator(verb)) return info;
    if (const VerbInfo* info = registry_.FindViews(verb)) return info;
    if (const VerbInfo* info = registry_.FindPolicy(verb)) return info;
    return registry_.FindWindow(verb);
  }

  // A range that reaches beyond what the parameter may be ends where that does; one that lies
  // outside altogether is refused later.
  static std::optional<std::pair<double, double>> Clamped(const ParamInfo& param, Value& value,
                                                          ImportedItem& item) {
    auto pair = AsPair(value);
    if (param.type != ParamType::kRange || !pair || !param.range) return pair;
    const auto [least, most] = *param.range;
    const bool outside = pair->first < least || pair->second > most;
    if (!outside || pair->second < least || pair->first > most) return pair;
    item.notes.push_back(
        fmt::format("{}: [{:.6g}, {:.6g}] is cut to what it may be here, {:.6g} "
                    "to {:.6g}",
                    param.name, pair->first, pair->second, least, most));
    if (item.likeness == Likeness::kExact) item.likeness = Likeness::kClose;
    pair = {std::max(pair->first, least), std::min(pair->second, most)};
    value = Numbers({pair->first, pair->second});
    return pair;
  }

  // Values as the parameters' types write them, in the order of the reference, without what says
  // nothing: the same for both ends of a range, a border that nobody asked for.
  void Tidy(ImportedStep& step, ImportedItem& item) const {
    const VerbInfo* verb = Verb(step.verb);
    if (verb == nullptr) return;
    std::vector<Value::Entry> tidy;
    for (const ParamInfo& param : verb->params) {
      for (Value::Entry& entry : step.args) {
        if (entry.key != param.name) continue;
        Value value = std::move(entry.value);
        entry.key.clear();
        const auto pair = Clamped(param, value, item);
        if (param.type == ParamType::kRange && pair && pair->first == pair->second) {
          value = Number(pair->first);
        }
        if (value.kind == Value::Kind::kFloat) value = Number(value.number);
        for (Value& one : value.items) {
          if (one.kind == Value::Kind::kFloat) one = Number(one.number);
        }
        static const std::set<std::string, std::less<>> kQuiet{
            "interpolation", "border", "fill", "level", "unit", "position"};
        const bool same =
            Equal(value, param.default_value) ||
            (param.type == ParamType::kFloats && Equal(Value::List({value}), param.default_value));
        if (same && (kQuiet.count(param.name) > 0 || param.type == ParamType::kBool)) continue;
        tidy.push_back({param.name, {}, std::move(value)});
      }
    }
    // What the verb does not know stays, to be refused.
    for (Value::Entry& entry : step.args) {
      if (!entry.key.empty()) tidy.push_back(std::move(entry));
    }
    step.args = std::move(tidy);
  }

  // Pictures have a known size after a step that gives them one.
  void LearnSize(const ImportedStep& step) {
    const VerbInfo* verb = Verb(step.verb);
    const Value* size = step.Find("size");
    if (verb == nullptr || size == nullptr || step.p < 1 || step.verb == "scale_jitter") return;
    const ParamInfo* param = verb->Param("size");
    if (param == nullptr || param->type != ParamType::kSize) return;
    const auto sides = AsPair(*size);
    if (!sides || sides->first < 1 || sides->second < 1 || sides->first > 65500 ||
        sides->second > 65500) {
      return;
    }
    picture_ = {static_cast<int>(sides->second), static_cast<int>(sides->first)};
    picture_known_ = true;
  }

  // ---- What holds transforms --------------------------------------------------------------------

  void Hold(const CompositeRow& row, const PeerStep& peer, ImportedStep& step) {
    step.verb = CompositeVerb(row.kind);
    const std::size_t own = static_cast<std::size_t>(step.item);
    Item(own).verb = step.verb;
    Item(own).likeness = Likeness::kExact;
    if (peer.children.empty()) return Leave(step, "holds no transforms");
    switch (row.kind) {
      case Composite::kSequence:
        HoldInOrder(peer, step);
        break;
      case Composite::kOneOf:
        step.children = List(peer.children, choice_forces_ ? Role::kWeighted : Role::kEven);
        if (!choice_forces_) ReadWeights(peer, step);
        break;
      case Composite::kSomeOf:
      case Composite::kRandomOrder:
        HoldSome(row.kind == Composite::kRandomOrder, peer, step);
        break;
      case Composite::kOneOrOther:
        HoldEither(peer, step);
        break;
      default:
        HoldChannels(peer, step);
        break;
    }
    for (const ImportedStep& child : step.children) step.makes = std::max(step.makes, child.makes);
    CheckNodes(step.children);
    CheckNodes(step.otherwise);
  }

  void HoldInOrder(const PeerStep& peer, ImportedStep& step) {
    step.children = List(peer.children, Role::kInOrder);
    for (const char* name : {"bbox_params", "keypoint_params"}) {
      if (peer.Find(name) == nullptr) continue;
      ImportedItem& item = Item(static_cast<std::size_t>(step.item));
      item.likeness = Likeness::kClose;
      item.notes.push_back(fmt::format("{} of an inner Compose are left out", name));
    }
  }

  // RandomApply([Blur()], p=0.3) is a blur with p of 0.3.
  static void Unwrap(ImportedStep& step) {
    if (step.verb != "chain" || step.children.size() != 1) return;
    ImportedStep& child = step.children.front();
    if (child.p < 1 || child.part || child.left_out || !child.children.empty()) return;
    ImportedStep alone = std::move(child);
    alone.p = step.p;
    step = std::move(alone);
  }

  void ReadWeights(const PeerStep& peer, ImportedStep& step) {
    step.p = 1;
    const Value* weights = peer.Find("p");
    if (weights == nullptr) return;
    bool good =
        weights->kind == Value::Kind::kList && weights->items.size() == step.children.size();
    for (const Value& one : weights->items) good = good && one.IsNumber() && one.number >= 0;
    if (!good) return Leave(step, "p: expected one weight for each transform");
    for (std::size_t i = 0; i < step.children.size(); ++i) {
      step.children[i].weight = weights->items[i].number;
    }
  }

  void HoldSome(bool shuffled, const PeerStep& peer, ImportedStep& step) {
    const std::size_t own = static_cast<std::size_t>(step.item);
    const auto count = static_cast<std::int64_t>(peer.children.size());
    const Value* given = peer.Find("n");
    // RandomOrder of torchvision runs all of them.
    std::int64_t n = choice_forces_ ? 1 : count;
    if (given != nullptr) {
      if (given->kind != Value::Kind::kInt || given->integer < 1) {
        return Leave(step, fmt::format("n: expected how many, got {}", given->Describe()));
      }
      n = given->integer;
    }
    const Value* again = peer.Find("replace");
    const bool replace = again != nullptr && again->kind == Value::Kind::kBool && again->boolean;
    const Role role = some_of_weighs_ ? Role::kWeighted : Role::kEven;
    if (replace && n > 1) {
      if (n > 1000) return Leave(step, "n: at most 1000 times");
      ImportedStep one;
      one.verb = "one_of";
      one.item = step.item;
      one.part = true;
      one.children = List(peer.children, role);
      step.verb = "repeat";
      step.Set("times", Value::Int(n));
      step.children.push_back(std::move(one));
      if (!shuffled) {
        Item(own).likeness = Likeness::kClose;
        Item(own).notes.push_back("what was picked runs in the order it was picked in, not sorted");
      }
    } else if (n >= count) {
      step.verb = shuffled ? "random_order" : "chain";
      step.children = List(peer.children, some_of_weighs_ ? Role::kWeighted : Role::kEven);
      for (ImportedStep& child : step.children) child.weight.reset();
    } else if (n == 1) {
      step.verb = "one_of";
      step.children = List(peer.children, role);
    } else {
      step.verb = "some_of";
      step.Set("n", Value::Int(n));
      step.children = List(peer.children, role);
      if (shuffled) {
        Item(own).likeness = Likeness::kClose;
        Item(own).notes.push_back("what was picked runs in the order of the file, not shuffled");
      }
    }
    Item(own).verb = step.verb;
  }

  void HoldEither(const PeerStep& peer, ImportedStep& step) {
    const Role role = Role::kWeighted;
    const auto add = [&](const PeerStep& child, std::vector<ImportedStep>& steps) {
      ImportedStep built = Build(child, role);
      built.weight.reset();
      steps.push_back(std::move(built));
    };
    add(peer.children.front(), step.children);
    add(peer.children.back(), step.otherwise);
    for (std::size_t i = 1; i + 1 < peer.children.size(); ++i) {
      ImportedStep never = Build(peer.children[i], role);
      if (!never.left_out) {
        const auto item = static_cast<std::size_t>(never.item);
        Item(item).likeness = Likeness::kExact;
        Item(item).verb.clear();
        Item(item).notes = {"never runs: only the first and the last do"};
      }
    }
  }

  void HoldChannels(const PeerStep& peer, ImportedStep& step) {
    const Value* channels = peer.Find("channels");
    if (channels != nullptr) {
      step.Set("channels", *channels);
    } else {
      step.Set("channels", FromJson("[0, 1, 2]"));
      const auto own = static_cast<std::size_t>(step.item);
      Item(own).likeness = Likeness::kClose;
      Item(own).notes.push_back(
          "the file does not say which channels: [0, 1, 2], the peer's default, is taken");
    }
    step.children = List(peer.children, Role::kInOrder);
  }

  // Nodes cannot stand among the steps of another.
  void CheckNodes(std::vector<ImportedStep>& steps) {
    for (ImportedStep& step : steps) {
      if (step.left_out) continue;
      if (registry_.FindViews(step.verb) == nullptr && registry_.FindWindow(step.verb) == nullptr) {
        continue;
      }
      Leave(step, fmt::format("{} is a node of the graph, which cannot stand inside another step",
                              step.verb));
    }
  }

  const Registry& registry_;
  std::map<std::string_view, const Row*> rows_;
  std::map<std::string_view, const CompositeRow*> composites_;
  bool some_of_weighs_ = false;
  bool choice_forces_ = false;
  Size picture_;
  bool picture_known_ = false;
  bool labels_ = false;
  Draft draft_;
  std::vector<ImportedStep> planes_;
};

// ---- Settings of the whole ----------------------------------------------------------------------

bool IsVersion(std::string_view text) {
  return !text.empty() && text.size() < 20 &&
         text.find_first_not_of("0123456789.abrc") == std::string_view::npos;
}

double NumberOf(const Value& map, std::string_view key) {
  const Value* value = map.Find(key);
  return value != nullptr && value->IsNumber() ? value->number : 0;
}

std::string WordOf(const Value& map, std::string_view key) {
  const Value* value = map.Find(key);
  return value != nullptr && value->IsScalar() ? value->text : "";
}

// Boxes are filtered once, at the end.
void AddSanitize(const Value& params, Builder& builder, std::vector<ImportedStep>& steps) {
  const std::size_t index = builder.AddItem("transform.bbox_params", "bbox_params", "sanitize");
  ImportedItem& item = builder.Item(index);
  item.likeness = Likeness::kClose;
  item.notes.push_back(
      "visibility is measured once, at the end and against the original area; the peer measures "
      "after every step, against the step before");
  const double width = NumberOf(params, "min_width");
  const double height = NumberOf(params, "min_height");
  if (width != height) {
    item.notes.push_back(fmt::format(
        "min_width {:.12g} and min_height {:.12g} differ: the smaller one holds for both", width,
        height));
  }
  if (NumberOf(params, "max_accept_ratio") > 0) {
    item.notes.push_back("max_accept_ratio has no equivalent");
  }
  if (const std::string format = WordOf(params, "format"); !format.empty()) {
    item.notes.push_back(fmt::format(
        "boxes of format '{}' are for the source to read; image_folder reads none", format));
  }
  ImportedStep step;
  step.verb = "sanitize";
  step.item = static_cast<int>(index);
  step.Set("min_area", Number(NumberOf(params, "min_area")));
  step.Set("min_visibility", Number(NumberOf(params, "min_visibility")));
  step.Set("min_size", Number(std::min(width, height)));
  steps.push_back(std::move(step));
}

void DescribeKeypoints(const Value& params, Builder& builder) {
  const Value* remove = params.Find("remove_invisible");
  const bool removes = remove == nullptr || remove->kind != Value::Kind::kBool || remove->boolean;
  builder.Note(fmt::format(
      "keypoint_params: keypoints of format '{}' are for the source to read; those outside the "
      "picture {}.",
      WordOf(params, "format"),
      removes ? "stay in their objects as unlabelled ones, the peer drops them"
              : "stay, as with the peer"));
}

void DescribeSettings(const PeerFile& file, Builder& builder, std::vector<ImportedStep>& steps) {
  for (const Value::Entry& setting : file.settings) {
    const Value& value = setting.value;
    const bool map = value.kind == Value::Kind::kMap && !value.entries.empty();
    if (setting.key == "bbox_params" && map) AddSanitize(value, builder, steps);
    if (setting.key == "keypoint_params" && map) DescribeKeypoints(value, builder);
    if (setting.key == "additional_targets" && map) {
      std::string names;
      for (const Value::Entry& target : value.entries) {
        names += (names.empty() ? "" : ", ") + Quoted(target.key);
      }
      builder.Note(fmt::format(
          "additional_targets {}: further fields of a sample come from `join`; geometry moves all "
          "of them.",
          names));
    }
  }
}

// Keeps what mirroring borders repeat, as the peer does with boxes and keypoints.
void MirrorLabels(std::vector<ImportedStep>& steps, const Registry& registry) {
  for (ImportedStep& step : steps) {
    MirrorLabels(step.children, registry);
    MirrorLabels(step.otherwise, registry);
    const Value* border = step.Find("border");
    const OpInfo* op = registry.FindOperator(step.verb);
    if (border == nullptr || border->text == "constant" || op == nullptr) continue;
    if (op->Param("mirror_labels") != nullptr) step.Set("mirror_labels", Text("duplicate"));
  }
}

// Chains, and between them the nodes that are no steps.
std::vector<Draft::Segment> Segments(std::vector<ImportedStep> steps, const Registry& registry) {
  std::vector<Draft::Segment> segments;
  std::map<std::string, int> names;
  const auto add = [&](const std::string& name, bool node) -> std::vector<ImportedStep>& {
    const int n = ++names[name];
    segments.push_back({n > 1 ? fmt::format("{}_{}", name, n) : name, node, {}});
    return segments.back().steps;
  };
  for (ImportedStep& step : steps) {
    const bool node = !step.left_out && (registry.FindViews(step.verb) != nullptr ||
                                         registry.FindWindow(step.verb) != nullptr);
    if (node) {
      add(step.verb, true).push_back(std::move(step));
    } else if (segments.empty() || segments.back().node) {
      add("augment", false).push_back(std::move(step));
    } else {
      segments.back().steps.push_back(std::move(step));
    }
  }
  return segments;
}

}  // namespace

Draft BuildDraft(Peer peer, const PeerFile& file, const ImportOptions& options,
                 const Registry& registry) {
  Builder builder(peer, file, options, registry);
  builder.draft().title = fmt::format(
      "Imported from {}{}.", peer == Peer::kAlbumentations ? "albumentations" : "torchvision",
      IsVersion(file.version) ? " " + file.version : "");
  std::vector<ImportedStep> steps = builder.Root(file.root);

  // Planes come last, whatever stood behind them.
  std::vector<ImportedStep> planes = builder.planes();
  for (auto it = steps.begin(); it != steps.end();) {
    if (it->makes == Makes::kPlanes && it->verb == "layout" && it->p >= 1) {
      planes.push_back(std::move(*it));
      it = steps.erase(it);
    } else {
      ++it;
    }
  }
  if (planes.size() > 1) planes.resize(1);

  // What makes numbers beyond 0 to 1 and never comes back does not belong into picture files.
  std::size_t split = steps.size();
  bool unit = false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].makes == Makes::kFloat || steps[i].makes == Makes::kPlanes) {
      split = std::min(split, i);
    }
    if (steps[i].makes == Makes::kInteger) split = steps.size();
    if (split == steps.size()) {
      if (steps[i].makes == Makes::kUnitFloat) unit = true;
      if (steps[i].makes == Makes::kInteger) unit = false;
    }
  }
  std::vector<ImportedStep> tail(std::make_move_iterator(steps.begin() + static_cast<long>(split)),
                                 std::make_move_iterator(steps.end()));
  steps.resize(split);
  DescribeSettings(file, builder, steps);
  if (HasLabels(file)) {
    MirrorLabels(steps, registry);
    MirrorLabels(tail, registry);
  }
  for (ImportedStep& step : planes) tail.push_back(std::move(step));

  Draft& draft = builder.draft();
  draft.files = Segments(std::move(steps), registry);
  draft.tensors = std::move(tail);
  draft.to_integers = unit;
  for (const std::string& note : file.notes) draft.notes.push_back(note);
  return builder.Take();
}

}  // namespace pixloom::importing
