#include <sys/types.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "workloads/async.h"
#include "workloads/clock.h"
#include "workloads/event_loop.h"
#include "workloads/work.h"

namespace workloads {

Work make_work(const Workload& workload, const Request& request, const Calibration& calibration) {
  if (request.duration.count() < 0) {
    throw std::invalid_argument(std::string(workload.name()) + ": a duration of " + std::to_string(request.duration.count()) +
                                " ns; allowed: 0 and more");
  }
  Work work = workload.make(request, calibration);
  const auto all = catalogue();
  for (std::uint32_t kind = 0; kind < all.size(); ++kind) {
    if (all[kind] == &workload.in_catalogue()) {
      work.kind = kind;
      return work;
    }
  }
  throw std::invalid_argument("the workload '" + std::string(workload.name()) + "' is not in the catalogue");
}

namespace {

const Workload& workload_of(const Work& work) {
  const auto all = catalogue();
  if (work.kind >= all.size()) {
    throw std::runtime_error("no workload of kind " + std::to_string(work.kind) + "; there are " + std::to_string(all.size()));
  }
  return *all[work.kind];
}

// On this thread.
Outcome ended(std::int64_t started_ns, std::int64_t finished_ns, std::int64_t cpu_ns, Workload::Product product) {
  Outcome outcome;
  outcome.pid = ::getpid();
  outcome.tid = ::gettid();
  outcome.started_ns = started_ns;
  outcome.finished_ns = finished_ns;
  outcome.cpu_ns = cpu_ns + product.children_cpu_ns;
  outcome.delayed_ns = product.children_delayed_ns;
  outcome.digest = product.digest;
  outcome.body = std::move(product.body);
  return outcome;
}

}  // namespace

Outcome execute(const Work& work, const RunContext& context, std::string_view input) {
  const Workload& workload = workload_of(work);
  const std::int64_t cpu_before_ns = thread_cpu_ns();
  const std::int64_t started_ns = monotonic_ns();
  Workload::Product product = workload.run(work, context, input);
  const std::int64_t finished_ns = monotonic_ns();
  return ended(started_ns, finished_ns, thread_cpu_ns() - cpu_before_ns, std::move(product));
}

Async<Outcome> execute_on(EventLoop& loop, Work work, const RunContext& context, std::string_view input) {
  const Workload& workload = workload_of(work);
  OnLoop on(loop);
  const std::int64_t started_ns = monotonic_ns();
  Workload::Product product = co_await workload.run_on(on, work, context, input);
  const std::int64_t finished_ns = monotonic_ns();
  co_return ended(started_ns, finished_ns, on.cpu_ns(), std::move(product));
}

Async<Workload::Product> Workload::run_on(OnLoop& /*on*/, const Work& work, const RunContext& context,
                                          std::string_view input) const {
  co_return run(work, context, input);
}

Work without_wait(Work work) {
  work.wait_ns = 0;
  return work;
}

}  // namespace workloads
