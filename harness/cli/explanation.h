#pragma once

// `predict --explain`: which term of the formula binds, the critical path, and who does what when.
//
// Thread safety: pure functions.

#include <cstddef>
#include <string>

#include "harness/model/case.h"

namespace harness {

// For people, on a page of so many columns, 60 at least. Long paths are shown by their ends and by what they consist of.
std::string explanation_text(const model::Case& c, const model::Prediction& prediction, std::size_t page);

// {"formula", "in_domain", "binding", "violated", "lower_bound_ns", "upper_bound_ns", "critical_path": [{"activity",
// "task", "server", "start_ns", "finish_ns", "alone_ns", "because"}, ...]}; tasks and servers from 1, `server` null for
// what the main process does and for waits on an event loop. Appended to `out`.
void append_explanation_json(const model::Case& c, const model::Prediction& prediction, std::string& out);

}  // namespace harness
