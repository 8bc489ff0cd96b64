#include "harness/sweep/run.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <csignal>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/engine/backends/remote.h"
#include "harness/sweep/hop_costs.h"
#include "harness/sweep/loop_costs.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/evidence_csv.h"
#include "harness/sweep/sinks/progress.h"
#include "harness/sweep/sinks/sojourns_csv.h"
#include "harness/sweep/sinks/tasks_csv.h"

namespace harness {

namespace {

// "id", and of runs that resume there "id.r2", "id.r3": unique in the directory.
std::string first_free_id(const std::filesystem::path& directory, const std::string& begin) {
  std::string id = begin;
  std::error_code error;
  for (int n = 2; std::filesystem::exists(context_path(directory, id), error); ++n) id = fmt::format("{}.r{}", begin, n);
  return id;
}

}  // namespace

Run::Run(RunSettings settings) : settings_(std::move(settings)), calibration_(settings_.calibration) {
  options_.run_id = make_run_id();
  options_.stop = interrupt_requested;
  options_.time_budget = settings_.time_budget;
  if (settings_.environment) {
    options_.machine_id = settings_.environment->machine_id;
    options_.build_id = settings_.environment->build_id;
  }
  if (settings_.directory.empty()) return;
  assert(settings_.environment && settings_.suite != nullptr);
  // A full file size limit is an error of write(2) like a full disk, not the end of the program.
  std::signal(SIGXFSZ, SIG_IGN);
  if (settings_.put_old_away) {
    const std::filesystem::path aside = put_old_directory_away(settings_.directory);
    if (!aside.empty()) tell(fmt::format("the old directory is now {}\n", aside.string()));
  }
  directory_.emplace(settings_.directory);
  if (!settings_.run_id.empty()) options_.run_id = first_free_id(settings_.directory, settings_.run_id);
  for (const Sample& row : directory_->present()) {
    if (!settings_.counts || settings_.counts(row)) options_.present.push_back(row);
  }
}

SweepOutcome Run::measure(const Plan& plan, const Sinks& more) {
  calibrate(plan);
  return interruptibly([&](CellRunner& runner) {  // all of it, for a scope forgets what was before it
    const std::vector<Step> steps = missing_steps(plan, options_);
    if (!steps.empty()) {
      measure_loops(plan);
      measure_hops(plan);
      if (directory_) write_down(plan);
    }
    std::map<std::string, int> repetitions;
    for (const Step& step : steps) {
      if (!step.is_warmup) ++repetitions[plan.cells[static_cast<std::size_t>(step.cell)].cell.cell_id];
    }
    ProgressSink progress(stderr_progress(), std::move(repetitions));
    Sinks sinks;
    if (directory_) sinks.push_back(&directory_->results());
    for (const std::unique_ptr<Sink>& file : files_) sinks.push_back(file.get());
    sinks.insert(sinks.end(), more.begin(), more.end());
    sinks.push_back(&progress);
    return run_sweep(plan, runner, sinks, options_);
  });
}

void Run::calibrate(const Plan& plan) {
  if (calibration_) return;
  if (directory_) calibration_ = directory_->earlier_calibration(*settings_.environment);
  const bool is_earlier = calibration_.has_value();
  if (!is_earlier) calibration_ = workloads::calibrate();
  detail(fmt::format("calibration, {}: a millisecond of spin is {:.0f} steps; a sleep ends {} late\n",
                     is_earlier ? "of an earlier run here" : "measured", 1e6 * calibration_->spin_units_per_ns,
                     human_ns(calibration_->sleep_lateness_ns)));
  ask_drivers(plan);
  drivers::add_to(*calibration_, drivers_);
}

void Run::ask_drivers(const Plan& plan) {
  const drivers::Records earlier = directory_ ? directory_->earlier_drivers(*settings_.environment) : drivers::Records();
  for (const PlannedCell* const own : own_cells(plan)) {
    const PlannedCell& planned = *own;
    const drivers::DriverBackend* const backend = drivers::known_backend(planned.cell.backend);
    if (backend == nullptr || drivers_.contains(planned.cell.backend)) continue;
    drivers::Record record = record_of(*backend);
    tell(fmt::format("{}: {}\n", backend->name(), record.line()));
    const auto before = earlier.find(planned.cell.backend);
    const auto twin = std::ranges::find_if(drivers_, [&](const auto& known) {  // another executor of the same interpreter
      return !record.executable.empty() && known.second.is(record) && known.second.spin_units_per_ns > 0;
    });
    if (before != earlier.end() && before->second.is(record)) {
      record.spin_units_per_ns = before->second.spin_units_per_ns;
    } else if (twin != drivers_.end()) {
      record.spin_units_per_ns = twin->second.spin_units_per_ns;
    } else {
      measure_rate(*backend, record);
    }
    drivers_.emplace(planned.cell.backend, std::move(record));
  }
}

void Run::measure_loops(const Plan& plan) {
  std::set<std::string> failed;  // not tried again with other numbers of threads
  for (const PlannedCell* const own : own_cells(plan)) {
    const PlannedCell& planned = *own;
    if (interrupt_requested()) return;  // the sweep says so
    const std::pair key(planned.cell.backend, planned.cell.workers);
    if (!drivers::runs_on_event_loop(planned.cell, *calibration_) || calibration_->loops.contains(key) ||
        failed.contains(key.first)) {
      continue;
    }
    if (const auto costs = measure_loop(*children_, key.first, key.second, planned.cell.cores)) {
      calibration_->loops.emplace(key, *costs);
      detail(fmt::format("{} on {} threads: {} to wake, {} to dispatch\n", key.first, key.second, human_ns(costs->wake_ns),
                         human_ns(costs->dispatch_ns)));
    } else {
      failed.insert(key.first);
    }
  }
}

// The clocks are those of this run; what the way costs is kept from an earlier one, as other calibrations are.
void Run::measure_hops(const Plan& plan) {
  std::set<std::string> tried;
  for (const PlannedCell* const own : own_cells(plan)) {
    const std::string& backend = own->cell.backend;
    if (interrupt_requested()) return;
    if (!is_remote(backend) || clocks_.contains(backend) || !tried.insert(backend).second) continue;
    if (std::optional<HopCosts> costs = measure_hop(*children_, backend, own->cell.cores)) {
      calibration_->hops.emplace(backend, costs->hop);
      detail(fmt::format("{}: {} there, {} for each task of many\n", backend, human_ns(costs->hop.latency_ns),
                         human_ns(costs->hop.task_ns)));
      clocks_.emplace(backend, std::move(costs->clocks));
    }
  }
}

void Run::write_down(const Plan& plan) {
  const std::filesystem::path& path = directory_->path();
  if (!written_down_) directory_->freeze(*settings_.suite);
  write_cells(path, options_.run_id, plan);
  if (written_down_) return;
  write_context(path,
                {options_.run_id, utc_now(), plan.suite_name, settings_.arguments, plan.seed, std::string(to_string(plan.order)),
                 *settings_.environment, *calibration_, drivers_, plan.part, settings_.sweep, clocks_});
  if (settings_.task_files) files_.push_back(std::make_unique<TasksCsvSink>(path, options_.run_id));
  const auto comes_over_time = [](const PlannedCell* planned) { return arrives(planned->cell); };
  if (std::ranges::any_of(own_cells(plan), comes_over_time)) {
    files_.push_back(std::make_unique<SojournsCsvSink>(path, options_.run_id));
  }
  if (settings_.evidence_files) files_.push_back(std::make_unique<EvidenceCsvSink>(path, options_.run_id));
  written_down_ = true;
}

CellRunner& Run::runner() {
  if (children_ == nullptr) {
    children_ = make_child_runner({.calibration = *calibration_, .subject = settings_.subject, .scratch_parent = {}});
    if (settings_.gate) {
      GateSeams seams;
      seams.stop = interrupt_requested;
      gated_ = std::make_unique<GatedRunner>(*children_, *settings_.gate, std::move(seams));
    }
  }
  return gated_ != nullptr ? static_cast<CellRunner&>(*gated_) : *children_;
}

void Run::done_measuring() {
  gated_.reset();
  children_.reset();
}

GateCounts Run::gate_counts() const { return gated_ != nullptr ? gated_->counts() : GateCounts{}; }

std::string Run::resumed_text(const Plan& plan) const {
  const std::size_t all = ordered_steps(plan).size();
  const std::size_t missing = missing_steps(plan, options_).size();
  return missing == all ? "" : fmt::format("resuming: {} of {} repetitions are done, {} to go\n", all - missing, all, missing);
}

std::string Run::interrupted_text(const SweepOutcome& outcome) const {
  const bool resumes = directory_ && !settings_.put_old_away;
  return fmt::format("poolbench: interrupted after {} of {} repetitions{}\n", outcome.run, outcome.steps,
                     resumes ? "; resume with: " + resume_command(settings_.arguments) : "");
}

int exit_code(const SweepOutcome& outcome) {
  if (outcome.interrupted) return kExitInterrupted;
  return outcome.failed + outcome.failed_before > 0 ? kExitCellsFailed : kExitOk;
}

}  // namespace harness
