#pragma once

// What only the validator asks of a pool and no sweep does: to be shut down while tasks are queued, and to be given callbacks
// for futures that are done. Backends like others, by names of their own, but not in the catalogue: `run` and `case` do not know
// them.

#include <string_view>

#include "harness/engine/backends/backend.h"

namespace harness {

//   thread_shutdown, process_shutdown                   submits everything, then shutdown(wait): its time is pool_stop_ns
//   thread_shutdown_no_wait, process_shutdown_no_wait   the same without waiting; then a submit and a map, which must be refused
//                                                       (else the repetition fails); then waits for the futures
//   thread_attach_late, process_attach_late             waits for all tasks, then attaches their callbacks
// The shutdowns are for strategy `none`, the others for any with callbacks. nullptr for any other name.
const Backend* find_experiment(std::string_view name);

// Whether it is one of the last two: the model, whose callbacks are attached at the submit, does not know when theirs begin.
bool attaches_late(std::string_view name);

}  // namespace harness
