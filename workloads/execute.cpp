#include <sys/types.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "workloads/clock.h"
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
    if (all[kind] == &workload) {
      work.kind = kind;
      return work;
    }
  }
  throw std::invalid_argument("the workload '" + std::string(workload.name()) + "' is not in the catalogue");
}

Outcome execute(const Work& work, const RunContext& context, std::string_view input) {
  const auto all = catalogue();
  if (work.kind >= all.size()) {
    throw std::runtime_error("no workload of kind " + std::to_string(work.kind) + "; there are " + std::to_string(all.size()));
  }
  Outcome outcome;
  outcome.pid = ::getpid();
  outcome.tid = ::gettid();
  const std::int64_t cpu_before_ns = thread_cpu_ns();
  outcome.started_ns = monotonic_ns();
  Workload::Product product = all[work.kind]->run(work, context, input);
  outcome.finished_ns = monotonic_ns();
  outcome.cpu_ns = thread_cpu_ns() - cpu_before_ns + product.children_cpu_ns;
  outcome.digest = product.digest;
  outcome.body = std::move(product.body);
  return outcome;
}

Work without_wait(Work work) {
  work.wait_ns = 0;
  return work;
}

}  // namespace workloads
