// SPDX-License-Identifier: Apache-2.0
#include "pipeline/fingerprint.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <nlohmann/json.hpp>

#include "pipeline/report.h"

namespace pixloom {

namespace {

using Json = nlohmann::ordered_json;
using Input = Fingerprint::Input;

std::uint64_t HashOf(std::string_view text, std::uint64_t seed) {
  return XXH64(text.data(), text.size(), seed);
}

// Fields are separated by tabs: what would look like one is escaped, and so is the escape.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    ++i;
    out += text[i] == 't' ? '\t' : text[i] == 'n' ? '\n' : text[i];
  }
  return out;
}

template <class T>
bool ReadNumber(std::string_view text, T& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Input> ReadInput(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) break;
    line.remove_prefix(tab + 1);
  }
  Input input;
  if (fields.size() != 5 || !ReadNumber(fields[2], input.bytes) ||
      !ReadNumber(fields[3], input.changed) || !ReadNumber(fields[4], input.hash, 16)) {
    return std::nullopt;
  }
  input.source = Unescaped(fields[0]);
  input.key = Unescaped(fields[1]);
  return input;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Values of one line are shown whole; of longer ones (the configuration) the lines that differ.
void CompareFact(const std::string& name, const std::string& before, const std::string& now,
                 std::size_t most, std::vector<std::string>& out) {
  if (before == now) return;
  if (before.find('\n') == std::string::npos && now.find('\n') == std::string::npos) {
    out.push_back(fmt::format("{}: was {}, is {}", name, before.empty() ? "nothing" : before,
                              now.empty() ? "nothing" : now));
    return;
  }
  const auto was = LinesOf(before), is = LinesOf(now);
  std::multiset<std::string> gone(was.begin(), was.end()), come(is.begin(), is.end());
  for (const std::string& line : is) {
    if (const auto it = gone.find(line); it != gone.end()) gone.erase(it);
  }
  for (const std::string& line : was) {
    if (const auto it = come.find(line); it != come.end()) come.erase(it);
  }
  std::size_t told = 0;
  const auto tell = [&](const std::vector<std::string>& lines, std::multiset<std::string>& which,
                        const char* what) {
    for (const std::string& line : lines) {
      const auto it = which.find(line);
      if (it == which.end() || told == most) continue;
      which.erase(it);
      ++told;
      out.push_back(fmt::format("{}: {} '{}'", name, what, line));
    }
  };
  tell(was, gone, "was");
  tell(is, come, "is");
  if (told == 0) out.push_back(name + ": the order of its lines changed");
  if (gone.size() + come.size() > 0 && told == most) {
    out.push_back(fmt::format("{}: and {} more lines", name, gone.size() + come.size()));
  }
}

// Says the first few of a kind, and how many there are.
class Few {
 public:
  Few(std::vector<std::string>& out, std::size_t most) : out_(out), most_(most) {}
  void Say(std::string text) {
    if (++count_ <= most_) out_.push_back(std::move(text));
  }
  void End(std::string_view what) {
    if (count_ > most_) out_.push_back(fmt::format("... and {} more {}", count_ - most_, what));
  }

 private:
  std::vector<std::string>& out_;
  std::size_t most_;
  std::size_t count_ = 0;
};

}  // namespace

std::string Fingerprint::Digest() const {
  std::uint64_t hash = 0;
  for (const auto& [name, value] : facts) hash = HashOf(value, HashOf(name, hash));
  for (const Input& input : inputs) {
    hash = HashOf(input.key, HashOf(input.source, hash)) + input.bytes;
    hash = XXH64(&hash, sizeof hash, 0);
  }
  return fmt::format("{:016x}", hash);
}

std::string Fingerprint::FactsToJson() const {
  Json json;
  json["digest"] = Digest();
  for (const auto& [name, value] : facts) json["facts"].push_back({name, value});
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string Fingerprint::InputsToText() const {
  std::string text;
  for (const Input& input : inputs) {
    text += fmt::format("{}\t{}\t{}\t{}\t{:x}\n", Escaped(input.source), Escaped(input.key),
                        input.bytes, input.changed, input.hash);
  }
  return text;
}

Result<Fingerprint, std::string> Fingerprint::Read(const std::string& facts_json,
                                                   const std::string& inputs_text) {
  Fingerprint fingerprint;
  const Json json = Json::parse(facts_json, nullptr, false);
  if (!json.is_object() || !json.contains("facts") || !json["facts"].is_array()) {
    return std::string("no list of facts");
  }
  for (const Json& fact : json["facts"]) {
    if (!fact.is_array() || fact.size() != 2 || !fact[0].is_string() || !fact[1].is_string()) {
      return std::string("a fact that is no pair of texts");
    }
    fingerprint.facts.emplace_back(fact[0].get<std::string>(), fact[1].get<std::string>());
  }
  std::size_t start = 0;
  while (start < inputs_text.size()) {
    const std::size_t end = std::min(inputs_text.find('\n', start), inputs_text.size());
    auto input = ReadInput(std::string_view(inputs_text).substr(start, end - start));
    if (!input) {
      return fmt::format("line {} of the inputs is damaged", fingerprint.inputs.size() + 1);
    }
    fingerprint.inputs.push_back(std::move(*input));
    start = end + 1;
  }
  return fingerprint;
}

FingerprintDifferences Compare(const Fingerprint& before, const Fingerprint& now,
                               std::size_t most) {
  FingerprintDifferences found;
  std::map<std::string, std::string> was(before.facts.begin(), before.facts.end());
  for (const auto& [name, value] : now.facts) {
    CompareFact(name, was[name], value, most, found.refusals);
    was.erase(name);
  }
  for (const auto& [name, value] : was) CompareFact(name, value, "", most, found.refusals);

  std::map<std::pair<std::string, std::string>, const Input*> inputs;
  for (const Input& input : before.inputs) inputs[{input.source, input.key}] = &input;
  const auto text = [](const Input& input) {
    return fmt::format("{}/{}", input.source, EscapeForLog(input.key));
  };
  Few changed(found.refusals, most), touched(found.warnings, most);
  for (const Input& input : now.inputs) {
    const auto it = inputs.find({input.source, input.key});
    if (it == inputs.end()) {
      changed.Say(fmt::format("{}: is new", text(input)));
      continue;
    }
    const Input& old = *it->second;
    if (old.bytes != input.bytes) {
      changed.Say(fmt::format("{}: had {} bytes, has {}", text(input), old.bytes, input.bytes));
    } else if (old.hash != 0 && input.hash != 0 && old.hash != input.hash) {
      changed.Say(fmt::format("{}: its bytes changed", text(input)));
    } else if (old.changed != input.changed && (old.hash == 0 || input.hash == 0)) {
      touched.Say(fmt::format("{}: was written again since, with the same size", text(input)));
    }
    inputs.erase(it);
  }
  for (const Input& input : before.inputs) {
    if (inputs.contains({input.source, input.key})) {
      changed.Say(fmt::format("{}: is gone", text(input)));
    }
  }
  changed.End("inputs differ");
  touched.End("inputs were written again");
  if (found.refusals.empty() && before.Digest() != now.Digest()) {
    found.refusals.push_back("the order of the inputs changed");
  }
  return found;
}

}  // namespace pixloom
