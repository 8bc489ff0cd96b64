// Pools that size themselves: what the arithmetic says comes about, and ends when it is to.

#include "pools/src/base/sizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "pools/cores.h"
#include "pools/errors.h"
#include "pools/process_pool.h"
#include "pools/src/base/worker_count.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/in_fork.h"
#include "pools/tests/process_checks.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

bool has_sizer() { return has_thread("pool_sizer"); }

class SizerOf : public ProcessTest {
 protected:
  std::atomic<int> looks{0};
  std::atomic<bool> busy{true};
  std::atomic<int> refusals{0};
  std::atomic<bool> over{false};
  std::atomic<int> size{2};
  detail::Sizer sizer{"pool_sizer",
                      {.measure =
                           [this](detail::WorkMeter& meter) {
                             ++looks;  // all of its workers wait
                             for (int worker = 1; worker <= size; ++worker) meter.add(worker, true, {});
                           },
                       .tasks = [this] { return PoolMetrics{.queued = 100, .running = static_cast<std::uint64_t>(size)}; },
                       .has_task = [this] { return busy.load(); },
                       .set_size =
                           [this](int workers) {
                             if (over) throw ShutdownError();
                             if (refusals-- > 0) throw std::system_error(EAGAIN, std::generic_category());
                             size = workers;
                           },
                       .size = [this] { return size.load(); }}};

  void start() {
    sizer.period = 1ms;
    sizer.cores = [] { return 2; };
    sizer.start({.min = 1, .max = 64}, 2);
  }
};

TEST_F(SizerOf, a_pool_looks_while_a_task_runs_and_again_when_one_has_begun) {
  start();
  for (int round = 0; round < 20; ++round) {
    busy = false;
    busy = true;
    sizer.task_began();
    const int before = looks;
    wait_until([&] { return looks > before + 2; });
  }
  sizer.stop();
  EXPECT_FALSE(has_sizer());
  EXPECT_FALSE(sizer.metrics());
}

TEST_F(SizerOf, a_pool_that_is_told_of_a_task_while_it_falls_asleep_does_not_miss_it) {
  for (int round = 0; round < 200; ++round) {
    busy = false;
    start();
    const int before = looks;
    busy = true;
    sizer.task_began();
    wait_until([&] { return looks > before + 1; });
  }
  sizer.stop();
}

TEST_F(SizerOf, a_pool_that_refuses_a_size_goes_on_from_what_there_is) {
  refusals = 3;
  start();
  wait_until([&] { return size == 64; });
  sizer.stop();
}

TEST_F(SizerOf, a_pool_that_has_ended_ends) {
  over = true;
  start();
  wait_until([] { return !has_sizer(); });
  sizer.stop();
}

TEST_F(SizerOf, a_pool_without_a_task_stops_at_once) {
  busy = false;
  start();
  wait_until([&] { return looks > 0; });
  sizer.stop();
  EXPECT_FALSE(has_sizer());
  sizer.stop();
}

class SizedPools : public ProcessTest {};

template <class Pool>
class SelfSizing_ : public ProcessTest {};
using BothPools = testing::Types<ThreadPool, ProcessPool>;
TYPED_TEST_SUITE(SelfSizing_, BothPools);

template <class Pool>
OptionsOf<Pool> self_sized(int min, int max) {
  OptionsOf<Pool> options;
  options.workers = self_sizing{.min = min, .max = max};
  return options;
}

TYPED_TEST(SelfSizing_, gives_tasks_that_wait_a_worker_each) {
  Gate gate;
  TypeParam pool(self_sized<TypeParam>(1, 24));
  EXPECT_EQ(pool.workers(), std::clamp(usable_cores().count, 1, 24));
  std::vector<Future<int>> futures;
  for (int task = 0; task < 12; ++task) futures.push_back(pool.template submit<&pass_and_return>(gate.name(), task));
  gate.await(12);  // all at once
  gate.open();
  for (int task = 0; task < 12; ++task) EXPECT_EQ(futures[static_cast<std::size_t>(task)].result(), task);
  const PoolMetrics metrics = pool.metrics();
  ASSERT_TRUE(metrics.sizing);
  EXPECT_EQ(metrics.sizing->workers, pool.workers());
  EXPECT_GE(metrics.sizing->workers, 12);
  EXPECT_GE(metrics.sizing->changes, 1U);
  EXPECT_GT(metrics.sizing->waited, 0ns);
  expect_balance(pool);
}

TYPED_TEST(SelfSizing_, keeps_its_bounds) {
  Gate gate;
  TypeParam pool(self_sized<TypeParam>(3, 5));
  EXPECT_EQ(pool.workers(), std::clamp(usable_cores().count, 3, 5));
  std::vector<Future<int>> futures;
  for (int task = 0; task < 9; ++task) futures.push_back(pool.template submit<&pass_and_return>(gate.name(), task));
  gate.await(5);
  EXPECT_EQ(pool.workers(), 5);
  EXPECT_EQ(pool.metrics().queued, 4U);
  gate.open();
  for (const auto& future : futures) future.result();
}

TYPED_TEST(SelfSizing_, refuses_bounds_that_are_none) {
  POOLS_EXPECT_THROW_WHAT(TypeParam(self_sized<TypeParam>(0, 5)), std::invalid_argument,
                          "a pool that sizes itself needs at least 1 worker: its min is 0");
  TypeParam pool{1};
  POOLS_EXPECT_THROW_WHAT(pool.resize(self_sizing{.min = 4, .max = 3}), std::invalid_argument,
                          "a pool that sizes itself has a max of 3; allowed: its min, 4, and more");
  EXPECT_EQ(pool.workers(), 1);
  EXPECT_FALSE(has_sizer());
}

