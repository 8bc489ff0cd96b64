#pragma once

// A prediction as a picture of text: who does what, and when.
//
// Thread safety: pure functions.

#include <cstddef>
#include <string>

#include "harness/model/case.h"

namespace harness {

// Of few tasks (at most 61) on few servers (at most 40) a row per server: each task is drawn with its own character
// (1 to 9, a to z, A to Z in submission order), its callback as that character and dashes; a column shows what filled
// most of it. Of many, rows that say how busy workers and callback servers are over time and how many tasks wait. An event loop's
// threads are drawn while they compute, and below them how many tasks are in flight.
// As wide as the page. REQUIRES: `prediction` is simulate(c); the page has 40 columns at least.
std::string gantt(const model::Case& c, const model::Prediction& prediction, std::size_t page);

// "worker 3", "loop 1", "caller": who runs the tasks of worker number `worker`.
std::string worker_name(const model::Case& c, int worker);

// "worker 3", "parser 1", "main process", "caller": who runs the callbacks of server number `server`.
std::string callback_server_name(const model::Case& c, int server);

}  // namespace harness
