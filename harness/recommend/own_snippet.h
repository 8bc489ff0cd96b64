#pragma once

// What to paste: a choice for a command, as a line for the shell, or for a function of a shared object, as a program with `pools`.
//
// Thread safety: pure functions.

#include <string>

#include "harness/recommend/curve.h"
#include "workloads/work.h"

namespace harness::recommend {

// What is asked of a command or of a function of a shared object, as it was given.
struct OwnQuestion {
  workloads::Subject subject;  // but for the inputs
  std::string library = {};    // as a path that was typed: "./libx.so"
  std::string inputs_file = {};
  std::string range = {};  // "1..60": the inputs are these numbers; then there is no file
};

// The language that own_snippet() is in: "sh", "cpp".
std::string snippet_language(const OwnQuestion& own);

// Reads the inputs and runs them that way. Empty for a choice on other hosts. A command's lines are for a POSIX shell with GNU xargs; a
// process of its own has each task anyway, so that they are the same for threads and for processes.
std::string own_snippet(const OwnQuestion& own, const Choice& choice);

}  // namespace harness::recommend
