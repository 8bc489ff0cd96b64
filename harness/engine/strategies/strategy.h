#pragma once

// The callback strategies: who runs the callbacks of a cell. Each is one file in this folder, templated on the
// executor, and one line in catalogue.h. The table of what each has is made from those files.

#include <span>
#include <string_view>

namespace harness {

struct StrategyInfo {
  std::string_view name;
  std::string_view summary;  // who runs the callback
  bool callbacks = true;
  bool parsers = false;  // worker processes of its own for them
  bool chunks = false;   // tasks travel several at a time, as many as the cell says
};

// In a fixed order. Constant; any thread.
std::span<const StrategyInfo> strategies();

// What a cell's strategy has, by its name. One that is not known here (of a row of another version) has callbacks only.
bool has_callbacks(std::string_view strategy);
bool has_parsers(std::string_view strategy);
bool has_chunks(std::string_view strategy);

}  // namespace harness
