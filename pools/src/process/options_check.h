#pragma once

// Options out of range, said in words.

#include <stdexcept>
#include <string>

namespace pools::detail {

// Throws std::invalid_argument unless `good`: "the crash limit is -1; allowed: 0 (never) and more".
template <class Value>
void require(bool good, const char* what, Value value, const char* allowed) {
  if (!good) throw std::invalid_argument(std::string(what) + " is " + std::to_string(value) + "; allowed: " + allowed);
}

}  // namespace pools::detail
