#pragma once

// What the texts of all recommendations have in common: their lines, and what they say of a task.
//
// Thread safety: pure functions.

#include <string>

#include "harness/recommend/profile.h"
#include "harness/recommend/recommend.h"
#include "harness/sweep/gate.h"

namespace harness::recommend {

// A label, and words beside it, over as many lines as they take.
std::string line(const std::string& label, const std::string& words, const Look& look);
std::string percent(double share);  // "52 %"

std::string demand_text(const Profile& p);  // "40 tasks one at a time: median 20.1 ms, ..."
std::string contention_text(const Question& question, const Profile& p);
std::string gate_words(const GateCounts& gate);  // "; for a quiet machine 3 repetitions were repeated, ..."; empty: none was

}  // namespace harness::recommend
