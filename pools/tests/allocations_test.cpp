// A submit that finds no memory has submitted nothing.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>

#include "pools/cores.h"
#include "pools/process_pool.h"
#include "pools/src/process/os/oom_kills.h"
#include "pools/tests/failing_new.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"
#include "pools/thread_pool.h"

namespace {

constinit thread_local int left = -1;  // allocations of this thread that succeed; negative: all

}  // namespace

bool pools::test::fail_allocation() noexcept {
  if (left < 0 || left-- != 0) return false;
  left = -1;
  return true;
}

namespace pools::test {
namespace {

struct Attempt {
  bool failed = false;   // by std::bad_alloc
  bool reached = false;  // the allocation that was to fail
};
template <class Body>
Attempt try_with_allocation_failing(int number, Body body) {  // from 0, of this thread's
  Attempt attempt;
  left = number;
  try {
    body();
  } catch (const std::bad_alloc&) {
    attempt.failed = true;
  }
  attempt.reached = left < 0;
  left = -1;
  return attempt;
}

// Each allocation that `submit` makes on this thread fails once, the first one first; in the end all succeed. REQUIRES: nothing is started
template <class Pool, class Submit>
void expect_all_or_nothing(const Pool& pool, Submit submit) {
  const std::uint64_t before = pool.metrics().submitted;
  for (int fails_at = 0;; ++fails_at) {
    const auto [failed, reached] = try_with_allocation_failing(fails_at, [&] {
      const auto future = submit(fails_at);
      if (future.done()) future.result();  // arguments that cannot be encoded
    });
    const PoolMetrics metrics = pool.metrics();
    EXPECT_EQ(metrics.submitted, before + (failed ? 0U : 1U));
    EXPECT_EQ(metrics.submitted, metrics.queued + metrics.running + metrics.done + metrics.failed + metrics.cancelled);
    if (!failed) {
      EXPECT_FALSE(reached);  // none was swallowed
      return;
    }
  }
}

// The same of a look at something, which is repeated as a whole.
template <class Look>
void expect_found_or_no_memory(Look look) {
  int fails_at = 0;
  while (try_with_allocation_failing(fails_at, look).reached) ++fails_at;
}

class Allocations : public ProcessTest {};

// A container's group is the root: a path that ends in '/', unless somebody takes care.
TEST_F(Allocations, control_groups_are_looked_for_or_there_is_no_memory) {
  const TemporaryDirectory directory;
  for (const char* const groups : {"0::/\n4:cpu,cpuacct:/\n3:memory:/\n", "0::/a/b/\n4:cpu:/a/b\n3:memory:/a/b\n"}) {
    std::ofstream(directory.file("cgroup")) << groups;
    const auto proc_self = std::filesystem::path(directory.file("cgroup")).parent_path();
    expect_found_or_no_memory([&] { static_cast<void>(detail::usable_cores(2, proc_self, "/sys/fs/cgroup")); });
    expect_found_or_no_memory([&] { static_cast<void>(detail::OomKills(proc_self, "/sys/fs/cgroup", "/proc/vmstat").where()); });
  }
}

TEST_F(Allocations, a_submit_to_a_process_pool_that_finds_no_memory_has_submitted_nothing) {
  for (const bool timing : {false, true}) {
    Gate gate;
    ProcessPool pool({.workers = 1, .queue = {.limit = 10}, .timing = timing});
    const auto blocker = pool.submit<&pass_and_return>(gate.name(), 1);
    gate.await();
    expect_all_or_nothing(pool, [&](int value) { return pool.submit<&identity>(value); });
    // A priority that no task had before, each time.
    expect_all_or_nothing(pool, [&](int value) { return pool.with({.priority = 1 + value}).submit<&identity>(value); });
    expect_all_or_nothing(pool, [&](int value) { return pool.with({.priority = -1 - value}).submit<&identity>(value); });
    EXPECT_EQ(pool.metrics().queued, 3U);
    gate.open();
    blocker.result();
    pool.shutdown();
    EXPECT_EQ(pool.metrics().done, 4U);
  }
}

TEST_F(Allocations, a_submit_to_a_thread_pool_that_finds_no_memory_has_submitted_nothing) {
  ThreadPool pool({.workers = 1, .queue = {.limit = 2, .when_full = WhenFull::reject}});
  pool.start_all();
  pool.pause();
  expect_all_or_nothing(pool, [&](int) { return pool.with({.priority = 2}).submit([] {}); });
  expect_all_or_nothing(pool, [&](int) { return pool.with({.start_by = std::chrono::hours(1)}).submit([] {}); });
  EXPECT_THROW(pool.submit([] {}), QueueFullError);  // both places are taken, and neither was before
  pool.resume();
  pool.shutdown();
  EXPECT_EQ(pool.metrics().done, 2U);
}

}  // namespace
}  // namespace pools::test
