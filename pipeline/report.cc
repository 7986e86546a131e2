// SPDX-License-Identifier: Apache-2.0
#include "pipeline/report.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pipeline/sample.h"

namespace pixloom {

namespace {

// Length of the UTF-8 sequence at text[i], 0 when it is not one.
std::size_t Utf8Length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<std::uint8_t>(text[k]); };
  const std::uint8_t first = byte(i);
  const std::size_t n = first < 0x80         ? 1
                        : first >> 5 == 0x6  ? 2
                        : first >> 4 == 0xE  ? 3
                        : first >> 3 == 0x1E ? 4
                                             : 0;
  if (n == 0 || i + n > text.size()) return 0;
  for (std::size_t k = i + 1; k < i + n; ++k) {
    if (byte(k) >> 6 != 0x2) return 0;
  }
  if ((n == 2 && first < 0xC2) || (n == 3 && first == 0xE0 && byte(i + 1) < 0xA0) ||
      (n == 4 && first == 0xF0 && byte(i + 1) < 0x90) || first > 0xF4) {
    return 0;
  }
  return n;
}

double Share(double part, double whole) { return whole > 0 ? part / whole : 0; }

double MeanRun(const ModelUse& use) {
  return Share(static_cast<double>(use.pictures), static_cast<double>(use.runs));
}

// What tells which knob to turn: how full the runs were, how busy the device, who waited for whom.
std::string BlocksText(const NodeCounts& node, double seconds) {
  const BlockCounts& blocks = *node.blocks;
  std::string reasons;
  for (const auto& [reason, count] : blocks.reasons) {
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", count, reason);
  }
  return fmt::format(
      "{}: {} samples in {} blocks ({}); {} runs of {:.1f} pictures on {}, {} padded; busy {:.0f} "
      "%, "
      "waited {:.1f} ms (p50) to {:.1f} ms (p95)\n",
      node.name, blocks.samples, blocks.blocks, reasons, blocks.use.runs, MeanRun(blocks.use),
      blocks.use.device, blocks.use.padding,
      100 * Share(static_cast<double>(blocks.use.nanoseconds) * 1e-9, seconds), blocks.wait_p50,
      blocks.wait_p95);
}

nlohmann::ordered_json BlocksJson(const BlockCounts& blocks, double seconds) {
  nlohmann::ordered_json json;
  json["device"] = blocks.use.device;
  json["blocks"] = blocks.blocks;
  json["samples"] = blocks.samples;
  json["reasons"] = blocks.reasons;
  json["runs"] = blocks.use.runs;
  json["pictures"] = blocks.use.pictures;
  json["padding"] = blocks.use.padding;
  json["mean_run"] = MeanRun(blocks.use);
  json["busy"] = Share(static_cast<double>(blocks.use.nanoseconds) * 1e-9, seconds);
  json["wait_ms_p50"] = blocks.wait_p50;
  json["wait_ms_p95"] = blocks.wait_p95;
  return json;
}

}  // namespace

std::string EscapeForLog(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = Utf8Length(text, i);
    const auto c = static_cast<std::uint8_t>(text[i]);
    if (n == 0 || c < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", c);
      ++i;
    } else {
      out += text.substr(i, n);
      i += n;
    }
  }
  return out;
}

