// SPDX-License-Identifier: Apache-2.0
// TorchScript files: is one whole, writing one, and what LibTorch's errors mean.
//
// Functions may be called from any thread; they throw plugin::Error.
#pragma once

#include <exception>
#include <span>
#include <string>

#include "models/plugin.h"

namespace pixloom::torch_backend {

// What the exception says about a run, without LibTorch's stack traces; `otherwise` is the status
// of what no rule knows.
plugin::Error Explain(const std::exception_ptr& exception, pixloom_status otherwise);

// Reads the whole archive and compares its check sums. LibTorch itself does not, and follows
// damaged descriptions of tensors and code into memory that is not its own.
void CheckArchive(const std::string& path);

// Written beside its place and renamed. Evaluation mode; parameters want gradients.
void WriteTorchScript(const std::string& path, const std::string& source,
                      std::span<const pixloom_parameter> parameters);

}  // namespace pixloom::torch_backend
