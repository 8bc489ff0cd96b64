#pragma once

// A claim as data: one reading of the tutorial, applied to cells on which it can be decided.
//
// Everything is measured in nanoseconds: of most claims the makespan, of those about who runs a callback the callback time that
// an actor took, of comparisons the time that one choice loses against another. A claim is expected to hold where its value is the
// exact model's, and to be refuted where it is not: then the cell is a counterexample.
//
// Thread safety: constant data and pure functions.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/cell.h"
#include "harness/core/evidence.h"
#include "harness/core/sample.h"
#include "harness/model/case.h"
#include "harness/model/closed_forms.h"

namespace harness {

// Tasks and callbacks in ms that all start on one pool of sleeping workers.
struct ClaimCell {
  std::string_view backend;
  int workers = 1;
  std::string_view strategy;
  int parsers = 0;
  std::vector<std::int64_t> tasks_ms;
  std::vector<std::int64_t> callbacks_ms;  // one per task
  int chunksize = 1;
  std::string_view workload = "sleep";
  bool per_core = false;  // `workers` are that many for each core that may be used
};

// What the claim says of its cells, and what else anyone might expect.
struct Rival {
  std::string name;
  std::int64_t value_ns = 0;
};
struct Claimed {
  std::string formula;
  std::int64_t claimed_ns = 0;
  std::int64_t model_ns = 0;  // what the exact model says
  std::string violated;       // which condition of the formula the cells violate, in numbers; empty if none
  std::vector<Rival> rivals;  // beside the model's value
};

// One repetition of one cell.
struct Observation {
  const Factors* factors = nullptr;
  const Measures* measures = nullptr;
  const Evidence* evidence = nullptr;  // null where only the row is left
};

struct Claim {
  std::string_view id;
  std::string_view english;
  std::string_view chinese;  // the tutorial's own words; empty where the claim is the model's answer to it
  std::string_view domain;   // where the formula holds, by the model
  // The first is what the claim is about, the others what the same round of repetitions compares it with.
  std::vector<ClaimCell> cells;
  std::function<Claimed(std::span<const Cell>)> claimed;  // of cells as cell_of() makes them, at any scale
  // Of one round, one observation per cell; empty: the first cell's makespan.
  std::function<std::int64_t(std::span<const Observation>)> measure = {};
  // Facts of a round for the reader, in numbers; may be empty.
  std::function<std::string(std::span<const Observation>)> facts = {};
  bool is_formula = true;       // decided at three scales, with a regression
  bool needs_evidence = false;  // measure() reads it
};

// A claim about the makespan of one cell. `formula` is asked about the cell as the model sees it.
Claim formula_claim(std::string_view id, std::string_view english, std::string_view chinese, std::string_view domain,
                    std::function<model::ClosedForm(const model::Case&)> formula, ClaimCell cell);

// That the first cell's choice loses nothing against the best of all.
Claim loses_nothing(std::string_view id, std::string_view english, std::string_view chinese, std::string_view domain,
                    std::vector<ClaimCell> cells);

// "thread x10: 62 ms, process x10: 63 ms"
std::string makespans_text(std::span<const Observation> round);

// The tutorial's own words of which two families speak.
inline constexpr std::string_view kRemedy = "解决方法：不绑定回调函数，直接再开几个进程，用开的进程来处理返回的值";

// `count` times `ms`.
std::vector<std::int64_t> times(std::size_t count, std::int64_t ms);

// The claim that the exact model makes: for what the tutorial leaves undefined.
model::ClosedForm exact(const model::Case& c);

// The cell's case, whether it waits or computes, with durations as asked for.
model::Case case_of(const Cell& cell);

}  // namespace harness
