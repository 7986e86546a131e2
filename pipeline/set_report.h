// SPDX-License-Identifier: Apache-2.0
// What is found out about stored data sets by merging, verifying, repairing and looking into them,
// for people (ToText) and programs (ToJson). Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace pixloom {

// A stored set is not what was written; exit 4.
class DamagedSetError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A set in a few words.
struct SetFacts {
  std::string path;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of all files
  std::uint64_t quarantined = 0;
  std::uint64_t content_hash = 0;
  std::string fingerprint;         // digest
  std::vector<std::string> files;  // paths
};

struct MergeReport {
  SetFacts set;
  bool interrupted = false;

  std::string ToText() const;
  std::string ToJson() const;
};

struct BadRow {
  std::uint64_t row = 0;  // of the set
  std::string file;
  std::uint64_t row_in_file = 0;
  std::string key;  // "" when it cannot be read
  std::string what;
};

struct VerifyReport {
  static constexpr std::size_t kShown = 20;

  SetFacts set;
  std::vector<std::string> faults;  // of the set as a whole: one line each
  std::vector<BadRow> bad;          // in order; all of them
  bool interrupted = false;

  bool Good() const { return faults.empty() && bad.empty() && !interrupted; }
  std::string ToText() const;
  std::string ToJson() const;
};

struct RepairReport {
  SetFacts set;
  std::vector<BadRow> repaired;  // `what`: which columns were written
  std::vector<BadRow> left;      // `what`: why it could not be repaired
  bool offsets = false;          // ends of lists were put right, without which nothing can be read
  std::vector<std::string> faults;
  std::string remedy;  // when something is left

  bool Good() const { return left.empty() && faults.empty(); }
  std::string ToText() const;
  std::string ToJson() const;
};

// A set that is finished, one that is being made, or both where a run is about to replace it.
struct StatusReport {
  bool finished = false;
  SetFacts set;  // when finished

  std::string partial;  // folder of what is being made; "": nothing is
  std::uint64_t units_done = 0, units = 0;
  std::uint64_t rows = 0, rows_expected = 0, quarantined = 0, bytes = 0;
  int shards = 0;  // finished
  bool locked = false;
  std::string holder;

  std::string ToText() const;
  std::string ToJson() const;
};

struct DatasetFacts {
  std::string path;
  std::string type;     // "u8", "string"
  std::string dims;     // "1200 x 96 x 96 x 3"
  std::string storage;  // "contiguous", "chunks 1 x 96 x 96 x 3, gzip 1"
  std::string attributes;
  std::uint64_t bytes = 0;  // before filters; 0: unknown
};

struct InspectReport {
  std::string path;
  std::uint64_t bytes = 0;
  std::vector<std::string> files;
  std::vector<DatasetFacts> datasets;  // of the first file
  std::string images;                  // which of them holds pictures; "" when none is found
  std::string read_with;               // one line of Python

  // Of our own sets:
  bool ours = false;
  SetFacts set;
  std::vector<std::pair<std::string, std::string>> facts;  // version, seed, layout, ...
  struct ClassCount {
    std::string name;
    std::uint64_t rows = 0;     // pictures with this label
    std::uint64_t objects = 0;  // objects of this class
  };
  std::vector<ClassCount> classes;
  std::uint64_t unlabelled = 0;  // rows without a label, where there are labels
  struct Objects {
    std::uint64_t total = 0, least = 0, most = 0;
    double mean = 0;
    std::uint64_t without = 0;  // pictures without any
  };
  std::optional<Objects> objects;
  std::vector<std::pair<std::string, std::uint64_t>> parts;  // bytes of images, labels, ...
  std::string sheet;                                         // file that was written

  std::string ToText() const;
  std::string ToJson() const;
};

}  // namespace pixloom