std::string QuarantineRecord::ToJson() const {
  nlohmann::ordered_json json;
  json["source"] = source;
  json["key"] = EscapeForLog(key);
  json["id"] = fmt::format("{:016x}", id);
  if (!branch.empty()) json["branch"] = BranchText(branch);
  json["unit"] = seq;
  json["node"] = error.node;
  json["code"] = error.code;
  json["reason"] = EscapeForLog(error.message);
  if (!error.remedy.empty()) json["remedy"] = error.remedy;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string QuarantineRecord::ToText() const {
  const std::string copy = branch.empty() ? "" : fmt::format(" copy {}", BranchText(branch));
  std::string text =
      fmt::format("error[{}] {}{} (source '{}', node '{}'): {}\n  quarantined", error.code,
                  EscapeForLog(key), copy, source, error.node, EscapeForLog(error.message));
  if (!error.remedy.empty()) text += "; " + error.remedy;
  return text;
}

std::string RunReport::Verdict() const {
  double total = decode_seconds;
  const NodeCounts* most = nullptr;
  for (const NodeCounts& node : nodes) {
    total += node.seconds;
    if (most == nullptr || node.seconds > most->seconds) most = &node;
  }
  if (total <= 0 || most == nullptr) return "";
  const bool decode = decode_seconds > most->seconds;
  const double share = 100 * (decode ? decode_seconds : most->seconds) / total;
  if (decode) {
    return fmt::format("decode-bound: {:.0f} % in {}", share,
                       sources.empty() ? "decoding" : sources[0].name);
  }
  return fmt::format("{}-bound: {:.0f} % in {}", most->verb, share, most->name);
}

std::string RunReport::ToText() const {
  std::string text;
  text += fmt::format("{:<16}{:>10}{:>10}{:>10}{:>10}{:>10}{:>9}\n", "node", "in", "generated",
                      "out", "filtered", "failed", "seconds");
  for (const NodeCounts& n : nodes) {
    text += fmt::format("{:<16}{:>10}{:>10}{:>10}{:>10}{:>10}{:>9.2f}\n", n.name, n.in, n.generated,
                        n.out, n.filtered, n.failed, n.seconds);
  }
  for (const NodeCounts& n : nodes) {
    if (n.counts.empty()) continue;
    text += n.name + ":";
    const char* separator = " ";
    for (const auto& [what, count] : n.counts) {
      text += fmt::format("{}{} {}", separator, count, what);
      separator = ", ";
    }
    text += '\n';
  }
  for (const NodeCounts& n : nodes) {
    if (n.blocks) text += BlocksText(n, seconds);
  }
  for (const SourceCounts& s : sources) {
    text += fmt::format("{}: {} in = {} written + {} filtered + {} failed", s.name, s.in, s.written,
                        s.filtered, s.failed);
    if (s.unfinished > 0) text += fmt::format(" + {} unfinished", s.unfinished);
    if (s.elsewhere > 0) text += fmt::format(" + {} elsewhere", s.elsewhere);
    text += '\n';
  }
  const double rate = seconds > 0 ? static_cast<double>(written) / seconds : 0;
  text += fmt::format("{} written in {:.2f} s ({:.0f} per second, {} thread{}), {} quarantined\n",
                      written, seconds, rate, threads, threads == 1 ? "" : "s", quarantined);
  if (warnings > 0) text += fmt::format("{} decoder warnings accepted\n", warnings);
  if (const std::string verdict = Verdict(); !verdict.empty()) text += verdict + "\n";
  return text;
}

std::string RunReport::ToJson() const {
  nlohmann::ordered_json json;
  for (const NodeCounts& n : nodes) {
    json["nodes"].push_back({{"name", n.name},
                             {"verb", n.verb},
                             {"in", n.in},
                             {"generated", n.generated},
                             {"out", n.out},
                             {"filtered", n.filtered},
                             {"failed", n.failed},
                             {"seconds", n.seconds}});
    for (const auto& [what, count] : n.counts) json["nodes"].back()["counts"][what] = count;
    if (n.blocks) json["nodes"].back()["blocks"] = BlocksJson(*n.blocks, seconds);
  }
  for (const SourceCounts& s : sources) {
    json["sources"].push_back({{"name", s.name},
                               {"in", s.in},
                               {"written", s.written},
                               {"filtered", s.filtered},
                               {"failed", s.failed},
                               {"unfinished", s.unfinished},
                               {"elsewhere", s.elsewhere}});
  }
  json["outputs"] = outputs;
  json["written"] = written;
  json["quarantined"] = quarantined;
  json["quarantine_file"] = quarantine_file;
  json["decode_warnings"] = warnings;
  json["seconds"] = seconds;
  json["decode_seconds"] = decode_seconds;
  json["threads"] = threads;
  json["memory"] = memory;
  json["peak_tokens"] = peak_tokens;
  json["interrupted"] = interrupted;
  json["stop_reason"] = stop_reason;
  json["verdict"] = Verdict();
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void RunReport::CheckConservation() const {
  if (!interrupted && stop_reason.empty()) {
    for (const NodeCounts& n : nodes) {
      PIXLOOM_CHECK(n.in + n.generated == n.out + n.filtered + n.failed,
                    fmt::format("{} lost samples: {} in + {} generated, {} out + {} filtered + {} "
                                "failed",
                                n.name, n.in, n.generated, n.out, n.filtered, n.failed));
    }
  }
  for (const SourceCounts& s : sources) {
    PIXLOOM_CHECK(
        s.in == s.written + s.filtered + s.failed + s.unfinished + s.elsewhere,
        fmt::format(
            "{} lost entries: {} in, {} written + {} filtered + {} failed + {} unfinished + "
            "{} elsewhere",
            s.name, s.in, s.written, s.filtered, s.failed, s.unfinished, s.elsewhere));
  }
}

}  // namespace pixloom
