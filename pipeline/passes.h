// SPDX-License-Identifier: Apache-2.0
// From a GraphSpec to a graph ready to run: an ordered list of named passes.
//
// Each pass is a function Graph -> Graph in its own file, verified after it runs. All but the first
// can be disabled by name to bisect a problem; none of them changes a pixel. Pure apart from
// Diagnostics.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "pipeline/graph.h"

namespace pixloom {

struct CompileOptions {
  std::set<std::string> disabled;  // names of passes to leave out
};

struct PassLog {
  std::string name;
  std::string why;   // why it stands where it stands
  std::string note;  // what it did, one line per finding; "disabled" when it was left out
};

struct Compiled {
  Graph graph;
  std::string yaml;  // the configuration with every `from` and default, before any rewriting
  // The same without what decides no result: memory, and where and in how many files it is stored.
  std::string decisive_yaml;
  std::vector<PassLog> log;
};

// What holds for a sample that came from either side.
Meta EitherMeta(const Meta& a, const Meta& b);

struct PassContext {
  Diagnostics& diagnostics;
  std::string note;  // filled in by the pass
  void Note(const std::string& line) { note += (note.empty() ? "" : "\n") + line; }
};

// bind: names and values become typed operators, edges and streams; all later passes trust them.
Graph Bind(const GraphSpec& spec, const Registry& registry, const Services& services,
           Diagnostics& diagnostics);
// infer: pixel type, size and labels on every edge; refuses what an operator cannot work on.
Graph Infer(Graph graph, PassContext& context);
// prune: takes out steps that never act; before the passes that look at neighbours.
Graph Prune(Graph graph, PassContext& context);
// route: lets networks inside chains work on batches of many samples.
Graph Route(Graph graph, PassContext& context);
// push_down: lets the first group of a chain tell the decoder which part it reads.
Graph PushDown(Graph graph, PassContext& context);
// fuse: runs neighbouring colour steps strip by strip; last rewrite, or groups would split.
Graph Fuse(Graph graph, PassContext& context);
// schedule: sizes the memory tokens of each source.
Graph Schedule(Graph graph, PassContext& context);

struct Pass {
  std::string name;
  std::string why;
  Graph (*run)(Graph graph, PassContext& context);
};

// The passes after bind, in order.
const std::vector<Pass>& Passes();

// Runs all passes. Throws ConfigError with everything that was found.
Compiled Compile(const GraphSpec& spec, const Registry& registry, const Services& services,
                 const CompileOptions& options, Diagnostics& diagnostics);

}  // namespace pixloom
