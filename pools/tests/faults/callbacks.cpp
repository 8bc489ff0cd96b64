// Callbacks that throw, block, submit and shut down.

#include <atomic>
#include <csignal>
#include <latch>
#include <stdexcept>
#include <string>
#include <vector>

#include "pools/detail/futex.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/counted_reports.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

POOLS_FAULT(exception_in_a_callback) {
  const CountedReports hook;
  std::atomic<int> others_called{0};
  {
    BusyPool pool;
    for (int task = 0; task < 10; ++task) {
      const auto future =
          pool->submit_with_callback<&test::square>([](const Future<int>&) { throw std::runtime_error("in a callback"); }, task);
      future.add_done_callback([](const Future<int>&) { throw 42; });
      future.add_done_callback([&](const Future<int>&) { ++others_called; });
      FAULT_EXPECT_EQ(future.result(), task * task);
    }
    pool.finish();
  }
  FAULT_EXPECT_EQ(CountedReports::so_far(), 20);
  FAULT_EXPECT_EQ(others_called, 10);
}

POOLS_FAULT(callback_that_blocks) {
  detail::Parker door;
  std::atomic<int> called{0};
  BusyPool pool;
  const auto blocking = pool->submit_with_callback<&test::square>([&](const Future<int>&) { door.park(); }, 3);
  FAULT_EXPECT_EQ(blocking.result(), 9);
  // Callbacks wait in the order of completion; tasks, their results and deaths do not.
  const auto dead = pool->submit_with_callback<&die_of>([&](const Future<int>&) { ++called; }, SIGKILL);
  thrown_by<WorkerDied>([&] { dead.result(); });
  pool.others().await(100);
  FAULT_EXPECT_EQ(called, 0);
  door.unpark();
  pool.finish();
  FAULT_EXPECT_EQ(called, 1);
}

POOLS_FAULT(callback_that_submits_and_shuts_down) {
  ProcessPool pool({.workers = 3});
  Bystanders others(pool);
  others.await(10);
  std::atomic<int> ran{0};
  std::atomic<int> refused{0};
  std::latch called{1};
  const auto count = [&](const Future<int>&) { ++ran; };
  const auto first = pool.submit_with_callback<&die_of>(
      [&](const Future<int>&) {
        pool.submit_with_callback<&test::square>(count, 2);
        pool.shutdown({.wait = false});
        try {
          pool.submit_with_callback<&test::square>(count, 3);
        } catch (const ShutdownError&) {
          ++refused;
        }
        pool.shutdown();  // also one that waits: for everything but itself
        called.count_down();
      },
      SIGKILL);
  thrown_by<WorkerDied>([&] { first.result(); });
  const Bystanders::Outcome outcome = others.finish();
  FAULT_EXPECT_EQ(outcome.died + outcome.cancelled, 0U);
  called.wait();  // before that, a shutdown here might come first
  pool.shutdown();
  FAULT_EXPECT_EQ(ran, 1);
  FAULT_EXPECT_EQ(refused, 1);
  expect_balance(pool);
}

}  // namespace
}  // namespace pools::faults
