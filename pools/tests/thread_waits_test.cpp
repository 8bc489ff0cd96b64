// Tasks of several thread pools that wait for each other: who helps whom, and what can never end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "pools/tests/controlled_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

using Id = std::thread::id;
constexpr auto this_id = &std::this_thread::get_id;

bool asleep(pid_t thread) {
  std::string stat;
  std::getline(std::ifstream("/proc/self/task/" + std::to_string(thread) + "/stat"), stat);
  return stat.substr(stat.rfind(')') + 2, 1) == "S";
}

// A task of pool `in` that publishes its thread and then waits for the future that set() gives it.
template <class T>
class Waiting {
 public:
  explicit Waiting(ThreadPool& in) {
    future = in.submit([awaited = awaited_.future(), &thread = thread_]() -> T {
      const Future<T> to_wait_for = awaited.result();
      thread = ::gettid();
      return to_wait_for.result();
    });
  }
  // Returns when the task sleeps in its wait for `awaited`.
  void set(Future<T> awaited) {
    EXPECT_TRUE(awaited_.set_running());
    awaited_.set_value(std::move(awaited));
    wait_until([&] { return thread_ != 0 && asleep(thread_); });
  }
  Future<T> future;

 private:
  Promise<Future<T>> awaited_;
  std::atomic<pid_t> thread_{0};
};

// --- help along a chain ---

TEST(HelpingAlong, a_worker_runs_what_its_pool_has_at_the_end_of_a_chain_through_another_pool) {
  ThreadPool a{1};
  ThreadPool b{1};
  for (int round = 0; round < 200; ++round) {
    const auto in_a = a.submit([&] {
      const auto in_b = b.submit([&] { return a.submit(this_id).result(); });
      return in_b.result() == this_id();
    });
    EXPECT_TRUE(in_a.result());
  }
}

TEST(HelpingAlong, a_worker_that_sleeps_already_is_woken_by_the_wait_that_needs_it) {
  ThreadPool a{1};
  ThreadPool b{1};
  Waiting<Id> in_a(a);
  Waiting<Id> in_b(b);
  in_a.set(in_b.future);
  in_b.set(a.submit(this_id));
  EXPECT_EQ(in_a.future.result(), a.submit(this_id).result());
}

TEST(HelpingAlong, goes_through_as_many_pools_as_there_are) {
  ThreadPool a{1};
  ThreadPool b{1};
  ThreadPool c{1};
  ThreadPool d{1};
  const auto in_a = a.submit([&] {
    return b.submit([&] {
              return c.submit([&] { return d.submit([&] { return a.submit(this_id).result(); }).result(); }).result();
            }).result() == this_id();
  });
  EXPECT_TRUE(in_a.result());
}

// The wait in the middle of the chain is the last one to begin: what it needs lies beyond what it waits for.
TEST(HelpingAlong, a_wait_that_joins_two_chains_wakes_the_worker_that_the_whole_of_it_needs) {
  ThreadPool a{1};
  ThreadPool b{1};
  ThreadPool c{1};
  Waiting<Id> in_a(a);
  Waiting<Id> in_b(b);
  Waiting<Id> in_c(c);
  in_a.set(in_b.future);
  const auto last = a.submit(this_id);
  in_c.set(last);
  EXPECT_FALSE(last.done());
  in_b.set(in_c.future);
  EXPECT_EQ(in_a.future.result(), a.submit(this_id).result());
}

TEST(HelpingAlong, waits_for_the_end_of_a_pause) {
  ThreadPool a{1};
  ThreadPool b{1};
  Waiting<Id> in_a(a);
  Waiting<Id> in_b(b);
  in_a.set(in_b.future);
  a.pause();
  in_b.set(a.submit(this_id));
  EXPECT_FALSE(in_a.future.done());
  a.resume();
  EXPECT_EQ(in_a.future.result(), a.submit(this_id).result());
}

