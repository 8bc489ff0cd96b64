#pragma once

// One repetition, as it crosses between the program and the child that runs it.

#include <span>
#include <string>
#include <string_view>

#include "harness/core/trace.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/prepared_cell.h"

namespace harness {

struct RepetitionReply {
  std::string error;  // one line; empty when the repetition was run
  Trace trace;        // complete when `error` is empty
};

std::string encode(const PreparedCell& request);
std::string encode(const RepetitionReply& reply);
// Throw std::runtime_error for bytes that encode() did not make.
PreparedCell decode_request(std::string_view bytes);
RepetitionReply decode_reply(std::string_view bytes);

// What is wrong with the trace as one of this cell, or an empty string: the number of tasks, stamps that are missing or
// out of order.
std::string defect_of(const Trace& trace, const Cell& cell);

// The child: reads one request, runs it on the backend it names, answers and exits with 0. Any exception is an answer.
[[noreturn]] void run_repetition_child(int stream, std::span<const Backend* const> backends);

}  // namespace harness
