// SPDX-License-Identifier: Apache-2.0
// Follows just enough of YAML's lexical rules to know where quotes, block scalars, comments and
// plain text hide brackets. It never decides what valid YAML means; the library does.
#include "pipeline/config_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace pixloom {
namespace {

constexpr int kReportedTabs = 20;      // one editor setting, not thousands of findings
constexpr int kFlowTokensPerNode = 4;  // value, comma or colon, anchor, tag

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsFlowIndicator(char c) { return c == ',' || c == '[' || c == ']' || c == '{' || c == '}'; }

// Reports the first byte that has no place in a text file.
bool CheckBytes(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  const std::size_t invalid = FirstInvalidUtf8(text);
  std::size_t bad = 0;
  for (; bad < std::min(invalid, text.size()); ++bad) {
    const auto c = static_cast<unsigned char>(text[bad]);
    if (c == '\r' && bad + 1 < text.size() && text[bad + 1] == '\n') continue;
    if (c == 0x7F || (c < 0x20 && c != '\t' && c != '\n')) break;
  }
  if (bad >= text.size()) return true;

  const std::string_view before = text.substr(0, bad);
  const std::size_t newline = before.rfind('\n');
  const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
  const Position at{file, static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                    static_cast<int>(bad - line_begin) + 1};
  const auto byte = static_cast<unsigned char>(text[bad]);
  if (bad == invalid) {
    diagnostics.Error("CFG-YAML", at,
                      fmt::format("byte 0x{:02x} is not UTF-8; a configuration is UTF-8 text; save "
                                  "the file as UTF-8",
                                  byte));
  } else {
    diagnostics.Error("CFG-YAML", at,
                      fmt::format("control character 0x{:02x}; only tab and line ends may stand in "
                                  "the text; write it as an escape in double quotes",
                                  byte));
  }
  return false;
}

class Scanner {
 public:
  Scanner(std::string_view text, const std::string& file, const ConfigLimits& limits,
          Diagnostics& diagnostics)
      : text_(text), file_(file), limits_(limits), diagnostics_(diagnostics) {}

  bool Run(Unclosed& unclosed);

 private:
  Position Here() const { return {file_, line_, static_cast<int>(pos_ - line_begin_) + 1}; }
  char Peek(std::size_t ahead) const {
    return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\n';
  }
  // Whether an indicator such as "-" or ":" ends after one character.
  bool EndsAfterOne() const {
    const char next = Peek(1);
    return IsBlank(next) || next == '\n' || next == '\r';
  }
  bool InFlow() const { return !open_.empty(); }
  // Column of the block key or dash whose value the present token is.
  int Parent() const { return parents_.empty() ? -1 : parents_.back(); }
  void CloseBlocks(int column) {
    while (Parent() >= column) parents_.pop_back();
  }
  void OpenBlock(int column) {
    CloseBlocks(column);
    parents_.push_back(column);
  }
  int Column() const { return static_cast<int>(pos_ - line_begin_); }

  void NextLine();
  void SkipToLineEnd();
  void StartLine();
  void Step();
  void StartToken(char c);
  void OpenFlow(char c);
  void CloseFlow();
  bool EndKey();
  void SkipQuoted(char quote);
  void SkipWord();
  void CountToken();
  void ReportTab(std::size_t column);

  const std::string_view text_;
  const std::string& file_;
  const ConfigLimits& limits_;
  Diagnostics& diagnostics_;

  std::size_t pos_ = 0;
  std::size_t line_begin_ = 0;
  int line_ = 1;
  bool line_started_ = false;
  bool stop_ = false;
  int tabs_ = 0;
  std::int64_t flow_tokens_ = 0;