TEST(HelpingAlong, ends_with_the_cancellation_of_what_is_at_the_end) {
  ThreadPool a{1};
  ThreadPool b{1};
  Waiting<Id> in_a(a);
  Waiting<Id> in_b(b);
  in_a.set(in_b.future);
  a.pause();
  const auto last = a.submit(this_id);
  in_b.set(last);
  EXPECT_TRUE(last.cancel());
  EXPECT_THROW(in_a.future.result(), CancelledError);
  a.resume();
  a.shutdown();
  expect_balance(a);
}

TEST(HelpingAlong, goes_through_waits_for_any_of_several) {
  ThreadPool a{1};
  ThreadPool b{2};
  Promise<Id> never;
  const auto in_a = a.submit([&] {
    const auto in_b = b.submit([&] {
      std::vector<Future<Id>> any{never.future(), a.submit(this_id)};
      return wait(any, ReturnWhen::first_completed).done.front().result();
    });
    std::vector<Future<Id>> either{never.future(), in_b};
    for (const auto& first : as_completed(either)) return first.result() == this_id();
    return false;
  });
  EXPECT_TRUE(in_a.result());
}

TEST(HelpingAlong, is_done_by_posted_tasks_and_callbacks_too) {
  ThreadPool a{1};
  ThreadPool b{1};
  std::latch both(2);
  const auto through_b = [&] {
    if (b.submit([&] { return a.submit(this_id).result(); }).result() == this_id()) both.count_down();
  };
  a.post(through_b);
  a.submit_with_callback([&](const Future<void>&) { through_b(); }, [] {});
  both.wait();
}

TEST(HelpingAlong, is_done_by_a_worker_that_runs_the_task_of_another_pool_as_its_submitter) {
  ThreadPool a{1};
  ControlledPool<ThreadPool> b({.queue = {.limit = 1, .when_full = WhenFull::caller_runs}});
  const auto filling = b.pool.submit([] {});
  const auto in_a = a.submit([&] {
    // Runs here, on a's only worker.
    return b.pool.submit([&] { return a.submit(this_id).result(); }).result() == this_id();
  });
  EXPECT_TRUE(in_a.result());
  b.gate.open();
  filling.result();
  b.pool.shutdown();
  expect_balance(b.pool);
}

TEST(HelpingAlong, chains_through_full_pools_end_under_pauses_and_resizes) {
  std::minstd_rand random(7);
  for (int round = 0; round < 20; ++round) {
    ThreadPool a{1 + round % 3};
    ThreadPool b{1 + round % 3};
    std::vector<Future<int>> chains;
    std::function<int(ThreadPool&, ThreadPool&, int)> down = [&](ThreadPool& here, ThreadPool& there, int left) {
      return left == 0 ? 1 : 1 + there.submit([&, left] { return down(there, here, left - 1); }).result();
    };
    for (int chain = 0; chain < 5; ++chain) {
      chains.push_back(a.submit([&] { return down(a, b, 20); }));
      if (random() % 2 == 0) {
        (random() % 2 == 0 ? a : b).pause();
        a.resume();
        b.resume();
      }
      a.resize(1 + static_cast<int>(random() % 3));
      EXPECT_EQ(chains.back().result(), 21);
    }
    a.shutdown();
    b.shutdown();
    expect_balance(a);
    expect_balance(b);
  }
}

TEST(HelpingAlong, many_chains_at_a_time_through_pools_of_many_workers_end) {
  ThreadPool a{8};
  ThreadPool b{8};
  std::vector<Future<int>> roots;
  // b has a worker for each task that may be there at a time, so that none is queued behind one that waits: a has not.
  for (int root = 0; root < 8; ++root) {
    roots.push_back(a.submit([&] {
      int sum = 0;
      for (int task = 0; task < 50; ++task) {
        sum += b.submit([&] { return a.submit([&] { return a.submit([] { return 1; }).result(); }).result(); }).result();
      }
      return sum;
    }));
  }
  for (const auto& root : roots) EXPECT_EQ(root.result(), 50);
}

