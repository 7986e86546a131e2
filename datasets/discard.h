// SPDX-License-Identifier: Apache-2.0
// The `discard` sink: takes results and keeps nothing. For measuring, and for runs that only look
// for bad files. Thread safety: as said in pipeline/contracts.h.
#pragma once

#include <memory>

#include "pipeline/contracts.h"

namespace pixloom {

std::unique_ptr<Sink> MakeDiscardSink();

}  // namespace pixloom
