// SPDX-License-Identifier: Apache-2.0
// Steps as YAML that people go on with: one line for a step where it fits, comments above it.
#include <cmath>

#include <fmt/format.h>

#include "api/import_steps.h"
#include "pipeline/config.h"

namespace pixloom::importing {

namespace {

constexpr std::size_t kColumns = 100;

std::string NumberText(const Value& value) {
  if (value.kind == Value::Kind::kInt) return std::to_string(value.integer);
  // 0.9000000000000001 is what arithmetic made of 0.9; 128 / 255 stays what it is, since levels
  // are compared with it.
  std::string rounded = fmt::format("{:.12g}", value.number);
  return rounded.size() < 12 ? rounded : fmt::format("{}", value.number);
}

// A value on one line, as it may stand inside braces.
std::string Flow(const Value& value) {
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
  switch (value.kind) {
    case Value::Kind::kInt:
    case Value::Kind::kFloat:
      return NumberText(value);
    case Value::Kind::kList:
      for (const Value& item : value.items) add(Flow(item));
      return "[" + out + "]";
    case Value::Kind::kMap:
      for (const Value::Entry& entry : value.entries) add(entry.key + ": " + Flow(entry.value));
      return "{" + out + "}";
    default:
      break;
  }
  std::string text = ToYaml(value);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

bool HasLive(const ImportedStep& step);
bool HasLive(const std::vector<ImportedStep>& steps) {
  for (const ImportedStep& step : steps) {
    if (HasLive(step)) return true;
  }
  return false;
}

bool HoldsSteps(const ImportedStep& step) {
  return !step.children.empty() || !step.otherwise.empty();
}

bool HasLive(const ImportedStep& step) {
  if (step.left_out) return false;
  return !HoldsSteps(step) || HasLive(step.children) || HasLive(step.otherwise);
}

class Writer {
 public:
  Writer(const Draft& draft, std::vector<int>& lines) : draft_(draft), lines_(lines) {
    lines_.clear();
  }

  void Line(const std::string& text, int item = -1) {
    text_ += commented_ ? "  # " + (text.size() > 2 ? text.substr(2) : "") : text;
    while (text_.ends_with(' ')) text_.pop_back();
    text_ += '\n';
    lines_.push_back(commented_ ? -1 : item);
  }

  // Everything written until Commented(false) is one comment, indented by two.
  void Commented(bool on) { commented_ = on; }

  void Comment(const std::string& margin, const std::string& text) {
    std::string line;
    std::size_t start = 0;
    while (start < text.size()) {
      const std::size_t end = std::min(text.find(' ', start), text.size());
      std::string word = text.substr(start, end - start);
      for (char& c : word) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
      }
      if (!line.empty() && margin.size() + 3 + line.size() + word.size() > kColumns) {
        Line(margin + "# " + line);
        line.clear();
      }
      line += (line.empty() ? "" : " ") + word;
      start = end + 1;
    }
    if (!line.empty()) Line(margin + "# " + line);
  }

  // What the report says of a step that is not exact.
  void Comment(const std::string& margin, const ImportedStep& step) {
    if (step.item < 0 || step.part) return;
    const ImportedItem& item = draft_.items[static_cast<std::size_t>(step.item)];
    if (item.likeness == Likeness::kExact && !step.left_out) return;
    std::string text = item.name;
    if (item.likeness == Likeness::kMissing) text += " is left out";
    if (item.likeness == Likeness::kExact) text += " does nothing";
    for (std::size_t i = 0; i < item.notes.size(); ++i) {
      text += (i == 0 ? ": " : "; ") + item.notes[i];
    }
    Comment(margin, text);
  }

  // `shares`: steps that are left out keep their place, since a choice depends on it.
  void Steps(const std::vector<ImportedStep>& steps, int indent, bool shares) {
    const bool alone = !HasLive(steps);
    bool stood_in = false;
    for (const ImportedStep& step : steps) {
      const std::string margin(static_cast<std::size_t>(indent), ' ');
      if (HasLive(step)) {
        Comment(margin, step);
        if (HoldsSteps(step))
          Composite(step, indent);
        else
          Plain(step, margin);
        continue;
      }
      LeftOut(step, margin);
      if (shares || (alone && !stood_in)) {
        Line(step.weight ? fmt::format("{}- {{hflip: {{p: 0}}, weight: {:.12g}}}  # does nothing",
                                       margin, *step.weight)
                         : margin + "- hflip: {p: 0}  # does nothing",
             step.item);
        stood_in = true;
      }
    }
  }

  void Plain(const ImportedStep& step, const std::string& margin) {
    std::string args;
    for (const Value::Entry& entry : step.args) {
      args += fmt::format("{}{}: {}", args.empty() ? "" : ", ", entry.key, Flow(entry.value));
    }
    if (step.p < 1) args += fmt::format("{}p: {:.12g}", args.empty() ? "" : ", ", step.p);
    std::string line = step.verb;
    if (!args.empty()) line += ": {" + args + "}";
    if (step.weight) {
      if (args.empty()) line += ": {}";
      line = fmt::format("{{{}, weight: {:.12g}}}", line, *step.weight);
    }
    Wrapped(margin, "- " + line, step.item);
  }

  void LeftOut(const ImportedStep& step, const std::string& margin) {
    Comment(margin, step);
    for (const ImportedStep& child : step.children) LeftOut(child, margin);
    for (const ImportedStep& child : step.otherwise) LeftOut(child, margin);
  }

  std::string Take() { return std::move(text_); }

 private:
  // Inside braces a line may end after a comma; lists stay whole.
  void Wrapped(const std::string& margin, std::string line, int item) {
    std::string indent = margin;
    while (indent.size() + line.size() > kColumns) {
      std::size_t cut = 0;
      int depth = 0;
      for (std::size_t i = 0; i < line.size() && indent.size() + i < kColumns; ++i) {
        depth += line[i] == '[' ? 1 : line[i] == ']' ? -1 : 0;
        if (depth == 0 && line[i] == ',') cut = i;
      }
      if (cut == 0) cut = line.rfind(',', kColumns - indent.size() - 1);
      if (cut == 0 || cut == std::string::npos) break;
      Line(indent + line.substr(0, cut + 1), item);
      line.erase(0, cut + 2);
      indent = margin + "      ";
    }
    Line(indent + line, item);
  }

  void Composite(const ImportedStep& step, int indent) {
    const std::string margin(static_cast<std::size_t>(indent), ' ');
    const int item = step.item;
    const bool shares =
        step.verb == "one_of" || step.verb == "some_of" || step.verb == "random_order";
    Line(fmt::format("{}- {}:", margin, step.verb), item);
    if (step.verb == "sometimes") {
      Line(fmt::format("{}    p: {:.12g}", margin, step.p), item);
      Line(margin + "    then:", item);
      Steps(step.children, indent + 6, false);
      Line(margin + "    else:", item);
      Steps(step.otherwise, indent + 6, false);
    } else if (!step.args.empty()) {
      for (const Value::Entry& entry : step.args) {
        Line(fmt::format("{}    {}: {}", margin, entry.key, Flow(entry.value)), item);
      }
      Line(margin + "    steps:", item);
      Steps(step.children, indent + 6, shares);
    } else {
      Steps(step.children, indent + 4, shares);
    }
    if (step.p < 1 && step.verb != "sometimes") {
      Line(fmt::format("{}  p: {:.12g}", margin, step.p), item);
    }
    if (step.weight) Line(fmt::format("{}  weight: {:.12g}", margin, *step.weight), item);
  }

  const Draft& draft_;
  std::vector<int>& lines_;
  std::string text_;
  bool commented_ = false;
};

void WriteChain(Writer& writer, const std::string& name, const std::vector<ImportedStep>& steps) {
  if (HasLive(steps)) writer.Line(fmt::format("  {}:", name));
  for (const ImportedStep& step : steps) {
    if (HasLive(steps)) break;
    // Nothing but comments.
    writer.LeftOut(step, "  ");
  }
  if (HasLive(steps)) writer.Steps(steps, 4, false);
}

}  // namespace

std::string WriteDraft(const Draft& draft, bool tensors, std::vector<int>& lines) {
  Writer writer(draft, lines);
  writer.Comment("", draft.title);
  for (const std::string& note : draft.notes) writer.Comment("", note);
  writer.Line("version: 1");
  writer.Line("nodes:");
  writer.Line("  photos: {image_folder: $(DATA:-data)}");
  writer.Line("  views: {copies: $(COPIES:-1)}");
  for (const Draft::Segment& segment : draft.files) {
    if (!segment.node || !HasLive(segment.steps)) {
      WriteChain(writer, segment.name, segment.steps);
      continue;
    }
    const ImportedStep& step = segment.steps.front();
    writer.Comment("  ", step);
    writer.Line(fmt::format("  {}:", segment.name));
    std::string args;
    for (const Value::Entry& entry : step.args) {
      args += fmt::format("{}{}: {}", args.empty() ? "" : ", ", entry.key, Flow(entry.value));
    }
    if (step.p < 1) args += fmt::format("{}p: {:.12g}", args.empty() ? "" : ", ", step.p);
    writer.Line(fmt::format("    {}: {{{}}}", step.verb, args), step.item);
  }
  if (tensors) {
    WriteChain(writer, "tensors", draft.tensors);
    writer.Comment("  ", "Read by a training loader; an hdf5 sink stores them.");
    writer.Line("  out: {discard: {}}");
    return writer.Take();
  }
  if (HasLive(draft.tensors)) {
    writer.Comment("  ",
                   "What follows makes numbers that picture files cannot hold. For a training "
                   "loader, import with --tensors.");
    writer.Commented(true);
    WriteChain(writer, "tensors", draft.tensors);
    writer.Commented(false);
  } else {
    WriteChain(writer, "tensors", draft.tensors);
  }
  if (draft.to_integers) {
    writer.Comment("  ", "Files hold integers.");
    writer.Line("  files: [{cast: {to: uint8}}]");
  }
  writer.Line("  out: {image_folder: $(OUT:-out)}");
  return writer.Take();
}

}  // namespace pixloom::importing
