#pragma once

// Sees one child through: gives it its request, collects its answer and what it prints, until it exits, its deadline
// passes or the program is interrupted. When it returns, the child and every process it started are gone.

#include <chrono>
#include <string>
#include <string_view>

#include "pools/src/process/os/spawn.h"

namespace harness {

struct Attempt {
  enum class End { answered, crashed, timed_out, interrupted };
  End end = End::crashed;
  std::string answer;       // the body of its frame, when answered
  std::string how_it_died;  // when crashed: "killed by signal 11 (Segmentation fault)", "exited with status 3"
  std::string last_words;   // the tail of what it printed, on one line; may be empty
};

// `stream` and `output` are this side's ends of the child's descriptor 3 and of its standard output and error;
// `interruption` becomes readable when the program is interrupted. `child` is reaped. REQUIRES: the child leads a
// session (lead_session) before it starts another process.
Attempt supervise(pools::Child& child, int stream, int output, int interruption, std::string_view request,
                  std::chrono::steady_clock::time_point deadline);

}  // namespace harness