TYPED_TEST(SelfSizing_, begins_and_ends_by_a_resize_also_under_way) {
  Gate gate;
  TypeParam pool{1};
  EXPECT_FALSE(pool.metrics().sizing);
  std::vector<Future<int>> futures;
  for (int task = 0; task < 6; ++task) futures.push_back(pool.template submit<&pass_and_return>(gate.name(), task));
  gate.await(1);
  pool.resize(self_sizing{.min = 2, .max = 24});
  wait_until([] { return has_sizer(); });
  gate.await(5);
  pool.resize(3);
  EXPECT_FALSE(has_sizer());
  EXPECT_FALSE(pool.metrics().sizing);
  EXPECT_EQ(pool.workers(), 3);
  pool.resize(self_sizing{});
  pool.resize(automatic);
  EXPECT_FALSE(has_sizer());
  gate.open();
  for (const auto& future : futures) future.result();
  pool.resize(self_sizing{});
  pool.shutdown();
  EXPECT_FALSE(has_sizer());
  EXPECT_THROW(pool.resize(self_sizing{}), ShutdownError);
  EXPECT_FALSE(has_sizer());
}

TYPED_TEST(SelfSizing_, counts_tasks_that_had_begun_before_it_was_asked_for) {
  Gate gate;
  TypeParam pool{8};
  std::vector<Future<int>> futures;
  for (int task = 0; task < 12; ++task) futures.push_back(pool.template submit<&pass_and_return>(gate.name(), task));
  gate.await(8);
  pool.resize(self_sizing{.min = 8, .max = 24});
  gate.await(4);
  gate.open();
  for (const auto& future : futures) future.result();
}

TYPED_TEST(SelfSizing_, goes_on_after_a_pause_and_after_tasks_that_throw) {
  TypeParam pool(self_sized<TypeParam>(1, 16));
  Gate gate;
  std::vector<Future<int>> futures;
  for (int task = 0; task < 20; ++task) {
    const auto failed = pool.template submit<&fail>(std::to_string(task));
    EXPECT_THROW(failed.result(), std::exception);
  }
  pool.pause();
  for (int task = 0; task < 8; ++task) futures.push_back(pool.template submit<&pass_and_return>(gate.name(), task));
  pool.resume();
  gate.await(8);
  gate.open();
  for (const auto& future : futures) future.result();
  EXPECT_EQ(pool.metrics().failed, 20U);
}

TYPED_TEST(SelfSizing_, survives_whatever_else_is_done_to_the_pool) {
  for (int round = 0; round < 10; ++round) {
    TypeParam pool(self_sized<TypeParam>(1, 6));
    std::vector<Future<int>> futures;
    for (int task = 0; task < 40; ++task) {
      futures.push_back(pool.template submit<&identity>(task));
      if (task % 10 == 3) pool.resize(1 + task % 4);
      if (task % 10 == 5) pool.resize(self_sizing{.min = 1, .max = 6});
      if (task % 10 == 7) pool.pause();
      if (task % 10 == 9) pool.resume();
    }
    if (round % 2 == 0) {
      for (int task = 0; task < 40; ++task) EXPECT_EQ(futures[static_cast<std::size_t>(task)].result(), task);
    } else {
      pool.shutdown({.wait = round % 4 == 1, .cancel_futures = true});
    }
  }
  EXPECT_FALSE(has_sizer());
}

TYPED_TEST(SelfSizing_, is_not_there_in_a_fork) {
  TypeParam pool(self_sized<TypeParam>(1, 4));
  EXPECT_EQ(pool.template submit<&square>(3).result(), 9);
  const pid_t child = fork_that([&] {
    if (pool.metrics().sizing || pool.workers() != 0) throw std::runtime_error("it is there");
    EXPECT_THROW(pool.resize(self_sizing{}), Error);
    if (testing::Test::HasFailure()) throw std::runtime_error("it can be resized");
    pool.shutdown();
  });
  EXPECT_EQ(exit_status(child), 0);
  EXPECT_EQ(pool.template submit<&square>(4).result(), 16);
}

TEST_F(SizedPools, may_be_resized_and_destroyed_by_their_own_tasks) {
  for (int round = 0; round < 20; ++round) {
    auto* const pool = new ThreadPool(self_sized<ThreadPool>(1, 4));
    pool->submit([pool] { pool->resize(2); }).result();
    pool->submit([pool] { pool->resize(self_sizing{}); }).result();
    pool->submit([pool] { delete pool; }).result();
  }
  wait_until([] { return !has_sizer(); });
}

TEST(WorkerCountOf, options_is_a_number_none_or_bounds) {
  ThreadPoolOptions options;
  EXPECT_FALSE(options.workers);
  EXPECT_FALSE(options.workers.bounds());
  options.workers = 3;
  EXPECT_TRUE(options.workers.has_value());
  EXPECT_EQ(*options.workers, 3);
  options.workers = std::nullopt;
  EXPECT_EQ(options.workers.value_or(7), 7);
  options.workers = self_sizing{.max = 9};
  EXPECT_FALSE(options.workers);
  EXPECT_EQ(options.workers.bounds()->max, 9);
  options.workers = std::optional<int>(5);
  EXPECT_EQ(*options.workers, 5);
  EXPECT_FALSE(options.workers.bounds());
}

}  // namespace
}  // namespace pools::test
