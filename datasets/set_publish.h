// SPDX-License-Identifier: Apache-2.0
// The last steps of a set: index.json, and its name. Each may be interrupted and repeated. One
// thread.
#pragma once

#include <string>
#include <vector>

#include "datasets/set_begin.h"

namespace pixloom {

// Columns that have one entry per row, with the first.
std::vector<Column> RowColumns(const SetColumns& columns, const Column& first);

// index.json, the done mark: format, version, fingerprint, rows, quarantined, content_hash (16 hex
// digits), the units as in the attributes of a file, and shards: file, rows, first_row, bytes,
// xxh64 (16 hex digits, of the file). And master.h5 when asked for.
SetSummary WriteIndex(const BegunSet& begun, const SetPlan& plan, std::uint64_t quarantined,
                      bool master);

// Gives the folder W, or the file in it, the name TARGET, replaces what is there, and removes what
// is left of W.
void PublishFolder(BegunSet& begun);
void PublishFile(BegunSet& begun, const std::string& file);

}  // namespace pixloom
