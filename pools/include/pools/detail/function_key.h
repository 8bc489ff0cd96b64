#pragma once

// Names a function of this program so that the same program in another process finds it at its own address.

#include <cstdint>

namespace pools::detail {

struct FunctionKey {
  std::uint64_t module = 0;  // hash of the build-id of the executable or library, or, where it has none, of its code
  std::uint64_t offset = 0;  // from where that is loaded

  friend bool operator==(const FunctionKey&, const FunctionKey&) = default;
};

// REQUIRES: `function` lies in a loaded executable or library. Thread-safe.
FunctionKey key_of(const void* function);

// Throws pools::Error when this process has not loaded that module. Thread-safe.
const void* function_of(const FunctionKey& key);

}  // namespace pools::detail
