// map against a loop of submits, and what chunksize does to it. Results are parsed by the caller as they come, in submission
// order.

#include "harness/model/simulate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

constexpr std::string_view kMap = "map(func, *iterables, timeout=None, chunksize=1) # 取代for循环submit的操作";

// What the same tasks take when a loop submits them.
model::ClosedForm as_a_loop(const model::Case& c) {
  model::Case loop = c;
  loop.strategy = model::Strategy::collect;
  const std::int64_t value = model::simulate(loop).makespan_ns;
  const std::int64_t makespan = model::simulate(c).makespan_ns;
  std::string violated;
  if (makespan != value) {
    const auto jobs = (static_cast<std::int64_t>(c.tasks.size()) + c.chunksize - 1) / c.chunksize;
    violated = "chunksize s = " + std::to_string(c.chunksize) + " > 1 makes n = " + std::to_string(c.tasks.size()) + " tasks " +
               std::to_string(jobs) + " jobs for k = " + std::to_string(c.workers) +
               " workers: " + model::duration_text(makespan) + " instead of " + model::duration_text(value);
  }
  return {.formula = "as submitted in a loop",
          .in_domain = violated.empty(),
          .violated = std::move(violated),
          .value_ns = value,
          .binding_term = ""};
}

constexpr std::string_view kMapDomain = "chunksize 1, or a thread pool";

}  // namespace

std::vector<Claim> map_claims() {
  return {
      formula_claim("submit_loop", "thread pool: submit in a loop, results in submission order", kMap, "always", exact,
                    {"thread", 2, "collect", 0, times(4, 60), times(4, 30)}),
      formula_claim("map_threads", "thread pool: map takes as long as a loop of submits", kMap, kMapDomain, as_a_loop,
                    {"thread", 2, "map", 0, times(4, 60), times(4, 30)}),
      formula_claim("map_threads_chunks", "thread pool: map takes as long as a loop of submits, chunksize 2", kMap, kMapDomain,
                    as_a_loop, {"thread", 2, "map", 0, times(4, 60), times(4, 30), 2}),
      formula_claim("map_processes", "process pool: map takes as long as a loop of submits", kMap, kMapDomain, as_a_loop,
                    {"process", 2, "map", 0, times(4, 60), times(4, 30)}),
      formula_claim("map_processes_chunks", "process pool: map takes as long as a loop of submits, chunksize 2", kMap, kMapDomain,
                    as_a_loop, {"process", 2, "map", 0, times(4, 60), times(4, 30), 2}),
  };
}

}  // namespace harness
