#pragma once

// Work that is a Python function of the user's: what is called with what, and what a first look at it has shown.
//
// Thread safety: values and pure functions, but for examine().

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/engine/drivers/driver_process.h"
#include "harness/model/case.h"
#include "harness/recommend/profile.h"

namespace harness::recommend {

struct PythonWork {
  std::string function;                 // "crawler:fetch"
  std::string callback = {};            // what is done with a result, likewise; empty: nothing
  std::vector<std::string> paths = {};  // where modules are looked for before the rest; "": the working directory
  std::string inputs = "[]";            // a JSON array
  std::string inputs_file = {};         // where they came from, as it was given
  std::string range = {};               // "1..60": they are these numbers; then there is no file
  std::int64_t input_count = 0;         // of the inputs; 0: as many as there are tasks
  bool json_lines = false;              // a JSON value a line there; else each line is a string
  bool lone_returns = false;            // lines there hold carriage returns, which end none
  std::map<std::string, std::string, std::less<>> environment = {};  // variables that are set before the module is imported
};

// `code` of the drivers' protocol (docs/drivers.md).
std::string code_of(const PythonWork& work);

// What calling it one input at a time has shown.
struct Seen {
  Profile profile = {};
  model::Demand callback = {};
  bool is_async = false;           // what it returns is awaited
  bool callback_is_async = false;  // likewise
  std::string unpicklable = {};    // why no process can have it; empty: one can
  std::int64_t import_ns = 0;
  std::int64_t memory_bytes = 0;            // what it took beyond a bare Python
  std::int64_t bare_bytes = 0;              // what that takes by itself, shared pages not counted
  std::int64_t result_bytes = 0;            // of a result, pickled, on average
  std::int64_t pickle_ns = 0;               // what that took
  int threads = 0;                          // that a library has started, and left
  int threads_started = 0;                  // by Python code in one call, those included that ended in it
  std::vector<std::string> variables = {};  // that say how many it starts
  bool prints = false;
};

// The user's function failed, or there is none: with the end of its traceback.
class PythonError : public ConfigError {
 public:
  PythonError(const std::string& line, std::vector<std::string> traceback)
      : ConfigError(line), traceback_(std::move(traceback)) {}
  const std::vector<std::string>& traceback() const { return traceback_; }

 private:
  std::vector<std::string> traceback_;
};

// Of the answer of a driver. Throws PythonError, and ConfigError for what is no such answer.
Seen seen_from(const std::string& answer, int cores);

// Calls it on the interpreter of that driver, at most `most` times: the driver's answer. Throws ConfigError.
inline constexpr int kMostCalls = 40;
std::string examined(const PythonWork& work, const drivers::Command& driver, std::chrono::nanoseconds budget,
                     std::chrono::nanoseconds deadline, int most = kMostCalls);
// What that says. Throws as above.
Seen examine(const PythonWork& work, const drivers::Command& driver, int cores, std::chrono::nanoseconds budget,
             std::chrono::nanoseconds deadline, int most = kMostCalls);

}  // namespace harness::recommend
