#pragma once

// One line on stderr about the sweep under way: repetitions done, what runs, the estimated time left. On a terminal it has the range of what the
// cell has shown so far, too, and is redrawn in place; elsewhere a plain line is written now and then.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/look.h"
#include "harness/sweep/sinks/sink.h"

namespace harness {

struct ProgressOptions {
  bool animated = false;
  bool colour = false;
  int width = 80;                                 // columns; the line is cut to fit
  std::function<void(const std::string&)> write;  // bytes to stderr
  Verbosity verbosity = Verbosity::normal;        // quiet: failures only; verbose: each cell as it ends, too
};
// For this process's stderr: whether it is a terminal, its colours and the window's width.
ProgressOptions stderr_progress();

// A line of a terminal that is redrawn in place, and gone with its owner. `options` outlive it.
class LiveLine {
 public:
  explicit LiveLine(const ProgressOptions& options) : options_(options) {}
  ~LiveLine() { clear(); }
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  // In place of what was drawn before, cut to the terminal's width.
  void draw(std::string_view line, const Look& look = {});
  void clear();

 private:
  const ProgressOptions& options_;
  bool is_drawn_ = false;
};

class ProgressSink : public Sink {
 public:
  // `repetitions`: how many measured ones are to come, by cell_id; cells that are not there are not told as they end.
  explicit ProgressSink(ProgressOptions options, std::map<std::string, int> repetitions = {});
  void checking(const Cell& cell, int done, int cells) override;
  void starting(const Cell& cell, const SweepState& state) override;
  void row(const Cell& cell, const Sample& sample, const Trace* trace) override;
  void finished(const SweepState& state) override;

 private:
  Look look() const { return {.colour = options_.colour}; }

  void tell_failure(const Sample& sample);
  void tell_end(const Cell& cell);
  std::string spread_text(const std::string& cell_id) const;

  ProgressOptions options_;
  std::map<std::string, int> left_;                             // by cell: repetitions to come
  std::map<std::string, int> failed_;                           // by cell, of this sweep; warm-ups are none
  std::map<std::string, std::vector<std::int64_t>> makespans_;  // likewise, of those that ended well
  LiveLine line_{options_};
  int last_plain_tenth_ = -1;
  std::chrono::nanoseconds last_plain_{0};
};

// "45 s", "2 min 5 s", "1 h 3 min": whole seconds, for an ETA.
std::string eta_text(std::chrono::nanoseconds duration);

}  // namespace harness
