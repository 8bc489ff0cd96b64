#pragma once

// What every driver has to do (docs/drivers.md), tried on one: `poolbench check-driver`. Each check is a conversation of its own.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/engine/drivers/driver_process.h"

namespace harness::drivers {

struct Check {
  enum class Result { pass, fail, skip };

  std::string promise;  // what the driver is to do
  Result result = Result::pass;
  std::string why;  // unless it passes: one line
};
std::string_view to_string(Check::Result result);

// Makes this process the reaper of its orphaned descendants, and ends all that the driver leaves. `within`: how long the driver may take for
// an answer, and to leave. Calls `seen` after each check. Of a driver that cannot say who it is only that is checked. Throws NoDriverError.
std::vector<Check> check_conformance(const Command& command, std::chrono::milliseconds within,
                                     const std::function<void(const Check&)>& seen);

}  // namespace harness::drivers
