// SPDX-License-Identifier: Apache-2.0
// The door to yaml-cpp: its parser drives a builder that refuses what the library lets pass.
//
// Events go into a table of nodes, not into Values: an alias is then a number, so nothing is
// replayed before its cost has been charged against the limits.
#include "pipeline/config.h"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <sstream>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "pipeline/config_scan.h"
#include "pipeline/config_variables.h"

namespace pixloom {
namespace {

// Leaves the library's parser once going on would cost too much; the error is already reported.
struct Abandon {};

class Builder : public YAML::EventHandler {
 public:
  Builder(const std::string& file, const ConfigLimits& limits, Variables& variables,
          Diagnostics& diagnostics)
      : file_(file), limits_(limits), variables_(variables), diagnostics_(diagnostics) {}

  // The document, or null if there was none. REQUIRES: no error was reported.
  Value Take() const { return root_ < 0 ? Value::Plain("", {file_, 1, 1}) : Build(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    StartCollection(Value::List({}, At(mark)), tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    StartCollection(Value::Map({}, At(mark)), tag, anchor);
  }
  void OnSequenceEnd() override { EndCollection(); }
  void OnMapEnd() override { EndCollection(); }

 private:
  struct Child {
    std::string key;  // "" in a list
    Position key_at;
    int node = 0;
    Position alias_at;  // of the alias that brings the node here; line 0 without one
  };

  struct Node {
    Value head;  // a scalar, or an empty collection whose content are the children
    std::vector<Child> children;
    bool open = true;
    // Of the whole subtree with every alias replayed.
    std::int64_t nodes = 1;
    std::size_t bytes = 0;
    int height = 0;
  };

  struct Level {
    int node = 0;
    bool is_map = false;
    bool is_key = false;  // a collection where a key should be; reported, not kept
    bool have_key = false;
    bool keep_value = false;
    Child next;  // key and key_at of the value to come
    std::unordered_map<std::string, int> key_lines;
  };

  Position At(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }
  bool ExpectsKey() const {
    return !levels_.empty() && levels_.back().is_map && !levels_.back().have_key;
  }

  int AddNode(Value head, YAML::anchor_t anchor);
  void Attach(int node, Position alias_at);
  void StartCollection(Value head, const std::string& tag, YAML::anchor_t anchor);
  void EndCollection();
  void AddKey(const std::string& text, bool quoted, Position at);
  void RefuseKey(const char* what, Position at);
  Value Scalar(const std::string& text, bool quoted, Position at);
  void CheckTag(const std::string& tag, const Position& at);
  void ChargeText(std::size_t bytes, const Position& at);
  [[noreturn]] void RefuseDepth(Position at);
  [[noreturn]] void RefuseText(Position at);
  Value Build(int index) const;

  const std::string& file_;
  const ConfigLimits& limits_;
  Variables& variables_;
  Diagnostics& diagnostics_;

  std::vector<Node> nodes_;
  std::vector<Level> levels_;
  std::unordered_map<YAML::anchor_t, int> anchors_;
  int root_ = -1;
  int documents_ = 0;
  int keys_ = 0;
  std::int64_t alias_nodes_ = 0;
  std::size_t text_bytes_ = 0;
};

void Builder::OnDocumentStart(const YAML::Mark& mark) {
  if (++documents_ == 1) return;
  diagnostics_.Error("CFG-YAML", At(mark),
                     "text after the end of the document; a file holds one document; remove it, or "
                     "check quotes and indentation before this place");
  throw Abandon();
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  Position at = At(mark);
  if (ExpectsKey()) {
    if (anchor != YAML::NullAnchor) AddNode(Value::Plain("", at), anchor);
    return RefuseKey("null", std::move(at));
  }
  // A value that is left out is marked at whatever comes next, which may be lines away.
  if (levels_.empty()) {
    at = {file_, 1, 1};
  } else if (levels_.back().is_map && at.line != levels_.back().next.key_at.line) {
    at = levels_.back().next.key_at;
  }
  Attach(AddNode(Value::Plain("", at), anchor), {});
}

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& text) {
  const Position at = At(mark);
  CheckTag(tag, at);
  const bool quoted = tag == "!";  // what the library says of quoted and block scalars
  if (text.find('\0') != std::string::npos) {
    diagnostics_.Error("CFG-YAML", at, "text with a NUL; no value holds one; remove the escape");
  }
  if (!ExpectsKey()) {
    Attach(AddNode(Scalar(text, quoted, at), anchor), {});
    return;
  }
  if (anchor != YAML::NullAnchor) {
    diagnostics_.Error(
        "CFG-YAML", at,
        "anchor on key " + Quoted(text) + "; only values have anchors; put it behind the colon");
    AddNode(Value::Plain("", at), anchor);
  }
  AddKey(text, quoted, at);
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const Position at = At(mark);
  if (ExpectsKey()) return RefuseKey("an alias", at);
  const auto known = anchors_.find(anchor);
  PIXLOOM_CHECK(known != anchors_.end(), "the parser knows every anchor it reports");
  const Node& target = nodes_[static_cast<std::size_t>(known->second)];
  if (target.open) {
    diagnostics_.Error("CFG-YAML", at,
                       fmt::format("alias of the value that it stands in (line {}); a value cannot "
                                   "hold itself; write the part out or move the anchor",
                                   target.head.at.line));
    Attach(AddNode(Value::Plain("", at), YAML::NullAnchor), {});
    return;
  }
  alias_nodes_ += target.nodes;
  if (alias_nodes_ > limits_.alias_nodes) {
    diagnostics_.Error("CFG-LIMIT", at,
                       fmt::format("aliases stand for more than {} values; replay fewer or write "
                                   "them out",
                                   limits_.alias_nodes));
    throw Abandon();
  }
  if (static_cast<int>(levels_.size()) + target.height > limits_.depth) RefuseDepth(at);
  ChargeText(target.bytes, at);
  Attach(known->second, at);
}

void Builder::StartCollection(Value head, const std::string& tag, YAML::anchor_t anchor) {
  CheckTag(tag, head.at);
  if (static_cast<int>(levels_.size()) >= limits_.depth) RefuseDepth(head.at);
  Level level;
  level.is_map = head.kind == Value::Kind::kMap;
  level.is_key = ExpectsKey();
  if (level.is_key) {
    diagnostics_.Error(
        "CFG-YAML", head.at,
        fmt::format("key is a {}; a key is text; write a name", level.is_map ? "map" : "list"));
  }
  level.node = AddNode(std::move(head), anchor);
  levels_.push_back(std::move(level));
}

void Builder::EndCollection() {
  const Level level = std::move(levels_.back());
  levels_.pop_back();
  Node& node = nodes_[static_cast<std::size_t>(level.node)];
  node.open = false;
  for (const Child& child : node.children) {
    const Node& part = nodes_[static_cast<std::size_t>(child.node)];
    node.nodes += part.nodes;
    node.bytes += part.bytes + child.key.size();
    node.height = std::max(node.height, part.height);
  }
  ++node.height;
  if (level.is_key) {
    levels_.back().have_key = true;
    levels_.back().keep_value = false;
  } else {
    Attach(level.node, {});
  }
}

int Builder::AddNode(Value head, YAML::anchor_t anchor) {
  if (static_cast<int>(nodes_.size()) >= limits_.nodes) {
    diagnostics_.Error(
        "CFG-LIMIT", head.at,
        fmt::format("more than {} values; split the file or write fewer values", limits_.nodes));
    throw Abandon();
  }
  const int index = static_cast<int>(nodes_.size());
  Node node;
  node.open = !head.IsScalar();
  node.bytes = head.text.size();
  node.head = std::move(head);
  nodes_.push_back(std::move(node));
  if (anchor != YAML::NullAnchor) anchors_[anchor] = index;
  return index;
}

void Builder::Attach(int node, Position alias_at) {
  if (levels_.empty()) {
    root_ = node;
    return;
  }
  Level& level = levels_.back();
  const bool keep = !level.is_map || std::exchange(level.keep_value, false);
  level.have_key = false;
  if (!keep) return;
  level.next.node = node;
  level.next.alias_at = std::move(alias_at);
  nodes_[static_cast<std::size_t>(level.node)].children.push_back(
      std::exchange(level.next, Child()));
}

void Builder::AddKey(const std::string& text, bool quoted, Position at) {
  if (++keys_ > limits_.keys) {
    diagnostics_.Error(
        "CFG-LIMIT", at,
        fmt::format("more than {} keys; split the file or write fewer keys", limits_.keys));
    throw Abandon();
  }
  ChargeText(text.size(), at);
  Level& level = levels_.back();
  level.have_key = true;
  level.keep_value = false;
  level.next.key_at = at;
  if (!quoted && text == "<<") {
    diagnostics_.Error("CFG-YAML", at,
                       "merge key '<<'; maps are not merged; write its keys out, or quote it if it "
                       "is a name");
    return;
  }
  const auto [first, added] = level.key_lines.emplace(text, at.line);
  if (!added) {
    diagnostics_.Error("CFG-DUP", at,
                       fmt::format("key {} is already given in line {}; a key stands once in its "
                                   "map; remove one of the two",
                                   Quoted(text), first->second));
    return;
  }
  level.keep_value = true;
  level.next.key = text;
}

void Builder::RefuseKey(const char* what, Position at) {
  diagnostics_.Error("CFG-YAML", at,
                     fmt::format("key is {}; a key is text; write a name, or quote it", what));
  Level& level = levels_.back();
  level.have_key = true;
  level.keep_value = false;
  level.next.key_at = std::move(at);
}

Value Builder::Scalar(const std::string& text, bool quoted, Position at) {
  Expansion expansion =
      ExpandVariables(text, limits_.text - std::min(text_bytes_, limits_.text), variables_);
  if (!expansion.error.empty()) {
    diagnostics_.Error("CFG-VAR", at, std::move(expansion.error));
    return Value::String(text, std::move(at));
  }
  if (expansion.too_long) RefuseText(std::move(at));
  ChargeText(expansion.text.size(), at);
  return quoted ? Value::String(std::move(expansion.text), std::move(at))
                : Value::Plain(std::move(expansion.text), std::move(at));
}

void Builder::CheckTag(const std::string& tag, const Position& at) {
  if (tag.empty() || tag == "?" || tag == "!") return;
  diagnostics_.Error("CFG-TAG", at,
                     fmt::format("tag {}; tags are not read; remove it, and quote what is to stay "
                                 "text",
                                 Quoted(tag)));
}

void Builder::ChargeText(std::size_t bytes, const Position& at) {
  text_bytes_ += bytes;
  if (text_bytes_ > limits_.text) RefuseText(at);
}

void Builder::RefuseDepth(Position at) {
  diagnostics_.Error("CFG-LIMIT", std::move(at),
                     fmt::format("nested deeper than {} levels; use fewer levels", limits_.depth));
  throw Abandon();
}

void Builder::RefuseText(Position at) {
  diagnostics_.Error("CFG-LIMIT", std::move(at),
                     fmt::format("more than {} bytes of text once aliases and variables are "
                                 "expanded; keep data in files of its own",
                                 limits_.text));
  throw Abandon();
}

// As deep as the document is nested, which the limits bound.
Value Builder::Build(int index) const {
  const Node& node = nodes_[static_cast<std::size_t>(index)];
  Value value = node.head;
  for (const Child& child : node.children) {
    Value part = Build(child.node);
    if (child.alias_at.line > 0) part.at = child.alias_at;
    if (value.kind == Value::Kind::kMap) {
      value.entries.push_back({child.key, child.key_at, std::move(part)});
    } else {
      value.items.push_back(std::move(part));
    }
  }
  return value;
}

// What to try for the library's messages, which name only what is wrong.
const char* RemedyFor(std::string_view message) {
  if (message == YAML::ErrorMsg::MAP_VALUE) {
    return "quote a value that holds ': ', and check the indentation";
  }
  if (message == YAML::ErrorMsg::UNKNOWN_TOKEN) return "quote a value that starts like this";
  if (message == YAML::ErrorMsg::UNKNOWN_ANCHOR) return "write &name before the first *name";
  return "check indentation, brackets and quotes up to this place";
}

void ReportYamlError(const YAML::Exception& error, const std::string& file,
                     const Unclosed& unclosed, Diagnostics& diagnostics) {
  // The library finds an open quote or bracket only where it no longer makes sense of the text.
  const Position at = error.mark.is_null()
                          ? Position{file, 0, 0}
                          : Position{file, error.mark.line + 1, error.mark.column + 1};
  const bool at_end =
      error.msg == YAML::ErrorMsg::EOF_IN_SCALAR || error.msg == YAML::ErrorMsg::DOC_IN_SCALAR ||
      error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW || error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW;
  const bool behind =
      std::pair(at.line, at.column) > std::pair(unclosed.at.line, unclosed.at.column);
  if (unclosed.at.line > 0 && (at_end || behind)) {
    const bool bracket = unclosed.opener == '[' || unclosed.opener == '{';
    diagnostics.Error(
        "CFG-YAML", unclosed.at,
        fmt::format("this {} is not closed; it reaches to the end of the file; add {}",
                    bracket ? "bracket" : "quote",
                    unclosed.opener == '['   ? ']'
                    : unclosed.opener == '{' ? '}'
                                             : unclosed.opener));
    return;
  }
  diagnostics.Error("CFG-YAML", at, fmt::format("{}; {}", error.msg, RemedyFor(error.msg)));
}

}  // namespace

std::optional<Value> ParseYaml(std::string_view text, const std::string& file, Variables& variables,
                               Diagnostics& diagnostics, const ConfigLimits& limits) {
  const int errors_before = diagnostics.ErrorCount();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Unclosed unclosed;
  if (!ScanYaml(text, file, limits, diagnostics, unclosed)) return std::nullopt;

  Builder builder(file, limits, variables, diagnostics);
  try {
    // At the end of the text the library closes an open quote by itself; the end marker stops it.
    std::string marked(text);
    if (!marked.ends_with('\n')) marked += '\n';
    marked += "...\n";
    std::istringstream stream(std::move(marked));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Abandon&) {
    return std::nullopt;
  } catch (const YAML::DeepRecursion& error) {
    diagnostics.Error("CFG-LIMIT", {file, error.mark.line + 1, error.mark.column + 1},
                      "nested deeper than the YAML library reads; use fewer levels");
  } catch (const YAML::Exception& error) {
    ReportYamlError(error, file, unclosed, diagnostics);
  }
  if (diagnostics.ErrorCount() > errors_before) return std::nullopt;
  return builder.Take();
}

std::optional<Value> LoadYaml(const std::string& path, Variables& variables,
                              Diagnostics& diagnostics, const ConfigLimits& limits) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  // One byte more than allowed shows that a file is too large without reading the rest.
  std::string text(limits.bytes + 1, '\0');
  const std::size_t size = file ? std::fread(text.data(), 1, text.size(), file.get()) : 0;
  if (!file || std::ferror(file.get()) != 0) {
    std::string why = std::generic_category().message(errno);
    why[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(why[0])));
    diagnostics.Error(
        "CFG-READ", {path, 0, 0},
        fmt::format("cannot read {}: {}; give the path of a readable file", Quoted(path), why));
    return std::nullopt;
  }
  text.resize(size);
  return ParseYaml(text, path, variables, diagnostics, limits);
}

}  // namespace pixloom
