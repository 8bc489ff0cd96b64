// Event loops beside pools: what needs no size, what serialises, what loses; and the pool behind Node's asynchronous calls.

#include <fmt/core.h>

#include <algorithm>

#include "harness/model/simulate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

std::int64_t longest_of(const model::Case& c) {
  std::int64_t longest = 0;
  for (const model::Demand& task : c.tasks) longest = std::max(longest, task.service_ns());
  return longest;
}

// That all wait at the same time, however few threads there are.
model::ClosedForm all_at_once(const model::Case& c) {
  const std::int64_t value = longest_of(c);
  const std::int64_t makespan = model::simulate(c).makespan_ns;
  model::ClosedForm form{
      .formula = "longest", .in_domain = value == makespan, .violated = "", .value_ns = value, .binding_term = ""};
  if (!form.in_domain) {
    form.violated = fmt::format("n = {} tasks hold k = {} threads while they wait: {} instead of {}", c.tasks.size(), c.workers,
                                model::duration_text(makespan), model::duration_text(value));
  }
  return form;
}

model::ClosedForm one_after_another(const model::Case& c) {
  std::int64_t sum = 0;
  for (const model::Demand& task : c.tasks) sum += task.service_ns();
  return {.formula = "sum", .in_domain = true, .violated = "", .value_ns = sum, .binding_term = ""};
}

ClaimCell same(std::string_view backend, int workers, bool per_core, std::string_view workload, std::size_t tasks,
               std::int64_t ms) {
  return {.backend = backend,
          .workers = workers,
          .strategy = "none",
          .tasks_ms = times(tasks, ms),
          .callbacks_ms = times(tasks, 0),
          .workload = workload,
          .per_core = per_core};
}

}  // namespace

std::vector<Claim> event_loop_claims() {
  return {
      formula_claim("loop_no_size", "event loop: one thread, any number of tasks that wait: total = longest task", "",
                    "tasks wait", all_at_once, same("coroutine", 1, false, "sleep", 200, 80)),
      formula_claim("loop_blocking", "event loop: a call that blocks inside a coroutine serialises: total = sum of the tasks", "",
                    "tasks block", one_after_another, same("coroutine", 1, false, "blocking_sleep", 3, 40)),
      // W/C = 39: for each core 40 threads would keep it busy, and cores*5 leave it idle for seven eighths of the time.
      loses_nothing("loop_waiting", "W/C 39: an event loop with a thread per core needs no size, and loses nothing to any pool",
                    "", "tasks wait",
                    {same("coroutine", 1, true, "mixed:39", 40, 80), same("thread", 40, false, "mixed:39", 40, 80),
                     same("thread", 5, true, "mixed:39", 40, 80), same("thread", 4, false, "mixed:39", 40, 80)}),
      loses_nothing("loop_computing", "CPU: one event loop is as good as a pool of threads", "", "one core",
                    {same("coroutine", 1, false, "spin", 16, 10), same("thread", 1, true, "spin", 16, 10)}),
      loses_nothing("loop_io_uring", "sockets: an event loop on io_uring loses nothing to one on epoll", "", "always",
                    {same("io_uring", 1, false, "tcp_echo", 20, 60), same("coroutine", 1, false, "tcp_echo", 20, 60),
                     same("thread", 10, false, "tcp_echo", 20, 60)}),
      loses_nothing("loop_epoll", "sockets: an event loop on epoll loses nothing to one on io_uring", "", "always",
                    {same("coroutine", 1, false, "tcp_echo", 20, 60), same("io_uring", 1, false, "tcp_echo", 20, 60),
                     same("thread", 10, false, "tcp_echo", 20, 60)}),
      loses_nothing("loop_asyncio", "Python: asyncio on one thread loses nothing to a pool with a thread for every task", "",
                    "tasks wait",
                    {same("cpython_asyncio", 1, false, "sleep", 20, 60), same("cpython_thread", 20, false, "sleep", 20, 60),
                     same("cpython_thread", 4, false, "sleep", 20, 60)}),
      formula_claim("libuv_four", "libuv, as Node has it with its four threads: asynchronous calls all wait at once", "",
                    "n <= k", all_at_once, same("libuv", 4, false, "sleep", 12, 60)),
      formula_claim("libuv_sized", "libuv with UV_THREADPOOL_SIZE = n: asynchronous calls all wait at once", "", "n <= k",
                    all_at_once, same("libuv", 12, false, "sleep", 12, 60)),
  };
}

}  // namespace harness
