#pragma once

// The callback strategies: who runs the callbacks of a cell. Each is one file in this folder, templated on the
// executor, and one line in catalogue.h. The table of what each has is made from those files.

#include <span>
#include <string_view>

namespace harness {

// Who runs a task's callback. What a trace says of it is checked (who_ran.h).
enum class CallbackBy {
  nobody,           // there are none
  the_worker,       // the thread that ran the task
  callback_thread,  // one thread of the main process for all of them
  parsers,          // other processes
  the_caller,       // the thread that submits
};

struct StrategyInfo {
  std::string_view name;
  std::string_view summary;  // who runs the callback
  CallbackBy callback_by = CallbackBy::the_worker;
  bool parsers = false;               // worker processes of its own for them
  bool chunks = false;                // tasks travel several at a time, as many as the cell says
  std::string_view no_arrivals = {};  // why it has no meaning where tasks arrive; empty: it has
};

// In a fixed order. Constant; any thread.
std::span<const StrategyInfo> strategies();

// Throws ConfigError naming those that there are, unless it is one.
void require_strategy(std::string_view name);

// What a cell's strategy has, by its name. One that is not known here (of a row of another version) has callbacks only.
CallbackBy callback_by(std::string_view strategy);
bool has_callbacks(std::string_view strategy);
bool has_parsers(std::string_view strategy);
bool has_chunks(std::string_view strategy);
std::string_view no_arrivals(std::string_view strategy);

}  // namespace harness
