// Pools that follow the cores that there are: resize(automatic).

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "pools/cores.h"
#include "pools/errors.h"
#include "pools/process_pool.h"
#include "pools/src/base/cores_follower.h"
#include "pools/tests/expectations.h"
#include "pools/tests/process_checks.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

bool follows() { return has_thread("pool_cores"); }

class AutomaticSize : public ProcessTest {};

TEST_F(AutomaticSize, is_looked_at_again_and_again_and_told_when_it_has_changed) {
  const ErrorHookSpy hook;
  std::atomic<int> cores{4};
  std::mutex mutex;
  std::vector<int> told;
  std::atomic<int> failures{2};
  detail::CoresFollower follower("pool", [&](int count) {
    if (count == 3 && failures-- > 0) throw std::runtime_error("not now");
    const std::lock_guard lock(mutex);
    told.push_back(count);
  });
  const auto last = [&] {
    const std::lock_guard lock(mutex);
    return told.empty() ? 0 : told.back();
  };
  follower.count = [&] { return cores.load(); };
  follower.period = 1ms;
  follower.follow();
  EXPECT_EQ(last(), 4);
  for (const int count : {2, 3, 4}) {
    cores = count;
    wait_until([&] { return last() == count; });
  }
  follower.follow();
  cores = 1;
  wait_until([&] { return last() == 1; });
  bool resized = false;
  follower.instead([&] { resized = true; });
  EXPECT_TRUE(resized);
  wait_until([] { return !follows(); });
  cores = 2;
  follower.close();
  EXPECT_EQ(told, (std::vector<int>{4, 2, 3, 4, 4, 1}));
  EXPECT_EQ(hook.reports().size(), 1U);  // of two failures, one after the other
}

TEST_F(AutomaticSize, stays_as_it_is_while_the_cores_cannot_be_told) {
  std::atomic<int> looks{0};
  std::atomic<int> told{0};
  detail::CoresFollower follower("pool", [&](int) { ++told; });
  follower.count = [&] { return ++looks % 2 == 1 ? std::optional(2) : std::nullopt; };
  follower.period = 1ms;
  follower.follow();
  wait_until([&] { return looks >= 5; });
  follower.close();
  EXPECT_EQ(told, 1);
}

TEST_F(AutomaticSize, is_not_looked_at_any_more_once_the_pool_has_ended) {
  std::atomic<int> cores{4};
  detail::CoresFollower follower("pool", [&](int count) {
    if (count > 5) throw ShutdownError();
  });
  follower.count = [&] { return ++cores; };
  follower.period = 1ms;
  follower.follow();
  wait_until([] { return !follows(); });
}

TEST_F(AutomaticSize, is_not_followed_after_a_close_nor_where_the_first_change_fails) {
  detail::CoresFollower failing("pool", [](int) { throw BrokenPoolError("broken"); });
  EXPECT_THROW(failing.follow(), BrokenPoolError);
  EXPECT_FALSE(follows());
  detail::CoresFollower closed("pool", [](int) {});
  closed.close();
  closed.follow();
  EXPECT_FALSE(follows());
  EXPECT_THROW(closed.instead([] { throw std::runtime_error("no"); }), std::runtime_error);
}

// The hook is the user's, who may destroy the pool there: the thread cannot wait for its own end.
detail::CoresFollower* ended_by_the_hook = nullptr;

TEST_F(AutomaticSize, may_be_given_up_by_the_error_hook_on_the_thread_that_follows) {
  std::atomic<int> cores{4};
  std::atomic<int> calls{0};
  detail::CoresFollower follower("pool", [&](int) {
    if (++calls > 1) throw std::runtime_error("no threads");
  });
  follower.count = [&] { return ++cores; };
  follower.period = 1ms;
  ended_by_the_hook = &follower;
  const ErrorHook before =
      set_error_hook([](std::string_view, const std::exception_ptr&) noexcept { ended_by_the_hook->instead([] {}); });
  follower.follow();
  wait_until([&] { return calls >= 2 && !follows(); });
  set_error_hook(before);
  EXPECT_EQ(calls, 2);
}

// Each size is changed together with whether cores are followed: whoever is last decides both.
TEST_F(AutomaticSize, and_a_size_of_another_thread_leave_one_of_both) {
  std::atomic<int> cores{1};
  std::atomic<int> size{0};
  detail::CoresFollower follower("pool", [&](int count) { size = count; });
  follower.count = [&] { return cores.load(); };
  follower.period = 100us;
  const auto before = threads();
  for (int round = 0; round < 200; ++round) {
    std::thread other([&] { follower.follow(); });
    follower.instead([&] { size = 100; });
    cores = cores % 2 + 1;
    other.join();
    if (size == 100) {
      wait_until([&] { return threads() == before; });
    } else {
      wait_until([&] { return size == cores; });
    }
    follower.instead([] {});
  }
}

// The program's main thread, which this is.
void run_on(const cpu_set_t& cpus) { ASSERT_EQ(::sched_setaffinity(::getpid(), sizeof cpus, &cpus), 0); }

template <class Pool>
void expect_to_follow(int per_core) {
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  const int cores = usable_cores().count;
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  }
  if (cores == 1) GTEST_SKIP() << "there is one core only: nothing could change";
  Pool pool{7};
  std::thread([&] {  // whoever asks may be bound to a core: that is not the program
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    pool.resize(automatic);
  })
      .join();
  EXPECT_EQ(pool.workers(), cores * per_core);
  wait_until([] { return follows(); });  // the thread is named by itself
  run_on(one);
  wait_until([&] { return pool.workers() == per_core; });
  run_on(all);
  wait_until([&] { return pool.workers() == cores * per_core; });
  pool.resize(3);
  wait_until([] { return !follows(); });
  EXPECT_EQ(pool.workers(), 3);
  pool.resize(automatic);
  pool.resize(automatic);
  wait_until([] { return follows(); });  // the thread is named by itself
  EXPECT_EQ(pool.workers(), cores * per_core);
  pool.shutdown();
  wait_until([] { return !follows(); });
  EXPECT_THROW(pool.resize(automatic), ShutdownError);
  wait_until([] { return !follows(); });
}

TEST_F(AutomaticSize, of_a_thread_pool_follows_the_affinity_mask) { expect_to_follow<ThreadPool>(5); }
TEST_F(AutomaticSize, of_a_process_pool_follows_the_affinity_mask) { expect_to_follow<ProcessPool>(1); }

}  // namespace
}  // namespace pools::test
