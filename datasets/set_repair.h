// SPDX-License-Identifier: Apache-2.0
// Damaged rows of a stored set are made again and written where they were: the set is afterwards
// what it was, byte for byte, or the report says which rows are not.
//
// Only bytes that are wrong are written, only for rows whose hash proves them, and flushed before
// the set is verified again. One thread; nobody else may write to the set.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "datasets/set_row.h"
#include "datasets/set_verification.h"
#include "pipeline/error.h"
#include "pipeline/set_report.h"

namespace pixloom {

// Everything that this source entry becomes with this branch; one of the rows is the one that was
// stored. The error says why it cannot be made.
using RemakeRows = std::function<Result<std::vector<Row>, std::string>(const std::string& key,
                                                                       const std::string& branch)>;

// Throws ConfigError when there is no set, EnvironmentError when it cannot be written.
RepairReport RepairSet(const std::string& path, const Codec& codec, const RemakeRows& remake,
                       const VerifyOptions& options = {});

}  // namespace pixloom
