#pragma once

// Factors and durations -> Cell. Every cell is put together here, whether a suite, a claim, a command line or a recommendation asks
// for it or a run's files tell of it: so there is one answer to which factors a list of durations decides, how the others' are
// drawn, and what the seed and the id are made of.
//
// Thread safety: values and pure functions.

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/core/cell.h"

namespace harness {

// The seed of a cell: equal for cells that differ only in backend, workers, strategy, parsers, callback, chunksize or
// start method, so that compared cells run identical tasks.
std::uint64_t cell_seed(std::uint64_t suite_seed, const Factors& factors);

// The form that all factors with one meaning share: as many workers as the backend has where it leaves no choice, parsers where the
// strategy has them (at least one), chunks where tasks travel to processes in them, a bound of tasks in flight on event
// loops and where it bounds, callbacks of 0 where there are none, a bounded queue where tasks arrive, inputs and a callback_workload where
// the work is the user's own, which has no durations.
// Throws ConfigError for an unknown backend.
Factors canonical(Factors factors);

class CellBuilder {
 public:
  // What is not decided below stays as it is in `factors`, but for an empty start_method: that is the backend's own then, also of a
  // backend outside the catalogue (experiments.h). Throws ConfigError for an unknown one.
  explicit CellBuilder(Factors factors);

  // What each task and each callback takes, in submission order. Decides `tasks`, `distribution` ("explicit") and, by the
  // longest, `task_ns` and `callback_ns`; callbacks that the strategy does not have take 0.
  // REQUIRES: at least one task, as many callbacks as tasks.
  CellBuilder& durations(std::vector<std::int64_t> tasks_ns, std::vector<std::int64_t> callbacks_ns);

  // The same for a cell that a file tells of, whose factors are complete: decides nothing. REQUIRES: one of each per task.
  CellBuilder& recorded_durations(std::vector<std::int64_t> tasks_ns, std::vector<std::int64_t> callbacks_ns);

  // When each task comes, of a cell that a file tells of: decides nothing. REQUIRES: one per task.
  CellBuilder& recorded_arrivals(std::vector<std::int64_t> arrivals_ns);

  // `seed` is cell_seed() of that one.
  CellBuilder& seeded_by(std::uint64_t suite_seed);

  // Without either, the tasks' durations are drawn from the distribution and the seed, and every callback takes `callback_ns`.
  // Arrivals take their canonical form (arrivals.h), `arrivals_spec` what was written, unless somebody has set it; times that are not
  // recorded are drawn from the seed.
  // Once. Throws ConfigError: an unknown distribution, a duration of more than 2^63-1 ns, arrivals as arrivals.h has it.
  Cell build();

 private:
  void decide_arrivals();

  Cell cell_;
  std::optional<std::uint64_t> suite_seed_;
};

}  // namespace harness
