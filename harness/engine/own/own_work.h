#pragma once

// Work of the user's own in a cell: "python:crawler:fetch", "command:./convert {}", "function:./libx.so", done on `inputs`, and what is done
// with its result, likewise named. `poolbench recommend` takes the same from flags.
//
// Thread safety: pure functions, but that they look at the files that are named.

#include <string>
#include <string_view>
#include <vector>

#include "harness/core/factors.h"
#include "workloads/work.h"

namespace harness::own {

inline constexpr std::string_view kPython = "python:";
inline constexpr std::string_view kCommand = "command:";
inline constexpr std::string_view kFunction = "function:";

// Whether a suite's `workload` or `callback_workload` is one of these.
inline bool is_own(std::string_view workload) {
  return workload.starts_with(kPython) || workload.starts_with(kCommand) || workload.starts_with(kFunction);
}

// Throws ConfigError unless the text, which `what` names in messages ("callback_workload"), is of something that is there: of Python a
// function's name (whether it can be imported shows when it is), of a command an executable program, of a function a file. A command that is
// a task has the place {} for its input. REQUIRES: is_own(text).
enum class Role { task, callback };
void require(Role role, std::string_view what, const std::string& text);

// Why the cell has no meaning on that backend, or with that callback; empty if it has. REQUIRES: the workload needs a subject.
std::string skip_reason(const Factors& factors);

// What the processes of such a cell are given. Throws ConfigError: as require(), and of the inputs. REQUIRES: is_own(factors.workload).
workloads::Subject subject_of(const Factors& factors);

// Throws ConfigError: `command` cannot be executed, or has no {} where it needs one. `what` names it in messages: "the command".
void require_command(const std::vector<std::string>& command, bool needs_input, std::string_view what);
// Throws ConfigError: there is no such file. "./libx.so", "./libx.so:parse".
struct Entry {
  std::string library;  // absolute
  std::string name;     // of its function; empty: the one of function_entry.h
};
Entry require_entry(const std::string& text);

}  // namespace harness::own
