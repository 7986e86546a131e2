// SPDX-License-Identifier: Apache-2.0
#include "pipeline/error.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace pixloom {

std::string Position::Text() const {
  if (line == 0) return file;
  return fmt::format("{}:{}:{}", file, line, column);
}

std::string Diagnostic::Text() const {
  const char* word = severity == Severity::kError ? "error" : "notice";
  const std::string place = at.Text();
  return fmt::format("{}{}{}[{}] {}", place, place.empty() ? "" : ": ", word, code, text);
}

void Diagnostics::Error(std::string code, Position at, std::string text) {
  all_.push_back({Severity::kError, std::move(code), std::move(at), std::move(text)});
  ++errors_;
}

void Diagnostics::Notice(std::string code, Position at, std::string text) {
  all_.push_back({Severity::kNotice, std::move(code), std::move(at), std::move(text)});
}

namespace {
// In the order of the file, whatever stage found them.
std::string Joined(const Diagnostics& diagnostics) {
  std::vector<const Diagnostic*> errors;
  for (const Diagnostic& d : diagnostics.All()) {
    if (d.severity == Severity::kError) errors.push_back(&d);
  }
  std::stable_sort(errors.begin(), errors.end(), [](const Diagnostic* a, const Diagnostic* b) {
    return std::tie(a->at.file, a->at.line, a->at.column) <
           std::tie(b->at.file, b->at.line, b->at.column);
  });
  std::string text;
  for (const Diagnostic* d : errors) text += (text.empty() ? "" : "\n") + d->Text();
  return text;
}
}  // namespace

ConfigError::ConfigError(Diagnostics diagnostics)
    : std::runtime_error(Joined(diagnostics)), diagnostics_(std::move(diagnostics)) {}

bool ConfigError::OnlyModels() const {
  const auto& all = diagnostics_.All();
  return diagnostics_.HasErrors() && std::all_of(all.begin(), all.end(), [](const Diagnostic& d) {
           return d.severity != Severity::kError || d.code.starts_with("MOD-");
         });
}

void FailCheck(const char* condition, const char* file, int line, const std::string& detail) {
  throw InternalError(
      fmt::format("internal error (our bug, please report): {}:{}: {} does not hold: {}", file,
                  line, condition, detail));
}

}  // namespace pixloom