// --- what can never end ---

TEST(Deadlock, wait_refuses_to_close_a_cycle_like_result) {
  ThreadPool pool{2};
  for (const ReturnWhen when : {ReturnWhen::all_completed, ReturnWhen::first_completed, ReturnWhen::first_exception}) {
    Promise<Future<int>> own;
    const auto future = pool.submit([own = own.future(), when]() -> int {
      wait(std::vector{own.result()}, when);
      return 0;
    });
    EXPECT_TRUE(own.set_running());
    own.set_value(future);
    POOLS_EXPECT_THROW_WHAT(future.result(), DeadlockError, testing::HasSubstr("its own result"));
  }
}

TEST(Deadlock, as_completed_refuses_when_all_that_is_left_waits_for_the_caller) {
  ThreadPool pool{2};
  Promise<Future<int>> own;
  const auto future = pool.submit([own = own.future(), &pool]() -> int {
    const auto other = pool.submit([] { return 1; });
    int seen = 0;
    try {
      for (const auto& done : as_completed(std::vector{own.result(), other})) seen += done.result();
    } catch (const DeadlockError&) {
      return seen + 10;
    }
    return seen;
  });
  EXPECT_TRUE(own.set_running());
  own.set_value(future);
  EXPECT_EQ(future.result(), 11);
}

TEST(Deadlock, a_wait_for_any_of_several_is_none_while_one_of_them_may_end) {
  ThreadPool pool{3};
  Promise<int> open;
  Waiting<int> other(pool);
  Promise<Future<int>> first;
  const auto any = pool.submit([first = first.future(), open = open.future()] {
    return static_cast<int>(wait(std::vector{first.result(), open}, ReturnWhen::first_completed).done.size());
  });
  EXPECT_TRUE(first.set_running());
  first.set_value(other.future);
  other.set(any);  // a cycle, which `open` may end
  EXPECT_TRUE(open.set_running());
  open.set_value(4);
  EXPECT_EQ(any.result(), 1);
  EXPECT_EQ(other.future.result(), 1);
}

TEST(Deadlock, a_wait_for_any_of_several_that_all_wait_for_it_is_one_across_pools) {
  ThreadPool a{1};
  ThreadPool b{2};
  Promise<std::vector<Future<int>>> others;
  const auto any = a.submit([others = others.future()]() -> int {
    const auto& all = others.result();
    wait(all, ReturnWhen::first_completed);
    return 0;
  });
  const auto one = b.submit([any] { return any.result(); });
  const auto two = b.submit([one] { return one.result(); });
  EXPECT_TRUE(others.set_running());
  others.set_value(std::vector{one, two});
  int deadlocks = 0;
  for (const Future<int>& future : {any, one, two}) {
    try {
      future.result();
    } catch (const DeadlockError&) {
      ++deadlocks;  // in the one whose wait was the last to begin, and passed on
    }
  }
  EXPECT_GE(deadlocks, 1);
}

// What a worker tries to help with is not all that it waits for.
TEST(Deadlock, is_not_seen_where_there_is_none_while_waits_for_any_begin_and_end) {
  ThreadPool pool{4};
  for (int round = 0; round < 300; ++round) {
    Promise<int> open;
    Promise<Future<int>> first;
    const auto any = pool.submit([first = first.future(), open = open.future()] {
      wait(std::vector{first.result(), open}, ReturnWhen::first_completed);
      return 3;
    });
    const auto back = pool.submit([any] { return any.result(); });
    // Else `any` may run it on top of its wait, and then `back` does wait for what is beneath it.
    wait_until([&] { return back.running() || back.done(); });
    EXPECT_TRUE(first.set_running());
    first.set_value(back);
    EXPECT_TRUE(open.set_running());
    open.set_value(1);
    EXPECT_EQ(back.result(), 3);
  }
}

}  // namespace
}  // namespace pools::test