  std::vector<Unclosed> open_;     // flow brackets, outermost first
  std::optional<Unclosed> quote_;  // that the text ends in
  bool in_plain_ = false;          // inside an unquoted scalar
  bool property_ = false;          // just behind an anchor or tag, which begins its key
  std::size_t value_end_ = 0;      // just behind the last quote or bracket: {"a":1} needs no blank
  int token_column_ = 0;           // of the scalar that may turn out to be a block key
  std::vector<int> parents_;       // columns of the open block keys and dashes, ascending
  std::optional<int> block_scalar_;  // set: lines deeper than this column are literal text
  std::optional<int> plain_lines_;   // set: lines deeper than this column continue a plain scalar
};

bool Scanner::Run(Unclosed& unclosed) {
  const int errors_before = diagnostics_.ErrorCount();
  while (pos_ < text_.size() && !stop_) {
    if (line_started_) {
      Step();
    } else {
      StartLine();
    }
  }
  if (quote_) {
    unclosed = *quote_;
  } else if (InFlow()) {
    unclosed = open_.back();
  }
  return diagnostics_.ErrorCount() == errors_before;
}

// REQUIRES: pos_ is at the line's end.
void Scanner::NextLine() {
  ++pos_;
  ++line_;
  line_begin_ = pos_;
  line_started_ = false;
}

void Scanner::SkipToLineEnd() { pos_ = std::min(text_.find('\n', pos_), text_.size()); }

void Scanner::StartLine() {
  std::size_t first = std::min(text_.find_first_not_of(' ', pos_), text_.size());
  const int indent = static_cast<int>(first - pos_);
  const bool tab = first < text_.size() && text_[first] == '\t';
  const std::size_t tab_column = static_cast<std::size_t>(indent) + 1;
  first = std::min(text_.find_first_not_of(" \t", first), text_.size());
  line_started_ = true;

  if (first == text_.size() || text_[first] == '\n' || text_[first] == '\r') {
    SkipToLineEnd();
    return;
  }
  if (block_scalar_ && indent > *block_scalar_) {
    SkipToLineEnd();
    return;
  }
  block_scalar_.reset();
  if (text_[first] == '#') {
    plain_lines_.reset();
    SkipToLineEnd();
    return;
  }
  if (tab) ReportTab(tab_column);

  pos_ = first;
  if (InFlow()) return;
  in_plain_ = plain_lines_ && indent > *plain_lines_;
  plain_lines_.reset();
  if (in_plain_) return;

  CloseBlocks(indent);
  property_ = false;
  token_column_ = indent;
  const std::string_view rest = text_.substr(pos_, 4);
  const bool marker =
      indent == 0 && (rest.size() < 4 || IsBlank(rest[3]) || rest[3] == '\n' || rest[3] == '\r');
  if (marker && rest.starts_with("---")) {
    pos_ += 3;
  } else if ((marker && rest.starts_with("...")) || (indent == 0 && rest[0] == '%')) {
    SkipToLineEnd();
  }
}

void Scanner::Step() {
  const char c = text_[pos_];
  if (c == '\n') {
    if (in_plain_ && !InFlow()) {
      in_plain_ = false;
      plain_lines_ = Parent();
    }
    NextLine();
  } else if (IsBlank(c) || c == '\r') {
    ++pos_;
  } else if (c == '#' && pos_ > line_begin_ && (IsBlank(text_[pos_ - 1]) || pos_ == value_end_)) {
    in_plain_ = false;
    SkipToLineEnd();
  } else if (InFlow() && IsFlowIndicator(c)) {
    in_plain_ = false;
    if (c == '[' || c == '{') {
      OpenFlow(c);
    } else if (c == ',') {
      CountToken();
      ++pos_;
    } else {
      CloseFlow();
    }
  } else if (c == ':' && EndKey()) {
    ++pos_;
  } else if (in_plain_) {
    ++pos_;
  } else {
    StartToken(c);
  }
}

// Whether the ":" here ends a key; if so, what follows is a new token.
bool Scanner::EndKey() {
  const bool in_flow_end = InFlow() && (IsFlowIndicator(Peek(1)) || pos_ == value_end_);
  if (!EndsAfterOne() && !in_flow_end) return false;
  in_plain_ = false;
  CountToken();
  if (!InFlow()) OpenBlock(token_column_);
  return true;
}

void Scanner::StartToken(char c) {
  CountToken();
  if ((c == '-' || c == '?') && EndsAfterOne()) {
    if (!InFlow()) OpenBlock(Column());
    ++pos_;
    return;
  }
  if (c == '&' || c == '!' || c == '*') {
    if (!InFlow() && !property_) token_column_ = Column();
    property_ = c != '*';
    SkipWord();
    return;
  }
  if (!InFlow() && (c == '|' || c == '>')) {
    block_scalar_ = Parent();
    SkipToLineEnd();
    return;
  }
  if (!InFlow() && !property_) token_column_ = Column();
  property_ = false;
  if (c == '"' || c == '\'') {
    SkipQuoted(c);
  } else if (c == '[' || c == '{') {
    OpenFlow(c);
  } else {
    in_plain_ = true;
    ++pos_;
  }
}

void Scanner::OpenFlow(char c) {
  if (static_cast<int>(open_.size()) >= limits_.depth) {
    diagnostics_.Error(
        "CFG-LIMIT", Here(),
        fmt::format("nested deeper than {} levels; use fewer levels", limits_.depth));
    stop_ = true;
    return;
  }
  open_.push_back({c, Here()});
  CountToken();
  ++pos_;
}

void Scanner::CloseFlow() {
  open_.pop_back();
  CountToken();
  ++pos_;
  value_end_ = pos_;
}

void Scanner::SkipQuoted(char quote) {
  quote_ = Unclosed{quote, Here()};
  ++pos_;
  while (pos_ < text_.size()) {
    const char c = text_[pos_];
    if (c == '\n') {
      NextLine();
    } else if (quote == '"' && c == '\\' && Peek(1) != '\n') {
      pos_ += 2;
    } else if (quote == '\'' && c == quote && Peek(1) == quote) {
      pos_ += 2;
    } else if (c == quote) {
      quote_.reset();
      ++pos_;
      break;
    } else {
      ++pos_;
    }
  }
  pos_ = std::min(pos_, text_.size());
  line_started_ = true;
  value_end_ = pos_;
}

// An anchor, alias or tag.
void Scanner::SkipWord() {
  ++pos_;
  while (pos_ < text_.size() && !IsBlank(text_[pos_]) && text_[pos_] != '\n' &&
         text_[pos_] != '\r' && !(InFlow() && IsFlowIndicator(text_[pos_]))) {
    ++pos_;
  }
}

void Scanner::CountToken() {
  if (!InFlow()) return;
  const std::int64_t allowed =
      kFlowTokensPerNode * (static_cast<std::int64_t>(limits_.nodes) + limits_.keys);
  if (++flow_tokens_ <= allowed || stop_) return;
  diagnostics_.Error(
      "CFG-LIMIT", Here(),
      fmt::format("more than {} values; split the file or write fewer values", limits_.nodes));
  stop_ = true;
}

void Scanner::ReportTab(std::size_t column) {
  if (++tabs_ > kReportedTabs) return;
  diagnostics_.Error("CFG-YAML", {file_, line_, static_cast<int>(column)},
                     "tab in the indentation; YAML is indented with spaces; replace the tab");
}

}  // namespace

bool ScanYaml(std::string_view text, const std::string& file, const ConfigLimits& limits,
              Diagnostics& diagnostics, Unclosed& unclosed) {
  if (text.size() > limits.bytes) {
    diagnostics.Error("CFG-LIMIT", {file, 0, 0},
                      fmt::format("more than {} bytes; a configuration is smaller; split it or "
                                  "keep data in files of its own",
                                  limits.bytes));
    return false;
  }
  return CheckBytes(text, file, diagnostics) &&
         Scanner(text, file, limits, diagnostics).Run(unclosed);
}

}  // namespace pixloom
