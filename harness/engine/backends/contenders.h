#pragma once

// Other libraries' thread pools, as contenders/CMakeLists.txt lists them.

#include <vector>

#include "harness/engine/backends/backend.h"

namespace harness {

// Constant; they live as long as the program. Those that this build goes without are among them: their cells are skipped.
std::vector<const Backend*> contender_backends();

}  // namespace harness
