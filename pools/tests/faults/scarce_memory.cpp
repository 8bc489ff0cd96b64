// A host whose operator new fails, at random but on the supervisors of its pools and on the thread of their output only: what a death, a retry, a priority or an end needs is
// there all the same, the host lives and every future ends.

#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/failing_new.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

std::atomic<std::uint32_t> scarcity{0};  // of 1024 allocations on such a thread so many fail
std::atomic<std::uint64_t> refused{0};

bool is_short_of_memory() noexcept {
  enum class Kind : char { unknown, short_of_memory, other };
  static thread_local Kind kind = Kind::unknown;  // a thread has its name before it allocates
  if (kind == Kind::unknown) {
    char name[17] = {};
    ::prctl(PR_GET_NAME, name, 0, 0, 0);
    const bool is = std::strstr(name, "_supervisor") != nullptr || std::strcmp(name, "pools_output") == 0;
    kind = is ? Kind::short_of_memory : Kind::other;
  }
  return kind == Kind::short_of_memory;
}

}  // namespace
}  // namespace pools::faults

bool pools::test::fail_allocation() noexcept {
  const std::uint32_t rate = faults::scarcity.load(std::memory_order_relaxed);
  if (rate == 0 || !faults::is_short_of_memory()) return false;
  static thread_local std::uint32_t state = 0x9e3779b9;  // one thread after the other, each with the same dice
  state ^= state << 13, state ^= state >> 17, state ^= state << 5;
  if (state % 1024 >= rate) return false;
  faults::refused.fetch_add(1, std::memory_order_relaxed);
  return true;
}

namespace pools::faults {
namespace {

using namespace std::chrono_literals;

struct Outcome {
  int values = 0;
  int deaths = 0;
  int broken = 0;
  int others = 0;  // what there was no memory to decode
};

Outcome one_round(std::uint32_t rate) {
  Outcome outcome;
  ProcessPool pool({.workers = 3,
                    .retry = {.retries = 1, .backoff = 1ms},
                    .crash_limit = 0,
                    .kill_gap = 10ms,
                    .max_payload = std::uint64_t{1} << 30});
  pool.start_all();
  scarcity = rate;
  std::vector<Future<std::string>> futures;
  std::vector<Future<int>> deaths;
  for (int task = 0; task < 60; ++task) {
    try {
      futures.push_back(pool.with({.priority = task % 7 - 3}).submit<&test::repeat>(std::string(100, 'x'), 10));
      if (task % 4 == 0) deaths.push_back(pool.with({.priority = task % 5, .retries = task % 3}).submit<&die_of>(SIGKILL));
      if (task % 6 == 0) deaths.push_back(pool.submit<&die_of>(SIGSEGV));
    } catch (const BrokenPoolError&) {
      ++outcome.broken;
    }
  }
  const auto take = [&](const auto& future) {
    try {
      future.result();
      ++outcome.values;
    } catch (const WorkerDied&) {
      ++outcome.deaths;
    } catch (const BrokenPoolError&) {
      ++outcome.broken;
    } catch (const std::bad_alloc&) {
      ++outcome.others;
    }
  };
  for (const auto& future : futures) take(future);
  for (const auto& future : deaths) take(future);
  pool.shutdown();
  scarcity = 0;
  expect_balance(pool);
  return outcome;
}

int write_lines(int lines) {
  for (int line = 0; line < lines; ++line)
    std::fprintf(stderr, "line %d of a worker whose words nobody can keep, longer than a string without memory\n", line);
  return lines;
}

// Words are lost, and nothing else.
POOLS_FAULT_REPEATED(output_without_memory, 1) {
  const ErrorHook before = set_error_hook([](std::string_view, const std::exception_ptr&) noexcept {});
  for (const std::uint32_t rate : {1024U, 300U, 30U}) {
    ProcessPool pool({.workers = 2, .name_prefix = "loud", .output = WorkerOutput::tagged});
    pool.start_all();
    scarcity = rate;
    int lines = 0;
    for (int task = 0; task < 20; ++task) lines += pool.submit<&write_lines>(5).result();
    FAULT_EXPECT_EQ(lines, 100);
    pool.shutdown();
    scarcity = 0;
    expect_balance(pool);
  }
  set_error_hook(before);
}

POOLS_FAULT_REPEATED(supervisor_without_memory, 1) {
  const ErrorHook before = set_error_hook([](std::string_view, const std::exception_ptr&) noexcept {});  // it would be told much
  Outcome all;
  for (const std::uint32_t rate : {20U, 100U, 300U, 1024U, 50U, 500U}) {
    const Outcome outcome = one_round(rate);
    all.values += outcome.values;
    all.deaths += outcome.deaths;
  }
  set_error_hook(before);
  FAULT_EXPECT(refused > 0);
  FAULT_EXPECT(all.values > 0 && all.deaths > 0);
}

}  // namespace
}  // namespace pools::faults
