#include "harness/core/factors.h"

namespace harness {
namespace {

constexpr Factor kFactors[] = {
    {"backend", "", "The executor under test.", &Factors::backend},
    {"workers", "count", "Threads or processes of the pool; of thread_per_task the number of tasks.", &Factors::workers},
    {"workers_spec", "", "The worker count as the suite wrote it, such as cores*5.", &Factors::workers_spec, InCellId::never},
    {"cores", "count", "Cores that the program may use: affinity and cgroup quota.", &Factors::cores},
    {"workload", "", "What a task does.", &Factors::workload},
    {"strategy", "", "Who runs the callbacks.", &Factors::strategy},
    {"parsers", "count", "Parser processes of the strategy extra; else 0.", &Factors::parsers},
    {"tasks", "count", "Number of tasks, and of callbacks unless the strategy is none.", &Factors::tasks},
    {"distribution", "", "How the tasks' durations are spread; explicit when the suite lists them.", &Factors::distribution},
    {"task_ns", "ns", "Scale of the tasks' durations; of an explicit list the longest.", &Factors::task_ns},
    {"callback_ns", "ns", "Scale of the callbacks' durations; of an explicit list the longest.", &Factors::callback_ns},
    {"payload_bytes", "bytes", "Size of a task's payload, page or file; 0 is the workload's own default.",
     &Factors::payload_bytes},
    {"chunksize", "count", "Consecutive tasks per job of the strategy map; else 1.", &Factors::chunksize},
    {"start_method", "",
     "How worker processes are started: exec, or what a driver says (CPython's fork); none where there are none.",
     &Factors::start_method},
    {"seed", "", "Everything random in the cell comes from it.", &Factors::seed},
    {"in_flight", "count", "Tasks that are under way at once at most, on an event loop; 0: any number.", &Factors::in_flight,
     InCellId::unless_default, 1},
    {"arrivals", "", "When tasks come: closed (all at once), constant:RATE, poisson:RATE, burst:N@PERIOD, trace:FILE.",
     &Factors::arrivals, InCellId::unless_default, 2},
    {"arrivals_spec", "", "The same as the suite wrote it, such as poisson:0.8*capacity.", &Factors::arrivals_spec,
     InCellId::never, 2},
    {"queue", "count", "Tasks that may wait for a worker, where tasks arrive; 0: any number.", &Factors::queue,
     InCellId::unless_default, 2},
    {"when_full", "", "What becomes of a task that finds so many waiting: block, reject, caller_runs; none without a bound.",
     &Factors::when_full, InCellId::unless_default, 2},
    {"callback_workload", "", "What is done with the result of one's own work: python:, command:, function:; else empty.",
     &Factors::callback_workload, InCellId::unless_default, 3},
    {"inputs", "", "What one's own work is done on, as the suite wrote it: a file, or numbers such as 1..60; else empty.",
     &Factors::inputs, InCellId::unless_default, 3},
    {"deadline_ns", "ns", "How long a client may be there, where tasks arrive; it is served all the same; 0: any time.",
     &Factors::deadline_ns, InCellId::unless_default, 4},
};

}  // namespace

std::span<const Factor> all_factors() { return kFactors; }

bool is_default(const Factor& factor, const Factors& factors) {
  static const Factors kUntouched;
  return std::visit([&](const auto member) { return factors.*member == kUntouched.*member; }, factor.field);
}

Factors without_arrivals(Factors factors) {
  const Factors batch;
  factors.arrivals = batch.arrivals;
  factors.arrivals_spec = batch.arrivals_spec;
  factors.queue = batch.queue;
  factors.when_full = batch.when_full;
  factors.deadline_ns = batch.deadline_ns;
  return factors;
}

bool arrives(const Factors& factors) { return factors.arrivals != "closed"; }

}  // namespace harness
