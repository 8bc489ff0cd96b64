#include "harness/core/sample.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <iterator>
#include <vector>

#include "harness/core/sojourns.h"

namespace harness {
namespace {

constexpr Column kIdentity[] = {
    {"schema_version", "", "Version of this table's layout.", &Sample::schema_version, kSchemaVersion, kSchemaVersion},
    {"run_id", "", "The run that made the row; names context/<run_id>.json.", &Sample::run_id},
    {"machine_id", "", "Hash of the machine's properties that decide its speed.", &Sample::machine_id},
    {"build_id", "", "Hash of the program's sources, compiler and flags.", &Sample::build_id},
    {"cell_id", "", "Hash of all factors but workers_spec, each task's and callback's duration included.", &Sample::cell_id},
    {"rep", "", "Number of the repetition within its phase, from 0; warm-ups count from 0 as well.", &Sample::rep},
    {"is_warmup", "", "1 for a warm-up, which no statistic counts; else 0.", &Sample::is_warmup, 1},
    {"run_order", "", "Position of the repetition in the seeded order of the run, from 0.", &Sample::run_order},
    {"started_utc", "", "When the repetition started: ISO 8601, UTC, microseconds.", &Sample::started_utc},
    {"status", "", "ok, timeout (killed at its deadline), crash (a process died) or invalid (it reported an error).",
     &Sample::status},
    {"error", "", "What went wrong, one line; empty when ok.", &Sample::error},
};

constexpr Column kMeasures[] = {
    {"makespan_ns", "ns", "First submit (first arrival, where tasks arrive) to the end of the last task or callback.",
     &Sample::makespan_ns},
    {"pool_start_ns", "ns", "Until every worker and parser was ready, before the clock ran.", &Sample::pool_start_ns},
    {"submit_ns", "ns", "From the first submit to the return of the last.", &Sample::submit_ns},
    {"pool_stop_ns", "ns", "Shutdown of the idle pool, parsers included, after the last callback.", &Sample::pool_stop_ns},
    {"longest_task_ns", "ns", "Longest measured task, its callback not included.", &Sample::longest_task_ns},
    {"sum_task_ns", "ns", "Sum of the measured tasks.", &Sample::sum_task_ns},
    {"callback_sum_ns", "ns", "Sum of the measured callbacks.", &Sample::callback_sum_ns},
    {"callback_max_ns", "ns", "Longest measured callback.", &Sample::callback_max_ns},
    {"queue_wait_p50_ns", "ns", "Submit to start of a task: median over the tasks (lower middle).", &Sample::queue_wait_p50_ns},
    {"queue_wait_p99_ns", "ns", "Submit to start of a task: 99th percentile (nearest rank).", &Sample::queue_wait_p99_ns},
    {"queue_wait_max_ns", "ns", "Submit to start of a task: the longest.", &Sample::queue_wait_max_ns},
    {"callback_lag_p50_ns", "ns", "End of a task to the start of its callback: median over the tasks (lower middle).",
     &Sample::callback_lag_p50_ns},
    {"callback_lag_p99_ns", "ns", "End of a task to the start of its callback: 99th percentile (nearest rank).",
     &Sample::callback_lag_p99_ns},
    {"callback_lag_max_ns", "ns", "End of a task to the start of its callback: the longest.", &Sample::callback_lag_max_ns},

    {"cpu_user_ns", "ns", "User CPU time from before the pool's start to after its stop, all processes.", &Sample::cpu_user_ns},
    {"cpu_sys_ns", "ns", "System CPU time, likewise.", &Sample::cpu_sys_ns},
    {"main_cpu_ns", "ns", "User and system CPU time of the main process alone, all its threads.", &Sample::main_cpu_ns},
    {"ctx_switches_voluntary", "count", "Context switches of a thread that had to wait, all processes.",
     &Sample::ctx_switches_voluntary},
    {"ctx_switches_involuntary", "count", "Context switches of a thread that was preempted, all processes.",
     &Sample::ctx_switches_involuntary},
    {"rss_peak_bytes", "bytes", "Sum of the peak resident sizes of the main process, the workers and the parsers.",
     &Sample::rss_peak_bytes},
    {"cgroup_throttled_ns", "ns", "Time for which the CPU quota of the control group stopped the repetition.",
     &Sample::cgroup_throttled_ns},
    {"load1", "", "1-minute load average of the machine when the repetition started.", &Sample::load1},
};

// Of layout 2 on.
constexpr Column kArrivalMeasures[] = {
    {"sojourn_mean_ns", "ns", "Intended arrival to the end of the callback (none: of the task): mean over all that were served.",
     &Sample::sojourn_mean_ns},
    {"sojourn_p50_ns", "ns", "The same: median (lower middle) over those served after the first tenth of the tasks.",
     &Sample::sojourn_p50_ns},
    {"sojourn_p95_ns", "ns", "Likewise: 95th percentile (nearest rank).", &Sample::sojourn_p95_ns},
    {"sojourn_p99_ns", "ns", "Likewise: 99th percentile (nearest rank).", &Sample::sojourn_p99_ns},
    {"sojourn_p999_ns", "ns", "Likewise: 99.9th percentile (nearest rank).", &Sample::sojourn_p999_ns},
    {"sojourn_max_ns", "ns", "Likewise: the longest.", &Sample::sojourn_max_ns},
    {"release_lag_p99_ns", "ns",
     "How late tasks were released, without what a full queue or a shared GIL made wait: 99th percentile.",
     &Sample::release_lag_p99_ns},
    {"release_lag_max_ns", "ns", "Likewise: the latest.", &Sample::release_lag_max_ns},
    {"rejected", "count", "Tasks that were rejected because the queue was full; they are in no time of the row.",
     &Sample::rejected},
    {"queue_max", "count", "The most tasks that waited at once: submitted, not rejected, and not begun.", &Sample::queue_max},
    {"completed_per_s", "1/s", "Tasks served, over the time from the first arrival to the last end.", &Sample::completed_per_s},
    {"clients_mean", "", "Tasks there at a time, from release to end, averaged over the same time.", &Sample::clients_mean},
    {.name = "late_by_deadline",
     .unit = "count",
     .description =
         "Of all that were served, those whose sojourn was longer than deadline_ns; they are in every time of the row.",
     .field = &Sample::late_by_deadline,
     .since = 4},
};

// Of each layout, oldest first.
std::array<std::vector<Column>, kLayout + 1> all_layouts() {
  std::vector<Column> columns(std::begin(kIdentity), std::end(kIdentity));
  for (const Factor& factor : all_factors()) {
    Column column{factor.name, factor.unit, factor.description,
                  std::visit([](const auto member) -> Field { return member; }, factor.field)};
    column.since = factor.since;
    columns.push_back(column);
  }
  columns.insert(columns.end(), std::begin(kMeasures), std::end(kMeasures));
  for (Column column : kArrivalMeasures) {
    column.since = std::max(column.since, 2);
    columns.push_back(column);
  }

  std::array<std::vector<Column>, kLayout + 1> layouts;
  for (int layout = 0; layout <= kLayout; ++layout) {
    std::vector<Column>& own = layouts[static_cast<std::size_t>(layout)] = columns;
    std::erase_if(own, [layout](const Column& column) { return column.since > layout; });
    own.front().least = own.front().most = layout < 2 ? 1 : kSchemaVersion;
  }
  return layouts;
}

}  // namespace

std::span<const Column> sample_columns(int layout) {
  static const std::array<std::vector<Column>, kLayout + 1> kLayouts = all_layouts();
  return kLayouts[static_cast<std::size_t>(layout)];
}

Sample sample_of(const Cell& cell) {
  Sample sample;
  sample.cell_id = cell.cell_id;
  static_cast<Factors&>(sample) = cell;
  return sample;
}

void measure(const Trace& trace, Sample& sample) {
  assert(!trace.tasks.empty());
  sample.makespan_ns = makespan_ns(trace);
  sample.pool_start_ns = trace.pool_start_ns;
  sample.submit_ns = trace.submit_ns;
  sample.pool_stop_ns = trace.pool_stop_ns;

  sample.longest_task_ns = sample.sum_task_ns = sample.callback_sum_ns = sample.callback_max_ns = 0;
  std::vector<std::int64_t> queue_waits;
  std::vector<std::int64_t> callback_lags;
  queue_waits.reserve(trace.tasks.size());
  callback_lags.reserve(trace.tasks.size());
  for (const TaskTrace& task : trace.tasks) {
    if (task.rejected) continue;
    const std::int64_t task_ns = task.finished_ns - task.started_ns;
    sample.longest_task_ns = std::max(sample.longest_task_ns, task_ns);
    sample.sum_task_ns += task_ns;
    queue_waits.push_back(task.started_ns - task.submitted_ns);
    if (task.callback_started_ns == kNoStamp) continue;
    const std::int64_t callback_ns = task.callback_finished_ns - task.callback_started_ns;
    sample.callback_max_ns = std::max(sample.callback_max_ns, callback_ns);
    sample.callback_sum_ns += callback_ns;
    callback_lags.push_back(task.callback_started_ns - task.finished_ns);
  }
  sample.queue_wait_p50_ns = nearest_rank(queue_waits, 500);
  sample.queue_wait_p99_ns = nearest_rank(queue_waits, 990);
  sample.queue_wait_max_ns = nearest_rank(queue_waits, 1000);
  sample.callback_lag_p50_ns = nearest_rank(callback_lags, 500);
  sample.callback_lag_p99_ns = nearest_rank(callback_lags, 990);
  sample.callback_lag_max_ns = nearest_rank(callback_lags, 1000);

  if (has_arrivals(trace)) measure_arrivals(trace, sample.deadline_ns, sample);

  sample.cpu_user_ns = trace.resources.cpu_user_ns;
  sample.cpu_sys_ns = trace.resources.cpu_sys_ns;
  sample.main_cpu_ns = trace.resources.main_cpu_ns;
  sample.ctx_switches_voluntary = trace.resources.ctx_switches_voluntary;
  sample.ctx_switches_involuntary = trace.resources.ctx_switches_involuntary;
  sample.rss_peak_bytes = trace.resources.rss_peak_bytes;
  sample.cgroup_throttled_ns = trace.resources.cgroup_throttled_ns;
}

}  // namespace harness
