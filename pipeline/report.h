// SPDX-License-Identifier: Apache-2.0
// What a run says about itself: counts per node and source, costs, who was quarantined and why.
// Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/error.h"

namespace pixloom {

// What a network did so far.
struct ModelUse {
  std::string device;             // "onnxruntime 1.21.0 on cpu"
  std::uint64_t runs = 0;         // of the network
  std::uint64_t pictures = 0;     // in all of these, and
  std::uint64_t padding = 0;      // what filled them up
  std::uint64_t nanoseconds = 0;  // during which at least one run was under way
};

// What a network did in one node.
struct BlockCounts {
  ModelUse use;
  std::uint64_t blocks = 0;
  std::uint64_t samples = 0;
  std::map<std::string, std::uint64_t> reasons;  // why each block went: "full", "end", "time", ...
  double wait_p50 = 0, wait_p95 = 0;             // ms a sample waited for its block's turn
};

// in * fan-out + generated = out + filtered + failed, checked at the end of every run.
struct NodeCounts {
  std::string name;
  std::string verb;
  std::uint64_t in = 0;         // samples that arrived, times what each should have become
  std::uint64_t generated = 0;  // made here (sources)
  std::uint64_t out = 0;        // handed on or written
  std::uint64_t filtered = 0;   // dropped by a rule of the configuration
  std::uint64_t failed = 0;     // quarantined
  double seconds = 0;           // thread time spent here, decoding apart
  std::map<std::string, std::uint64_t> counts;  // what its steps counted: objects dropped, and why
  std::optional<BlockCounts> blocks{};          // of a network
};

// Entries of one source: in = written + filtered + failed (+ unfinished when interrupted, +
// elsewhere when a run goes on or is one part of several).
struct SourceCounts {
  std::string name;
  std::uint64_t in = 0;
  std::uint64_t written = 0;     // every result arrived in a sink
  std::uint64_t filtered = 0;    // no result was wanted
  std::uint64_t failed = 0;      // at least one result failed
  std::uint64_t unfinished = 0;  // the run stopped first
  std::uint64_t elsewhere = 0;   // done by an earlier run, or left to another part
};

// One line of quarantine.jsonl.
struct QuarantineRecord {
  std::uint64_t seq = 0;  // unit of the plan
  std::uint64_t id = 0;
  std::vector<std::uint32_t> branch;
  std::string source;
  std::string key;
  DataError error;

  std::string ToJson() const;
  // "error[DEC-TRUNC] cat/0123.jpg (node 'photos'): JPEG ends early; ..." and what was done.
  std::string ToText() const;
};

struct Progress {
  std::uint64_t done = 0;   // units
  std::uint64_t total = 0;  // units
  std::uint64_t quarantined = 0;
  double seconds = 0;
  bool finished = false;
};

struct RunReport {
  std::vector<NodeCounts> nodes;
  std::vector<SourceCounts> sources;
  std::vector<std::string> outputs;  // where results are
  std::vector<std::string> notices;
  std::uint64_t written = 0;      // results in sinks
  std::uint64_t quarantined = 0;  // records
  std::uint64_t warnings = 0;     // recoverable damage that was accepted
  std::string quarantine_file;    // "" when nothing was quarantined
  double seconds = 0;             // wall time
  double decode_seconds = 0;      // thread time
  int threads = 1;
  std::uint64_t peak_tokens = 0;  // bytes granted at the most
  std::uint64_t memory = 0;       // budget in bytes
  bool interrupted = false;
  bool too_many_bad = false;
  bool can_resume = false;  // the same command goes on where a stopped run ended
  std::string stop_reason;  // why it ended early; "" otherwise

  // "decode-bound: 71 % in photos"
  std::string Verdict() const;
  std::string ToText() const;
  std::string ToJson() const;
  // Throws InternalError when samples got lost.
  void CheckConservation() const;
};

// Text that can stand in a log line: control characters and bytes that are not UTF-8 as \xNN.
std::string EscapeForLog(std::string_view text);

}  // namespace pixloom
