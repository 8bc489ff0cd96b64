// soak [--seconds N] [--seed S] [--json FILE]: exit code 0 if nothing was lost.

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>

#include "pools/errors.h"
#include "pools/process_pool.h"
#include "pools/src/process/os/spawn.h"
#include "pools/tests/soak/chaos.h"

namespace pools::soak {

void check_ends(const PoolMetrics& m, const Ends& ends, const char* pool, Tally& tally, Violations& violations) {
  check_balance(m, pool, violations);
  if (m.submitted != ends.accepted || m.done != ends.done || m.failed != ends.failed || m.cancelled != ends.cancelled ||
      m.queued + m.running != 0) {
    violations.add(fmt::format(
        "{}: {} accepted, {} done, {} failed, {} cancelled; but the pool counts {}, {}, {}, {} and {} that wait or run", pool,
        ends.accepted, ends.done, ends.failed, ends.cancelled, m.submitted, m.done, m.failed, m.cancelled, m.queued + m.running));
  }
  tally.tasks += m.submitted;
  tally.done += m.done;
  tally.failed += m.failed;
  tally.cancelled += m.cancelled;
  tally.crashed += m.crashed;
  tally.respawned += m.respawned;
  tally.retried += m.retried;
}

namespace {

std::ptrdiff_t entries_of(const char* directory) {
  const std::filesystem::directory_iterator entries(directory);
  return std::distance(begin(entries), end(entries));
}

// What a pool must leave as it was.
struct Surroundings {
  std::ptrdiff_t descriptors = entries_of("/proc/self/fd");
  std::ptrdiff_t threads = entries_of("/proc/self/task");

  void check_same(Violations& violations) const {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD)
      violations.add("a pool has left a process");
    // A joined thread may still be listed for a moment.
    const auto limit = Clock::now() + std::chrono::seconds(10);
    while (Surroundings().threads > threads && Clock::now() < limit) std::this_thread::yield();
    const Surroundings now;
    if (now.descriptors != descriptors)
      violations.add(fmt::format("{} descriptors before a pool, {} after it", descriptors, now.descriptors));
    if (now.threads > threads) violations.add(fmt::format("{} threads before a pool, {} after it", threads, now.threads));
  }
};

nlohmann::json json_of(const Tally& tally) {
  return {{"pools", tally.pools},
          {"tasks", tally.tasks},
          {"done", tally.done},
          {"failed", tally.failed},
          {"cancelled", tally.cancelled},
          {"refused", tally.refused},
          {"kills", tally.kills},
          {"pools_broken", tally.broken},
          {"workers_crashed", tally.crashed},
          {"workers_respawned", tally.respawned},
          {"retries", tally.retried},
          {"resizes", tally.resizes},
          {"pauses", tally.pauses},
          {"metrics_checked", tally.looks},
          {"forks", tally.forks},
          {"stops", tally.stops},
          {"shortages", tally.shortages}};
}

void print(const char* name, const Tally& tally) {
  fmt::print("{:<10} {:>7} pools  {:>10} tasks: {} done, {} failed, {} cancelled; {} refused\n", name, tally.pools, tally.tasks,
             tally.done, tally.failed, tally.cancelled, tally.refused);
  fmt::print(
      "{:<10} {} resizes, {} pauses, {} kills, {} pools broken; {} workers crashed, {} replaced, {} retries; metrics balanced {} times\n",
      "", tally.resizes, tally.pauses, tally.kills, tally.broken, tally.crashed, tally.respawned, tally.retried, tally.looks);
  fmt::print("{:<10} {} forks of this process, {} stops of workers and guards, {} shortages of memory and threads\n", "",
             tally.forks, tally.stops, tally.shortages);
}

int soak(int argc, char** argv) {
  double seconds = 60;
  std::uint64_t seed = std::random_device{}();
  std::string json;
  CLI::App app("Random tasks, payloads, cancellations, kills, resizes and pauses against both pools");
  app.add_option("--seconds", seconds, "how long, about")->check(CLI::PositiveNumber);
  app.add_option("--seed", seed, "of everything that is random but the timing");
  app.add_option("--json", json, "where to write the figures");
  CLI11_PARSE(app, argc, argv);

  fmt::print("soak: seed {}, {} s\n", seed, seconds);
  std::fflush(stdout);
  // Workers die here by the thousand: what the pools say about each would hide the report.
  set_error_hook([](std::string_view, const std::exception_ptr&) noexcept {});
  detail::post_to_spawner([] {});  // the thread that spawns stays
  Random random(seed);
  Violations violations;
  Tally threads;
  Tally processes;
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const Surroundings before;
  while (Clock::now() < end && violations.count() == 0) {
    shake_processes(random, std::min(end, Clock::now() + std::chrono::milliseconds(100 + pick(random, 1500))), processes,
                    violations);
    before.check_same(violations);
    shake_threads(random, std::min(end, Clock::now() + std::chrono::milliseconds(50 + pick(random, 500))), threads, violations);
    before.check_same(violations);
  }
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  print("threads", threads);
  print("processes", processes);
  if (!json.empty()) {
    std::ofstream(json) << nlohmann::json{{"seed", seed},
                                          {"seconds", took},
                                          {"violations", violations.count()},
                                          {"threads", json_of(threads)},
                                          {"processes", json_of(processes)}}
                               .dump(2)
                        << "\n";
  }
  if (violations.count() > 0) {
    fmt::print("{} violations:\n{}", violations.count(), violations.text());
    return 1;
  }
  fmt::print("nothing was lost in {:.0f} s\n", took);
  return 0;
}

}  // namespace
}  // namespace pools::soak

int main(int argc, char** argv) {
  pools::init(argc, argv);
  return pools::soak::soak(argc, argv);
}
