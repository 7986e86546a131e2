// SPDX-License-Identifier: Apache-2.0
// Reads torchvision transforms: as they print themselves, or as they are written in Python.
//
//   value = NAME(.NAME)* [ "(" item* ")" ]* | NUMBER | STRING | [ ... ] | ( ... ) | { ... } | < ...
//   > item  = [NAME "=" | "(" INT ")" ":"] value          commas between items may be missing
//
// A call is a transform where transforms stand, and a value elsewhere.
#include <cctype>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "api/import_rules.h"

namespace pixloom::importing {

namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 64;

// A value that may hold calls. Those of Value cannot, so a call waits here until it is known
// whether it is a transform.
struct Item {
  std::string key;  // of an argument; empty for a positional one
  Value value;
  std::vector<PeerStep> calls;  // the call it is, or those of the list it is
  bool is_call = false;
};

bool IsWordStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsWord(char c) { return IsWordStart(c) || (c >= '0' && c <= '9'); }

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

class Parser {
 public:
  Parser(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  PeerStep Read() {
    SkipSpace();
    if (AtEnd()) Refuse("there is nothing to read; give the text of print(transform)");
    // `transform = T.Compose([...])`
    const std::size_t start = at_;
    if (IsWordStart(Peek())) {
      Word();
      SkipSpace();
      if (Peek() == '=' && Peek(1) != '=')
        ++at_;
      else
        at_ = start;
    }
    Item item = ReadValue(0);
    SkipSpace();
    if (!AtEnd()) Refuse(fmt::format("expected the end, got {}", Shown()));
    if (item.calls.empty()) {
      Refuse("expected a transform, as Resize(256) or Compose(...)");
    }
    if (item.is_call) return std::move(item.calls[0]);
    PeerStep root;
    root.name = "Compose";
    root.children = std::move(item.calls);
    return root;
  }

 private:
  bool AtEnd() const { return at_ >= text_.size(); }
  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  Position Here() const {
    Position at{name_, 1, 1};
    for (std::size_t i = 0; i < std::min(at_, text_.size()); ++i) {
      at.column = text_[i] == '\n' ? 1 : at.column + 1;
      at.line += text_[i] == '\n';
    }
    return at;
  }

  std::string Shown() const {
    return AtEnd() ? "the end of the text" : Quoted(text_.substr(at_, 20));
  }

  [[noreturn]] void Refuse(std::string text) const {
    Diagnostics diagnostics;
    diagnostics.Error("CFG-IMPORT", Here(), std::move(text));
    throw ConfigError(diagnostics);
  }

  // Spaces, line ends and comments.
  void SkipSpace() {
    while (!AtEnd()) {
      if (std::isspace(static_cast<unsigned char>(Peek())) != 0) {
        ++at_;
      } else if (Peek() == '#') {
        while (!AtEnd() && Peek() != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  void Expect(char c) {
    SkipSpace();
    if (Peek() != c) Refuse(fmt::format("expected '{}', got {}", c, Shown()));
    ++at_;
  }

  std::string Word() {
    const std::size_t start = at_;
    while (IsWord(Peek())) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  // NAME(.NAME)*: only the last name matters, `transforms.v2.Resize` is Resize.
  std::string DottedName() {
    std::string word = Word();
    while (Peek() == '.' && IsWordStart(Peek(1))) {
      ++at_;
      word = Word();
    }
    return word;
  }

  Item ReadValue(int depth) {
    if (depth > kMaxDepth) Refuse(fmt::format("nested deeper than {} levels", kMaxDepth));
    SkipSpace();
    Item item;
    const char c = Peek();
    if (AtEnd()) {
      Refuse("the text ends early; a bracket is not closed");
    } else if (IsWordStart(c)) {
      ReadName(depth, item);
    } else if (c == '\'' || c == '"') {
      item.value = Value::String(ReadString(), {});
    } else if (c == '[' || c == '(') {
      ReadList(depth, item);
    } else if (c == '{' || c == '<') {
      item.value = Value::String(ReadOpaque(depth), {});
    } else {
      item.value = ReadNumber();
    }
    return item;
  }

  void ReadName(int depth, Item& item) {
    const std::string name = DottedName();
    SkipSpace();
    if (Peek() != '(') {
      if (name == "True" || name == "False") {
        item.value = Value::Bool(name == "True");
      } else if (name != "None") {
        // InterpolationMode.BILINEAR is bilinear, torch.float32 float32.
        item.value = Value::String(Lower(name), {});
      }
      return;
    }
    PeerStep step;
    step.name = name;
    // RandomChoice(...)(p=None) prints its arguments in two pairs of brackets.
    while (Peek() == '(') {
      ++at_;
      ReadArguments(depth, step);
      SkipToBracket();
    }
    // Two transforms print a bracket too many in the middle of their arguments.
    if (name == "RandomResizedCrop" || name == "ElasticTransform") ReadMisprint(depth, step);
    item.calls.push_back(std::move(step));
    item.is_call = true;
  }

  // A bracket that follows on the same line belongs to what stands before it.
  void SkipToBracket() {
    std::size_t ahead = 0;
    while (Peek(ahead) == ' ') ++ahead;
    if (Peek(ahead) == '(') at_ += ahead;
  }

  void ReadArguments(int depth, PeerStep& step) {
    while (true) {
      SkipSpace();
      if (Peek() == ')') {
        ++at_;
        return;
      }
      if (Peek() == ',') {
        ++at_;
        continue;
      }
      Item item = ReadItem(depth + 1);
      if (!item.calls.empty() && (item.is_call || item.value.items.empty())) {
        for (PeerStep& call : item.calls) step.children.push_back(std::move(call));
      } else {
        step.args.push_back({item.key, {}, std::move(item.value)});
      }
    }
  }

  // `), antialias=True)` and `), (sigma=[5.0, 5.0]), interpolation={...})`
  void ReadMisprint(int depth, PeerStep& step) {
    while (true) {
      const std::size_t start = at_;
      SkipSpace();
      if (Peek() != ',') {
        at_ = start;
        return;
      }
      ++at_;
      SkipSpace();
      const bool bracket = Peek() == '(';
      if (bracket) ++at_;
      const std::size_t word = at_;
      if (Word().empty() || Peek() != '=') {
        at_ = start;
        return;
      }
      at_ = word;
      ReadArguments(depth, step);
    }
  }

  Item ReadItem(int depth) {
    SkipSpace();
    const std::size_t start = at_;
    // (0): as torch.nn.Sequential prints it
    if (Peek() == '(') {
      ++at_;
      while (std::isdigit(static_cast<unsigned char>(Peek())) != 0) ++at_;
      if (at_ > start + 1 && Peek() == ')' && Peek(1) == ':') {
        at_ += 2;
        return ReadValue(depth);
      }
      at_ = start;
    }
    if (IsWordStart(Peek())) {
      const std::string key = Word();
      SkipSpace();
      if (Peek() == '=' && Peek(1) != '=') {
        ++at_;
        Item item = ReadValue(depth);
        item.key = key;
        return item;
      }
      at_ = start;
    }
    return ReadValue(depth);
  }

  void ReadList(int depth, Item& item) {
    const char close = Peek() == '[' ? ']' : ')';
    ++at_;
    item.value.kind = Value::Kind::kList;
    while (true) {
      SkipSpace();
      if (Peek() == close) {
        ++at_;
        return;
      }
      if (Peek() == ',') {
        ++at_;
        continue;
      }
      Item inner = ReadValue(depth + 1);
      if (inner.is_call) {
        for (PeerStep& call : inner.calls) item.calls.push_back(std::move(call));
      } else {
        item.value.items.push_back(std::move(inner.value));
      }
    }
  }

  std::string ReadString() {
    const char quote = Peek();
    ++at_;
    std::string out;
    while (Peek() != quote) {
      if (AtEnd() || Peek() == '\n') Refuse("the text in quotes does not end on its line");
      if (Peek() == '\\') ++at_;
      out += Peek();
      ++at_;
    }
    ++at_;
    return out;
  }

  // What has no meaning here: {self.fill}, <function f at 0x7f>.
  std::string ReadOpaque(int depth) {
    if (depth > kMaxDepth) Refuse(fmt::format("nested deeper than {} levels", kMaxDepth));
    const std::size_t start = at_;
    const char open = Peek();
    const char close = open == '{' ? '}' : '>';
    int level = 0;
    do {
      if (AtEnd()) Refuse(fmt::format("'{}' is not closed", open));
      level += Peek() == open ? 1 : Peek() == close ? -1 : 0;
      ++at_;
    } while (level > 0);
    return std::string(text_.substr(start, at_ - start));
  }

  // Python writes 1. and fractions such as 3/4.
  Value ReadNumber() {
    Value value = ReadPlainNumber();
    while (true) {
      const std::size_t start = at_;
      SkipSpace();
      if (Peek() != '/') {
        at_ = start;
        return value;
      }
      ++at_;
      SkipSpace();
      const Value divisor = ReadPlainNumber();
      if (divisor.number == 0) Refuse("division by 0");
      value = Value::Float(value.number / divisor.number);
    }
  }

  Value ReadPlainNumber() {
    const std::size_t start = at_;
    while (IsWord(Peek()) || Peek() == '.' ||
           ((Peek() == '-' || Peek() == '+') &&
            (at_ == start || text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E'))) {
      ++at_;
    }
    const std::string word(text_.substr(start, at_ - start));
    Value plain = Value::Plain(word.ends_with('.') ? word + "0" : word, {});
    if (!plain.IsNumber() || !std::isfinite(plain.number)) {
      at_ = start;
      Refuse(fmt::format("expected a value, got {}", Shown()));
    }
    return plain;
  }

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
};

// Positional arguments get their names.
void NameArguments(PeerStep& step) {
  std::string_view order = TorchvisionOrder(step.name);
  for (Value::Entry& entry : step.args) {
    if (!entry.key.empty()) continue;
    const std::size_t comma = std::min(order.find(','), order.size());
    entry.key = comma > 0 ? std::string(order.substr(0, comma)) : "?";
    order.remove_prefix(std::min(comma + 1, order.size()));
  }
}

// Gives the number of transforms.
std::size_t NamePaths(PeerStep& step, const std::string& path) {
  std::size_t count = 1;
  step.path = path;
  NameArguments(step);
  for (std::size_t i = 0; i < step.children.size(); ++i) {
    count += NamePaths(step.children[i], fmt::format("{}.transforms[{}]", path, i));
  }
  return count;
}

}  // namespace

PeerFile ReadTorchvision(std::string_view text, const std::string& name) {
  Diagnostics diagnostics;
  if (text.size() > kMaxBytes) {
    diagnostics.Error("CFG-IMPORT", {name, 0, 0},
                      fmt::format("{} bytes; at most {} are read", text.size(), kMaxBytes));
  } else if (FirstInvalidUtf8(text) != std::string_view::npos) {
    diagnostics.Error("CFG-IMPORT", {name, 0, 0}, "this is no UTF-8 text");
  }
  if (diagnostics.HasErrors()) throw ConfigError(diagnostics);
  PeerFile file;
  PeerStep step = Parser(text, name).Read();
  if (NamePaths(step, "transform") > kMaxPeerSteps) {
    diagnostics.Error("CFG-IMPORT", {name, 0, 0},
                      fmt::format("more than {} transforms", kMaxPeerSteps));
    throw ConfigError(diagnostics);
  }
  if (step.name == "Compose" || step.name == "Sequential") {
    file.root = std::move(step);
  } else {
    file.root.name = "Compose";
    file.root.path = "transform";
    file.root.children.push_back(std::move(step));
  }
  return file;
}

}  // namespace pixloom::importing
