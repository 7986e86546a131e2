// SPDX-License-Identifier: Apache-2.0
// The tables that say what a peer's transforms are in Pixloom's words, and what reads them. A table
// is data: one row for a transform, one rule for a parameter. Internal to api/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/import.h"
#include "pipeline/value.h"

namespace pixloom::importing {

inline constexpr std::size_t kMaxPeerSteps = 2000;  // more is no pipeline that someone wrote

// A transform as the peer's file has it.
struct PeerStep {
  std::string name;  // without its module
  std::string path;
  std::vector<Value::Entry> args;  // keys are empty for positional arguments
  std::vector<PeerStep> children;

  // nullptr when it is not there or null: peers read null as "not given".
  const Value* Find(std::string_view key) const;
};

struct PeerFile {
  PeerStep root;  // its children are the pipeline
  std::string version;
  std::vector<std::string> notes;
  std::vector<Value::Entry> settings;  // what stands beside the transforms of the root
};

PeerFile ReadAlbumentations(std::string_view text, const std::string& name);
PeerFile ReadTorchvision(std::string_view text, const std::string& name);

// What pixels are after a step, where it changes that.
enum class Makes { kSame, kUnitFloat, kFloat, kPlanes, kInteger };

// A step on its way into the pipeline. `children` of a composite; a verb may become several steps,
// which are then the children of a chain.
struct ImportedStep {
  std::string verb;
  std::vector<Value::Entry> args;
  double p = 1;
  std::optional<double> weight;
  std::vector<ImportedStep> children;
  std::vector<ImportedStep> otherwise;  // of `sometimes`
  int item = -1;                        // in the report
  bool part = false;      // of what a transform became: the first of them speaks for all
  bool left_out = false;  // only its comment is written
  Makes makes = Makes::kSame;

  const Value* Find(std::string_view param) const;
  void Set(std::string_view param, Value value);
};

// What a rule may look at and change.
struct Conversion {
  const PeerStep& peer;
  ImportedStep& step;
  ImportedItem& item;
  Size picture;  // as far as it is known
  bool picture_known = false;
  bool labels = false;  // the file speaks of boxes or keypoints
  bool planes = false;  // channels become planes, at the end of everything

  // Something differs; `text` says what.
  void Close(std::string text);
  // There is no equivalent after all.
  void Missing(std::string text);
  // The picture's size is needed and was not given.
  void NeedsSize(std::string_view param);
};

using Convert = void (*)(const Value& value, std::string_view ours, Conversion& c);

struct Rule {
  std::string_view peer;      // "name|older name": any of them
  std::string_view ours;      // what it sets; "" sets nothing
  Convert convert = nullptr;  // null: the same value
  // The peer's default as JSON, written out when the file has none. "" only applies the rule to
  // what is there. A rule that sets nothing says with it which value is no loss.
  std::string_view fallback{};
  std::string_view loss{};  // what a value other than the fallback of such a rule means
};
using Rules = std::vector<Rule>;

struct Row {
  std::string_view peer;
  std::string_view verb;  // "" has no equivalent
  Likeness likeness = Likeness::kMissing;
  double p = 1;             // the peer's default
  std::string_view note{};  // what differs, or what to use instead
  Rules rules{};
  Makes makes = Makes::kSame;
  // After the rules, where parameters hang together.
  void (*finish)(Conversion& c) = nullptr;
};

// What holds transforms; how it becomes steps is code.
enum class Composite { kNone, kSequence, kOneOf, kSomeOf, kRandomOrder, kOneOrOther, kChannels };
struct CompositeRow {
  std::string_view peer;
  Composite kind;
  double p;
};
std::string_view CompositeVerb(Composite kind);

// What stands in an albumentations file: all of them, in two tables.
const std::vector<Row>& AlbumentationsRows();
const std::vector<Row>& AlbumentationsSpaceRows();
const std::vector<Row>& AlbumentationsPixelRows();
const std::vector<CompositeRow>& AlbumentationsComposites();
const std::vector<Row>& TorchvisionRows();
const std::vector<CompositeRow>& TorchvisionComposites();
// Names of positional parameters, for torchvision as it is written in Python: "size,interpolation".
std::string_view TorchvisionOrder(std::string_view name);

Rules Join(std::initializer_list<Rules> lists);

// ---- Values -----------------------------------------------------------------------------------

Value Number(double value);
Value Numbers(const std::vector<double>& values);
Value Text(std::string_view text);
// {choice: [...]}
Value Choice(const std::vector<double>& values);
// JSON of a table as a value.
Value FromJson(std::string_view json);
// One number for both, or a list of two; nullopt for anything else.
std::optional<std::pair<double, double>> AsPair(const Value& value);
// The item is missing for the reason that this value was not what it should be.
void Unexpected(const Value& value, std::string_view expected, Conversion& c);

// `value` with every number of it multiplied, and so on; the same shape.
Value Scaled(const Value& value, double factor, double offset = 0);

// ---- Conversions that both tables use -----------------------------------------------------------

void Same(const Value& value, std::string_view ours, Conversion& c);
// n is [-n, n], [0, n] or [1 - n, 1 + n].
void Symmetric(const Value& value, std::string_view ours, Conversion& c);
void FromZero(const Value& value, std::string_view ours, Conversion& c);
void AroundOne(const Value& value, std::string_view ours, Conversion& c);
void Percent(const Value& value, std::string_view ours, Conversion& c);
void Levels(const Value& value, std::string_view ours, Conversion& c);  // of 255 to full scale
void Roi(const Value& value, std::string_view ours, Conversion& c);     // x_min, y_min, ...
void MaskFill(const Value& value, std::string_view ours, Conversion& c);
// OpenCV's numbers of an interpolation; of resizes, where its nearest is the upper left pixel.
void CvInterpolation(const Value& value, std::string_view ours, Conversion& c);
void CvResizing(const Value& value, std::string_view ours, Conversion& c);
// Angles that grow the other way.
void Clockwise(const Value& value, std::string_view ours, Conversion& c);
// A list is a set to choose from.
void OneOfList(const Value& value, std::string_view ours, Conversion& c);

}  // namespace pixloom::importing
