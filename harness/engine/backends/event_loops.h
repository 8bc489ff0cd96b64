#pragma once

// Event loops: backends whose workers are loop threads, and whose tasks hold none of them while they wait.

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "harness/engine/backends/backend.h"

namespace harness {

// As loops/CMakeLists.txt registers it.
struct RegisteredLoop {
  std::string_view name;
  std::string_view summary;
  std::string_view missing;                                                           // as Backend::missing()
  std::unique_ptr<Backend> (*make)(std::string_view name, std::string_view summary);  // null: missing
};

// In a fixed order. Constant; any thread.
std::span<const RegisteredLoop> registered_loops();

// All of them, those that this build goes without, too: the model answers for any. Constant.
std::vector<const Backend*> event_loop_backends();

// Whether it is one of these, or one that a driver runs; of "driver:PATH", only once that driver has been asked.
bool is_event_loop(std::string_view backend);

// Why a known strategy has no meaning on an event loop; empty when it has one. What it is: harness/model/loop_schedule.h.
std::string_view loop_skip_reason(std::string_view strategy);

}  // namespace harness
