#pragma once

// Keeps what a sweep leaves in memory, for commands that answer at once.

#include <optional>
#include <vector>

#include "harness/sweep/sinks/sink.h"

namespace harness {

class CollectingSink : public Sink {
 public:
  struct Repetition {
    Sample sample;
    std::optional<Trace> trace;  // if the repetition ended well and traces are kept
  };
  explicit CollectingSink(bool keep_traces) : keep_traces_(keep_traces) {}

  void row(const Cell& /*cell*/, const Sample& sample, const Trace* trace) override {
    repetitions.push_back({sample, keep_traces_ && trace != nullptr ? std::optional<Trace>(*trace) : std::nullopt});
  }

  std::vector<Repetition> repetitions;  // in the order in which they ran

 private:
  bool keep_traces_;
};

}  // namespace harness
