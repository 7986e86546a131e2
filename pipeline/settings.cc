// SPDX-License-Identifier: Apache-2.0
#include "pipeline/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace pixloom {

namespace {

class SettingsReader {
 public:
  explicit SettingsReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void Read(const Value& document, GraphSpec& spec) {
    if (const Value* seed = document.Find("seed")) ReadSeed(*seed, spec);
    if (const Value* on_error = document.Find("on_error")) ReadOnError(*on_error, spec.on_error);
    if (const Value* limits = document.Find("limits")) ReadLimits(*limits, spec.limits);
    const Value* memory = document.Find("memory");
    if (memory == nullptr) return;
    spec.memory = ParseBytes(memory->text);
    if (!spec.memory) {
      Error("CFG-VALUE", memory->at,
            fmt::format("memory: expected a size like 256MiB or 2GiB, got {}", memory->Describe()));
    }
  }

 private:
  void Error(std::string code, const Position& at, std::string text) {
    diagnostics_.Error(std::move(code), at, std::move(text));
  }

  void ReadSeed(const Value& seed, GraphSpec& spec) {
    if (seed.kind == Value::Kind::kInt && seed.integer >= 0) {
      spec.seed = static_cast<std::uint64_t>(seed.integer);
    } else {
      Error("CFG-VALUE", seed.at,
            fmt::format("seed: expected an integer of at least 0, got {}", seed.Describe()));
    }
  }

  void ReadOnError(const Value& value, OnError& on_error) {
    if (value.kind != Value::Kind::kMap) {
      if (auto policy = ReadPolicy(value, diagnostics_)) on_error.policy = *policy;
      return;
    }
    for (const Value::Entry& entry : value.entries) {
      if (entry.key == "policy") {
        if (auto policy = ReadPolicy(entry.value, diagnostics_)) on_error.policy = *policy;
      } else if (entry.key == "max_bad") {
        ReadMaxBad(entry.value, on_error);
      } else {
        Error("CFG-KEY", entry.at,
              fmt::format("unknown key '{}' in on_error{}", entry.key,
                          Suggestion(entry.key, {"policy", "max_bad"})));
      }
    }
  }

  void ReadMaxBad(const Value& value, OnError& on_error) {
    if (value.kind == Value::Kind::kInt && value.integer >= 0) {
      on_error.max_bad_count = value.integer;
      return;
    }
    std::string_view text = value.text;
    if (value.IsScalar() && text.ends_with('%')) {
      text.remove_suffix(1);
      const Value number = Value::Plain(std::string(text), value.at);
      if (number.IsNumber() && number.number >= 0 && number.number <= 100) {
        on_error.max_bad_fraction = number.number / 100;
        return;
      }
    }
    Error("CFG-VALUE", value.at,
          fmt::format("max_bad: expected a share like 1% or a count, got {}", value.Describe()));
  }

  void ReadLimits(const Value& value, CodecLimits& limits) {
    if (value.kind != Value::Kind::kMap) {
      Error("CFG-VALUE", value.at,
            fmt::format("limits: expected a mapping, got {}", value.Describe()));
      return;
    }
    const auto read = [&](const Value& number, auto& into) {
      if (number.kind != Value::Kind::kInt || number.integer < 1 || number.integer > 1LL << 40) {
        Error("CFG-VALUE", number.at,
              fmt::format("limits: expected an integer of at least 1, got {}", number.Describe()));
        return;
      }
      into = static_cast<std::decay_t<decltype(into)>>(number.integer);
    };
    for (const Value::Entry& entry : value.entries) {
      if (entry.key == "max_pixels")
        read(entry.value, limits.max_pixels);
      else if (entry.key == "max_side")
        read(entry.value, limits.max_side);
      else if (entry.key == "max_ratio")
        read(entry.value, limits.max_ratio);
      else if (entry.key == "max_scans")
        read(entry.value, limits.max_scans);
      else {
        Error("CFG-KEY", entry.at,
              fmt::format(
                  "unknown key '{}' in limits{}", entry.key,
                  Suggestion(entry.key, {"max_pixels", "max_side", "max_ratio", "max_scans"})));
      }
    }
  }

  Diagnostics& diagnostics_;
};

}  // namespace

void ReadSettings(const Value& document, GraphSpec& spec, Diagnostics& diagnostics) {
  SettingsReader(diagnostics).Read(document, spec);
}

std::optional<OnError::Policy> ReadPolicy(const Value& value, Diagnostics& diagnostics) {
  if (value.IsScalar() && value.text == "quarantine") return OnError::Policy::kQuarantine;
  if (value.IsScalar() && value.text == "fail") return OnError::Policy::kFail;
  diagnostics.Error("CFG-VALUE", value.at,
                    fmt::format("on_error: expected quarantine or fail, got {}{}", value.Describe(),
                                Suggestion(value.text, {"quarantine", "fail"})));
  return std::nullopt;
}

std::optional<std::uint64_t> ParseBytes(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;  // NaN as well
  std::string unit(end, text.data() + text.size());
  unit.erase(std::remove(unit.begin(), unit.end(), ' '), unit.end());
  static const std::map<std::string, double> kUnits{
      {"", 1},      {"B", 1},        {"kB", 1e3},     {"MB", 1e6},     {"GB", 1e9},
      {"TB", 1e12}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
  const auto it = kUnits.find(unit);
  if (it == kUnits.end()) return std::nullopt;
  const double bytes = number * it->second;
  if (bytes > 0x1p62) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace pixloom
