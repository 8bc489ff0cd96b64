#pragma once

// The callback strategies: who runs the callbacks of a cell. Each is one file in this folder, templated on the
// executor, and one line in catalogue.h.

#include <span>
#include <string_view>

namespace harness {

struct StrategyInfo {
  std::string_view name;
  std::string_view summary;   // who runs the callback
};

// In a fixed order. Constant; any thread.
std::span<const StrategyInfo> strategies();

}  // namespace harness
