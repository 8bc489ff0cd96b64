// CPU-bound work: processes, as many as cores; with and without a process-wide lock, which is what makes the advice true in
// Python.

#include <fmt/core.h>

#include <algorithm>

#include "harness/model/simulate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

constexpr std::string_view kProcesses = "2、当任务是计算密集型，应当使用进程池";
constexpr std::string_view kCores = "pool = ProcessPoolExecutor(4) # 这里参数是进程的个数，一般为计算机核数";

ClaimCell computing(std::string_view backend, int workers, bool per_core, std::string_view workload) {
  return {.backend = backend,
          .workers = workers,
          .strategy = "none",
          .tasks_ms = times(16, 10),
          .callbacks_ms = times(16, 0),
          .workload = workload,
          .per_core = per_core};
}

// That threads compute one at a time: as many as cores take as long as one. The rival: a core's share of it.
Claim threads_one_at_a_time(std::string_view id, std::string_view english, std::string_view workload) {
  Claim claim;
  claim.id = id;
  claim.english = english;
  claim.chinese = kProcesses;
  claim.domain = "one lock per process (a GIL)";
  claim.cells = {computing("thread", 1, true, workload), computing("thread", 1, false, workload),
                 computing("process", 1, true, workload)};
  claim.claimed = [](std::span<const Cell> cells) {
    const auto makespan = [&](std::size_t i) { return model::simulate(case_of(cells[i])).makespan_ns; };
    const std::int64_t difference = makespan(0) - makespan(1);
    Claimed claimed{"M(cores threads) - M(1 thread)", 0, difference, "", {{"as processes do", makespan(2) - makespan(1)}}};
    if (difference != 0) {
      claimed.violated =
          fmt::format("no lock is shared: k = {} threads compute on P = {} cores at once, as processes do: {} instead of {}",
                      cells[0].workers, cells[0].cores, model::duration_text(makespan(0)), model::duration_text(makespan(1)));
    }
    return claimed;
  };
  claim.measure = [](std::span<const Observation> round) {
    return round[0].measures->makespan_ns - round[1].measures->makespan_ns;
  };
  claim.facts = makespans_text;
  claim.is_formula = false;
  return claim;
}

}  // namespace

std::vector<Claim> cpu_claims() {
  Claim cores;
  cores.id = "cpu_cores";
  cores.english = "CPU: as many processes as cores; five times as many gain nothing";
  cores.chinese = kCores;
  cores.domain = "tasks only compute";
  cores.cells = {computing("process", 1, true, "spin"), computing("process", 5, true, "spin"),
                 computing("process", 1, false, "spin")};
  cores.claimed = [](std::span<const Cell> cells) {
    const auto makespan = [&](std::size_t i) { return model::simulate(case_of(cells[i])).makespan_ns; };
    return Claimed{
        "M(cores) - M(cores*5)", 0, makespan(0) - makespan(1), "", {{"as one process does", makespan(2) - makespan(0)}}};
  };
  cores.measure = [](std::span<const Observation> round) {
    return round[0].measures->makespan_ns - round[1].measures->makespan_ns;
  };
  cores.facts = makespans_text;
  cores.is_formula = false;
  return {
      threads_one_at_a_time("cpu_threads", "CPU: processes, because threads compute one at a time", "spin"),
      threads_one_at_a_time("cpu_threads_locked",
                            "CPU under a process-wide lock: processes, because threads compute one at a time", "gil_spin"),
      loses_nothing("cpu_processes", "CPU: a process pool is as good as any (threads, one process)", kProcesses, "tasks compute",
                    {computing("process", 1, true, "spin"), computing("thread", 1, true, "spin"),
                     computing("process", 1, false, "spin")}),
      loses_nothing("cpu_processes_locked",
                    "CPU under a process-wide lock: a process pool is as good as any (threads, one process)", kProcesses,
                    "tasks compute", {computing("process", 1, true, "gil_spin"), computing("thread", 1, true, "gil_spin")}),
      std::move(cores),
  };
}

}  // namespace harness
