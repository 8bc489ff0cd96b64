#pragma once

// The program to paste: a choice for a Python function, complete.
//
// Thread safety: pure functions.

#include <string>

#include "harness/recommend/curve.h"
#include "harness/recommend/python_work.h"

namespace harness::recommend {

// Whether the choice is no pool at all: one thread that does one after the other.
bool is_sequential(const Choice& choice);

// Reads the inputs, runs them that way, and leaves the results in `results`, in the order of the inputs. `tasks` is how many there are.
std::string python_snippet(const PythonWork& work, const Seen& seen, const Choice& choice, int tasks);

}  // namespace harness::recommend
