#pragma once

// How `predict` and `case` print task times: integer nanoseconds in JSON, milliseconds to the last nanosecond in
// tables.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/core/trace.h"
#include "harness/model/case.h"

namespace harness {

// The times of a repetition, relative to its first submit or, where tasks arrive, to the origin of the arrivals. All kNever of a task that was
// rejected.
std::vector<model::TaskTimes> relative_times(const Trace& trace, std::span<const std::int64_t> arrivals_ns = {});

// "500.360123 ms": exact.
std::string exact_ms(std::int64_t ns);

// [{"start_ns": 0, "finish_ns": 1, "callback_start_ns": null, "callback_finish_ns": null}, ...] appended to `out`; on an event
// loop each has "resumed_ns" besides and, of callbacks on the loop, "callback_resumed_ns": when the computing began.
// Where tasks arrive, `arrivals_ns` has one per task and each begins with its "arrival_ns"; a rejected one has "rejected": true instead of times.
void append_json(const std::vector<model::TaskTimes>& tasks, std::string& out, std::span<const std::int64_t> arrivals_ns = {});

// A header and one line per task (where tasks arrive with its arrival), for a page so wide; of more than `most` tasks the first and the
// last `ends` only.
// REQUIRES: 2 * ends <= most.
std::string times_table(const std::vector<model::TaskTimes>& tasks, std::size_t page, std::size_t most, std::size_t ends,
                        std::span<const std::int64_t> arrivals_ns = {});

}  // namespace harness
