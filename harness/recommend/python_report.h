#pragma once

// What a recommendation for a Python function says beyond that of any other work.
//
// Thread safety: pure functions. REQUIRES: the question is about one.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/recommend/recommend.h"

namespace harness::recommend {

// Labels and words: the interpreter, what a process costs, what to set, what is left out and why. `times`: what the pool's start has to do with
// them.
std::vector<std::pair<std::string, std::string>> python_facts(const Question& question, const Profile& profile,
                                                              std::string_view times);
inline constexpr std::string_view kTimesWithStart = "starting the pool and ending it is part of all times";

// "ThreadPoolExecutor(max_workers=24)": what serves clients that way.
std::string python_executor(const Choice& choice);

// What the program takes, or that it was not run; empty where nobody runs it, or it failed (which is a note).
std::string program_text(const Question& question, const Recommendation& recommendation);

// The program to paste.
std::string python_code(const Question& question, const Recommendation& recommendation);

// "cpython_thread", "sequential": the choice, for scripts.
std::string python_backend(const Question& question, const Choice& choice);

}  // namespace harness::recommend
