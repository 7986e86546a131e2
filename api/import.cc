// SPDX-License-Identifier: Apache-2.0
#include "api/import.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/import_steps.h"
#include "api/pixloom.h"

namespace pixloom {

using namespace importing;

namespace {

std::string_view LikenessName(Likeness likeness) {
  switch (likeness) {
    case Likeness::kExact:
      return "exact";
    case Likeness::kClose:
      return "close";
    case Likeness::kMissing:
      return "no equivalent";
  }
  return "?";
}

// ---- What the graph language refuses ------------------------------------------------------------

// The step that `item` became; nullptr when there is none.
ImportedStep* FindStep(std::vector<ImportedStep>& steps, int item) {
  for (ImportedStep& step : steps) {
    if (step.item == item) return &step;
    if (ImportedStep* inside = FindStep(step.children, item)) return inside;
    if (ImportedStep* inside = FindStep(step.otherwise, item)) return inside;
  }
  return nullptr;
}

ImportedStep* FindStep(Draft& draft, int item) {
  for (Draft::Segment& segment : draft.files) {
    if (ImportedStep* step = FindStep(segment.steps, item)) return step;
  }
  return FindStep(draft.tensors, item);
}

// `because` is why a step inside another goes with it.
void LeaveOut(ImportedStep& step, Draft& draft, const std::string& because = "") {
  step.left_out = true;
  std::string inside = because;
  if (step.item >= 0) {
    ImportedItem& item = draft.items[static_cast<std::size_t>(step.item)];
    if (!because.empty() && !step.part && item.likeness != Likeness::kMissing) {
      item.notes = {because};
    }
    item.likeness = Likeness::kMissing;
    inside = fmt::format("stands inside {}, which is left out", item.name);
  }
  for (ImportedStep& child : step.children) LeaveOut(child, draft, inside);
  for (ImportedStep& child : step.otherwise) LeaveOut(child, draft, inside);
}

// "augment (gamma): gamma: ..." without the words about where, which say nothing to who wrote the
// peer's file.
std::string Reason(const std::string& text) {
  const std::size_t colon = text.find(": ");
  return colon == std::string::npos ? text : text.substr(colon + 2);
}

// Takes out what the language refuses, until it takes all of the pipeline: values outside a
// parameter's range, types that do not fit, verbs this build does not have.
void MakeValid(Draft& draft, bool tensors, const Registry& registry) {
  while (true) {
    std::vector<int> lines;
    const std::string yaml = WriteDraft(draft, tensors, lines);
    LoadOptions options;
    options.registry = &registry;
    options.set = {{"DATA", "data"}, {"COPIES", "1"}};
    if (!tensors) options.set["OUT"] = "out";
    try {
      Pipeline::Parse(yaml, "pipeline.yaml", options);
      return;
    } catch (const ConfigError& error) {
      std::set<int> blamed;
      for (const Diagnostic& one : error.Found().All()) {
        const auto line = static_cast<std::size_t>(one.at.line);
        if (one.severity != Severity::kError || line < 1 || line > lines.size()) continue;
        const int item = lines[line - 1];
        ImportedStep* step = FindStep(draft, item);
        if (item < 0 || step == nullptr || step->left_out) continue;
        std::vector<std::string>& notes = draft.items[static_cast<std::size_t>(item)].notes;
        if (blamed.insert(item).second) notes.clear();
        notes.push_back(Reason(one.text));
      }
      PIXLOOM_CHECK(!blamed.empty(), std::string("import wrote a pipeline that is refused: ") +
                                         error.what() + "\n" + yaml);
      for (const int item : blamed) LeaveOut(*FindStep(draft, item), draft);
    }
  }
}

}  // namespace

ImportedPipeline Import(Peer peer, std::string_view text, const std::string& name,
                        const ImportOptions& options) {
  const Registry& registry = options.registry != nullptr ? *options.registry : BuiltIns();
  const PeerFile file =
      peer == Peer::kAlbumentations ? ReadAlbumentations(text, name) : ReadTorchvision(text, name);
  Draft draft = BuildDraft(peer, file, options, registry);
  MakeValid(draft, true, registry);
  if (!options.tensors) MakeValid(draft, false, registry);
  ImportedPipeline imported;
  std::vector<int> lines;
  imported.yaml = WriteDraft(draft, options.tensors, lines);
  imported.items = std::move(draft.items);
  for (ImportedItem& item : imported.items) {
    if (item.likeness == Likeness::kMissing) item.verb.clear();
  }
  imported.notes = std::move(draft.notes);
  return imported;
}

// ---- Reports ------------------------------------------------------------------------------------

int ImportedPipeline::Count(Likeness likeness) const {
  return static_cast<int>(std::count_if(items.begin(), items.end(), [&](const ImportedItem& item) {
    return item.likeness == likeness;
  }));
}

std::string ImportedPipeline::ToText() const {
  std::string text;
  for (const ImportedItem& item : items) {
    text += fmt::format("{} {}{}{}: {}\n", item.path, item.name, item.verb.empty() ? "" : " -> ",
                        item.verb, LikenessName(item.likeness));
    for (const std::string& note : item.notes) text += fmt::format("    {}\n", note);
  }
  for (const std::string& note : notes) text += fmt::format("note: {}\n", note);
  const int missing = Count(Likeness::kMissing);
  text += fmt::format("{} item{}: {} exact, {} close, {} without equivalent\n", items.size(),
                      items.size() == 1 ? "" : "s", Count(Likeness::kExact),
                      Count(Likeness::kClose), missing);
  return text;
}

std::string ImportedPipeline::ToJson() const {
  using Json = nlohmann::ordered_json;
  Json root;
  root["items"] = Json::array();
  for (const ImportedItem& item : items) {
    root["items"].push_back(
        {{"path", item.path},
         {"name", item.name},
         {"verb", item.verb},
         {"likeness",
          item.likeness == Likeness::kMissing ? "missing" : LikenessName(item.likeness)},
         {"notes", item.notes}});
  }
  root["notes"] = notes;
  root["exact"] = Count(Likeness::kExact);
  root["close"] = Count(Likeness::kClose);
  root["missing"] = Count(Likeness::kMissing);
  return root.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::vector<ImportTableRow> ImportTable(Peer peer) {
  const bool a = peer == Peer::kAlbumentations;
  std::vector<ImportTableRow> table;
  for (const Row& row : a ? AlbumentationsRows() : TorchvisionRows()) {
    table.push_back(
        {std::string(row.peer), std::string(row.verb), row.likeness, std::string(row.note)});
  }
  for (const CompositeRow& row : a ? AlbumentationsComposites() : TorchvisionComposites()) {
    table.push_back(
        {std::string(row.peer), std::string(CompositeVerb(row.kind)), Likeness::kExact, ""});
  }
  std::sort(table.begin(), table.end(),
            [](const auto& x, const auto& y) { return x.name < y.name; });
  return table;
}

}  // namespace pixloom
