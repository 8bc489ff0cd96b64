#pragma once

// The tutorial's own examples, run by CPython's executors and by this program's pools beside each other, and what the exact
// model says of both.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/look.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/plan/plan.h"
#include "harness/sweep/sinks/collecting_sink.h"
#include "workloads/work.h"

namespace harness::cpython {

// One line of the table. Times are the tutorial's, ms; four workers each, but where it says otherwise.
struct Example {
  std::string_view id;
  std::string_view english;
  std::string_view pool;  // "thread" or "process", of which CPython's is "cpython_" + that
  std::string_view workload;
  std::string_view strategy;
  int workers = 4;
  int parsers = 0;
  std::vector<std::int64_t> tasks_ms;
  std::vector<std::int64_t> callbacks_ms;  // one per task
  std::int64_t tutorial_us = -1;           // the tutorial's figure; -1: it gives none
  bool printed = false;                    // it is what its program printed, not what its formula says
};

// In the order in which the tutorial has them. Constant; ids are unique.
std::span<const Example> examples();

// A suite with two cells per example, CPython's first, in the order of examples(); all durations divided by `divisor`.
// REQUIRES: divisor is 1 or 10.
std::string tutorial_suite(int divisor, int runs);

// One executor's part of an example.
struct Side {
  Cell cell;
  std::vector<std::int64_t> makespans_ns;  // of the repetitions that ended well, sorted
  int failed = 0;
  std::string error;  // of the last that failed
  std::optional<std::int64_t> median_ns;
  std::int64_t model_ns = 0;
  std::string callbacks_by;  // by thread and process ids: "the worker", "the main process", "4 other processes"
};

struct ExampleResult {
  const Example* example = nullptr;
  Side python;
  Side here;
};

// REQUIRES: `plan` was made of tutorial_suite(), nothing of it was filtered out.
std::vector<ExampleResult> evaluate(const Plan& plan, const std::vector<CollectingSink::Repetition>& repetitions,
                                    const workloads::Calibration& calibration);

std::string table_text(const std::vector<ExampleResult>& results, const drivers::Record& python, int divisor,
                       const Look& look = {});
// {"python": {...}, "divisor": 10, "examples": [{"id", "example", "tutorial_ns", "printed", "cpython": {"median_ns", "makespans_ns",
// "failed", "model_ns", "callbacks_by"}, "poolbench": {...}}, ...], "noise": what disturbed the run while it measured, or ""}; tutorial_ns (divided like the rest) and median_ns may be null.
std::string table_json(const std::vector<ExampleResult>& results, const drivers::Record& python, int divisor,
                       const std::string& noise = {});

}  // namespace harness::cpython
