#pragma once

// What is said to a driver and what it answers: docs/drivers.md. A driver answers one question; the next is asked of a new one.
//
// Thread safety: pure functions, and functions that start a driver, ask it and end it; those by a thread that lives as long.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/trace.h"
#include "harness/engine/drivers/driver_process.h"
#include "harness/engine/prepared_cell.h"

namespace harness::drivers {

inline constexpr int kProtocol = 1;

// A driver that has not said by then who it is hangs: starting an interpreter takes a fraction of a second.
inline constexpr std::chrono::seconds kAnswersWithin{20};

// What a driver says of itself.
struct Description {
  std::string name = {};                                       // of its executor, for people
  std::string language = {};                                   // "cpython", "perl"
  std::string version = {};                                    // of the language: "3.11.7"
  std::string executable = {};                                 // path of the interpreter, if it has one
  std::vector<std::string> strategies = {};                    // that it carries out
  std::map<std::string, std::string, std::less<>> skips = {};  // why not the others, of some of them
  std::vector<std::string> workloads = {};                     // that its tasks and callbacks can be
  std::string start_method = "none";                           // how its worker processes start
  bool one_lock = false;                                       // threads of a process compute one at a time (a GIL)
  bool event_loop = false;                                     // workers are loop threads, a task that waits holds none
  bool attaches_late = false;  // callbacks to tasks that may be done, so that who submits runs them
  int workers = 0;             // that it always has; 0: as many as asked
  bool arrivals = false;       // it submits tasks when they arrive, where it is told when
  bool user_code = false;      // it runs functions of the user's (the workloads python:MODULE:FUNCTION)
};

// Of its answer. Throws DriverError naming what is wrong.
Description description_from(std::string_view answer);

// At most 60 bytes of what a driver said, for a message.
std::string shortened(std::string_view said);

// The workloads whose works the protocol has, by the names that they have there: "mixed" for all of its shapes.
std::span<const std::string_view> protocol_workloads();
// That name of a workload of the catalogue; empty where the protocol has none.
std::string_view protocol_name(std::string_view workload);

// The question `run` of a cell. Throws std::runtime_error when a server that it needs does not run.
std::string run_question(const PreparedCell& prepared);
// Of the answer to it; of tasks that arrive then, from the origin that it has. Throws DriverError.
Trace trace_from(std::string_view answer, std::span<const std::int64_t> arrivals_ns = {});

// One question to a driver of its own. Throws DriverError, also for the driver's own {"error": ...}.
std::string ask(const Command& command, std::string_view question, std::size_t most_bytes,
                std::optional<std::chrono::milliseconds> within, const Stop& stop = {});
// One repetition, whose stamps all lie between the question and the answer. Throws likewise, and as run_question() and trace_from() do.
Trace run_once(const Command& command, const PreparedCell& prepared,
               std::optional<std::chrono::milliseconds> within = std::nullopt);
Description describe(const Command& command, std::chrono::milliseconds within = kAnswersWithin);
// Its steps of `spin` per ns; takes 250 ms of computation.
double spin_rate(const Command& command, std::chrono::milliseconds within = kAnswersWithin);

// What the driver says of the functions of `code`, as in Subject::python, after it has called them one at a time, at most `most` times
// and for about `budget`: a JSON object. Each call ends within `deadline`, or that is what it says. Throws DriverError.
std::string examine(const Command& command, const std::string& code, int most, std::chrono::nanoseconds budget,
                    std::chrono::nanoseconds deadline);

// A program whose last line calls its main(), run by the interpreter of the driver as a program of its own, with that standard input and files
// of its own in `directory`: a JSON object with `main_ns` or `failure`. Throws DriverError, StoppedError.
std::string run_program(const Command& command, const std::string& program, const std::string& input,
                        const std::string& directory, std::chrono::nanoseconds deadline, const Stop& stop = {});

inline constexpr std::string_view kDescribeQuestion = R"({"command": "describe"})";
inline constexpr std::size_t kMostBytesOfWords = 65536;  // of an answer that is no trace

// Whether a work of the workload runs functions of the user's.
bool is_user_code(std::string_view workload);
// The command of a driver that is to do so, which sees their environment as it is: Python's is not isolated from it.
Command for_user_code(Command command);

}  // namespace harness::drivers
