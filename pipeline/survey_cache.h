// SPDX-License-Identifier: Apache-2.0
// What surveys found, on disk: one file per source (its verb, arguments and working folder), below
// $PIXLOOM_CACHE, else $XDG_CACHE_HOME/pixloom, else ~/.cache/pixloom.
//
// An entry counts as long as its key, size and time of change are the same. Entries that come
// without a time of change are not kept: nothing would tell that they are others. A file gets its
// name when it is complete; one that is damaged or of another version is as good as none.
#pragma once

#include <string>
#include <vector>

#include "pipeline/survey.h"

namespace pixloom {

struct SurveyRecord {
  SourceEntry entry;
  SurveyedEntry facts;  // labels are indices into the stored class names, where these reach
};

struct StoredSurvey {
  std::vector<std::string> classes;
  std::vector<SurveyRecord> records;
};

// Where surveys are kept; "" when the environment names no folder.
std::string SurveyFolder();
// The file of one source, and the text that is stored in it to tell it from others.
std::string SurveyFingerprint(const Node& source);
std::string SurveyFile(const std::string& folder, const std::string& fingerprint);

// Nothing when there is none, or none that is whole and of this source; `damaged` tells which.
std::optional<StoredSurvey> LoadSurvey(const std::string& file, const std::string& fingerprint,
                                       bool& damaged);
// "" or why it could not be stored.
std::string StoreSurvey(const std::string& file, const std::string& fingerprint,
                        const StoredSurvey& survey);

}  // namespace pixloom
