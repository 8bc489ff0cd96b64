#pragma once

// The inputs of work of the user's own that a suite names: how many tasks they make, and what they add to a cell's identity. Part of make_plan.
//
// Not thread-safe.

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "harness/core/factors.h"

namespace harness {

struct Inputs {
  int count = 0;             // >= 1
  std::uint64_t digest = 0;  // of what they are: tells them from others that a file of that name might have
};

// Each file is read once.
class KnownInputs {
 public:
  // Of a combination of a [[grid]], or not. Throws ConfigError: there are none, the file cannot be read, Python cannot be given them; of a [[case]].
  // REQUIRES: the workload is the user's own.
  const Inputs& of(const Factors& factors, bool grid);

 private:
  std::map<std::pair<std::string, bool>, Inputs> known_;  // by their text, and whether they are for Python
};

}  // namespace harness
