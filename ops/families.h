// SPDX-License-Identifier: Apache-2.0
// The pixel loops behind the step types (pipeline/families.h), made of the kernels in this folder.
#pragma once

#include <memory>

#include "pipeline/families.h"

namespace pixloom {

// Stateless: one may serve all threads.
std::unique_ptr<Families> MakeFamilies();

}  // namespace pixloom
