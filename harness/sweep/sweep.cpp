#include "harness/sweep/sweep.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <map>
#include <set>
#include <tuple>

#include "harness/base/random.h"
#include "harness/machine/environment.h"
#include "harness/plan/distribution.h"
#include "workloads/work.h"

namespace harness {
namespace {

using std::chrono::nanoseconds;

// What makes a repetition the same one in another run.
using RowKey = std::tuple<std::string, std::int64_t, bool>;  // cell_id, rep, is_warmup

std::set<RowKey> rows_present(const SweepOptions& options) {
  std::set<RowKey> keys;
  for (const Sample& sample : options.present) {
    if (sample.build_id == options.build_id && sample.machine_id == options.machine_id) {
      keys.emplace(sample.cell_id, sample.rep, sample.is_warmup != 0);
    }
  }
  return keys;
}

// A round: one repetition of every cell that has that many.
void add_round(const Plan& plan, int rep, bool is_warmup, std::vector<Step>& steps) {
  std::vector<int> cells;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    if (rep < (is_warmup ? plan.cells[i].warmup : plan.cells[i].runs)) cells.push_back(static_cast<int>(i));
  }
  if (plan.order == Order::random) {
    SplitMix64 random(plan.seed ^ SplitMix64(static_cast<std::uint64_t>(rep) * 2 + (is_warmup ? 1 : 0)).next());
    for (std::size_t i = cells.size(); i > 1; --i) std::swap(cells[i - 1], cells[random.below(i)]);
  }
  for (const int cell : cells) steps.push_back({cell, rep, is_warmup, static_cast<int>(steps.size())});
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

class Sweep {
 public:
  Sweep(const Plan& plan, CellRunner& runner, Sinks& sinks, const SweepOptions& options)
      : plan_(plan), runner_(runner), sinks_(sinks), options_(options), steps_(missing_steps(plan, options)) {
    estimates_.reserve(plan.cells.size());
    for (const PlannedCell& planned : plan.cells) {
      const nanoseconds bounded = std::min<nanoseconds>({estimated_time(planned.cell), planned.timeout, std::chrono::hours(24)});
      estimates_.push_back({bounded, nanoseconds{-1}});
    }
    outcome_.steps = static_cast<int>(steps_.size());
    for (const Step& step : steps_) left_ += estimates_[index(step)].planned;
    outcome_.failed_before = failures_present(plan, options);
  }

  SweepOutcome run() {
    begin_ = now();
    check_digests();
    nanoseconds first{-1};
    for (const Step& step : steps_) {
      if (outcome_.interrupted || options_.stop()) {
        outcome_.interrupted = true;
        break;
      }
      const PlannedCell& planned = plan_.cells[index(step)];
      const auto failed_check = check_errors_.find(step.cell);
      if (failed_check != check_errors_.end()) {
        if (step.is_warmup) {
          --outcome_.steps;  // nothing to warm up for
        } else {
          Sample sample = sample_of(planned.cell);
          sample.status = "invalid";
          sample.error = failed_check->second;
          store(step, std::move(sample), now_utc(), nullptr);
        }
        left_ -= estimates_[index(step)].planned;
        continue;
      }
      if (options_.time_budget && now() - begin_ + expected(step.cell) > *options_.time_budget) {
        outcome_.out_of_time = true;
        break;
      }
      for (Sink* const sink : sinks_) sink->starting(planned.cell, state());
      const nanoseconds started = now();
      const std::string started_utc = now_utc();
      if (first.count() < 0) first = started;
      RepetitionResult result = repetition(planned);
      const nanoseconds ended = now();
      if (result.interrupted) {
        outcome_.interrupted = true;
        break;
      }
      outcome_.measuring = ended - first;
      learn(step, ended - started);
      if (result.sample.status == "ok") outcome_.sum_makespans += nanoseconds(result.sample.makespan_ns);
      store(step, std::move(result.sample), started_utc, result.trace ? &*result.trace : nullptr);
    }
    for (Sink* const sink : sinks_) sink->finished(state());
    return outcome_;
  }

 private:
  struct Estimate {
    nanoseconds planned;
    nanoseconds last;  // as measured the last time; negative before that
  };

  static std::size_t index(const Step& step) { return static_cast<std::size_t>(step.cell); }

  // What a check says that an interrupt cut off means nothing: run() looks at `stop` before it believes any of it.
  void check_digests() {
    std::vector<int> cells;
    std::set<int> seen;
    for (const Step& step : steps_) {
      if (seen.insert(step.cell).second) cells.push_back(step.cell);
    }
    std::sort(cells.begin(), cells.end());
    int done = 0;
    for (const int cell : cells) {
      if (options_.stop()) {
        outcome_.interrupted = true;
        return;
      }
      const PlannedCell& planned = plan_.cells[static_cast<std::size_t>(cell)];
      for (Sink* const sink : sinks_) sink->checking(planned.cell, done, static_cast<int>(cells.size()));
      std::string difference;
      try {
        difference = runner_.check_digests(planned.cell, planned.timeout);
      } catch (const std::exception& error) {
        difference = fmt::format("digest check: {}", error.what());
      }
      if (!difference.empty()) check_errors_[cell] = std::move(difference);
      ++done;
    }
  }

