#pragma once

// The keys of a suite in words, for the manual.
//
// Thread safety: a constant.

#include <span>
#include <string_view>

namespace harness {

enum class KeyPlace {
  suite,  // at the top of the file
  axis,   // a factor of a [[grid]] or [[case]]
  table   // in a [[grid]] or [[case]] and no factor
};

struct SuiteKey {
  KeyPlace place;
  std::string_view name;
  std::string_view meaning;
};

// Those that load_suite knows, in the order to read them.
std::span<const SuiteKey> suite_keys();

}  // namespace harness
