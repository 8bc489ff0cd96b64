#pragma once

// One line on stderr about the sweep under way: repetitions done, what runs, the estimated time left, and on a terminal the range of what
// the cell has shown so far. On a terminal the
// line is redrawn in place; elsewhere a plain line is written now and then.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "harness/base/look.h"
#include "harness/sweep/sinks/sink.h"

namespace harness {

struct ProgressOptions {
  bool animated = false;
  bool colour = false;
  int width = 80;                                 // columns; the line is cut to fit
  std::function<void(const std::string&)> write;  // bytes to stderr
};
// For this process's stderr: whether it is a terminal, its colours and the window's width.
ProgressOptions stderr_progress();

class ProgressSink : public Sink {
 public:
  explicit ProgressSink(ProgressOptions options);
  // Clears an animated line.
  ~ProgressSink() override;
  void checking(const Cell& cell, int done, int cells) override;
  void starting(const Cell& cell, const SweepState& state) override;
  void row(const Cell& cell, const Sample& sample, const Trace* trace) override;
  void finished(const SweepState& state) override;

 private:
  void draw(const std::string& line);
  void clear();
  Look look() const { return {.colour = options_.colour}; }

  std::string spread_text(const std::string& cell_id) const;

  ProgressOptions options_;
  struct Spread {
    int repetitions = 0;
    std::int64_t least_ns = 0;
    std::int64_t most_ns = 0;
  };
  std::map<std::string, Spread> spreads_;  // by cell, of the makespans of this sweep; warm-ups are none
  bool line_drawn_ = false;
  int last_plain_tenth_ = -1;
  std::chrono::nanoseconds last_plain_{0};
};

// "45 s", "2 min 5 s", "1 h 3 min": whole seconds, for an ETA.
std::string eta_text(std::chrono::nanoseconds duration);

}  // namespace harness