  // A runner that throws has failed at this repetition only.
  RepetitionResult repetition(const PlannedCell& planned) {
    try {
      return runner_.run(planned.cell, planned.timeout);
    } catch (const std::exception& error) {
      RepetitionResult result;
      result.sample = sample_of(planned.cell);
      result.sample.status = "crash";
      result.sample.error = error.what();
      return result;
    }
  }

  void store(const Step& step, Sample sample, const std::string& started_utc, const Trace* trace) {
    const Cell& cell = plan_.cells[index(step)].cell;
    sample.run_id = options_.run_id;
    sample.machine_id = options_.machine_id;
    sample.build_id = options_.build_id;
    sample.cell_id = cell.cell_id;
    sample.rep = step.rep;
    sample.is_warmup = step.is_warmup ? 1 : 0;
    sample.run_order = step.run_order;
    sample.started_utc = started_utc;
    sample.error = one_line(std::move(sample.error));
    for (Sink* const sink : sinks_) sink->row(cell, sample, trace);
    ++outcome_.run;
    if (sample.status != "ok") ++outcome_.failed;
  }

  // The estimate of a cell that has run is the time it took; that of the others is scaled by how far off the plan was.
  nanoseconds expected(int cell) const {
    const Estimate& estimate = estimates_[static_cast<std::size_t>(cell)];
    return estimate.last.count() >= 0 ? estimate.last : scaled(estimate.planned);
  }

  nanoseconds scaled(nanoseconds planned) const {
    if (planned_done_.count() == 0) return planned;
    return nanoseconds(
        static_cast<std::int64_t>(static_cast<double>(planned.count()) *
                                  (static_cast<double>(measured_done_.count()) / static_cast<double>(planned_done_.count()))));
  }

  void learn(const Step& step, nanoseconds took) {
    Estimate& estimate = estimates_[index(step)];
    estimate.last = took;
    planned_done_ += estimate.planned;
    measured_done_ += took;
    left_ -= estimate.planned;
  }

  SweepState state() const { return {outcome_.steps, outcome_.run, outcome_.failed, now() - begin_, scaled(left_)}; }

  nanoseconds now() const { return nanoseconds(options_.now_ns ? options_.now_ns() : workloads::monotonic_ns()); }
  std::string now_utc() const { return options_.now_utc ? options_.now_utc() : utc_now(); }

  const Plan& plan_;
  CellRunner& runner_;
  Sinks& sinks_;
  const SweepOptions& options_;
  const std::vector<Step> steps_;
  std::vector<Estimate> estimates_;
  std::map<int, std::string> check_errors_;  // of cells whose digests differ
  SweepOutcome outcome_;
  nanoseconds begin_{0};
  nanoseconds left_{0};           // planned time of the steps not yet run
  nanoseconds planned_done_{0};   // of those run: as planned,
  nanoseconds measured_done_{0};  // and as measured
};

}  // namespace

std::vector<Step> ordered_steps(const Plan& plan) {
  std::vector<Step> steps;
  if (plan.order == Order::batch) {
    for (std::size_t i = 0; i < plan.cells.size(); ++i) {
      const auto add = [&](int count, bool is_warmup) {
        for (int rep = 0; rep < count; ++rep) {
          steps.push_back({static_cast<int>(i), rep, is_warmup, static_cast<int>(steps.size())});
        }
      };
      add(plan.cells[i].warmup, true);
      add(plan.cells[i].runs, false);
    }
    return steps;
  }
  int warmup = 0;
  int runs = 0;
  for (const PlannedCell& planned : plan.cells) {
    warmup = std::max(warmup, planned.warmup);
    runs = std::max(runs, planned.runs);
  }
  for (int rep = 0; rep < warmup; ++rep) add_round(plan, rep, true, steps);
  for (int rep = 0; rep < runs; ++rep) add_round(plan, rep, false, steps);
  return steps;
}

std::vector<Step> missing_steps(const Plan& plan, const SweepOptions& options) {
  const std::set<RowKey> present = rows_present(options);
  std::vector<Step> missing;
  std::set<int> unfinished;  // cells with a measured repetition to run
  for (const Step& step : ordered_steps(plan)) {
    const PlannedCell& planned = plan.cells[static_cast<std::size_t>(step.cell)];
    if (!plan.is_own(planned)) continue;
    const std::string& id = planned.cell.cell_id;
    if (present.contains({id, step.rep, step.is_warmup})) continue;
    missing.push_back(step);
    if (!step.is_warmup) unfinished.insert(step.cell);
  }
  std::erase_if(missing, [&](const Step& step) { return !unfinished.contains(step.cell); });
  return missing;
}

int failures_present(const Plan& plan, const SweepOptions& options) {
  std::set<std::string> ids;
  for (const PlannedCell* const planned : own_cells(plan)) ids.insert(planned->cell.cell_id);
  return static_cast<int>(std::count_if(options.present.begin(), options.present.end(), [&](const Sample& sample) {
    return sample.status != "ok" && sample.build_id == options.build_id && sample.machine_id == options.machine_id &&
           ids.contains(sample.cell_id);
  }));
}

SweepOutcome run_sweep(const Plan& plan, CellRunner& runner, Sinks& sinks, const SweepOptions& options) {
  return Sweep(plan, runner, sinks, options).run();
}

}  // namespace harness
