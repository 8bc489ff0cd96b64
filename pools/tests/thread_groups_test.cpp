// Concurrency groups of a thread pool: who waits for whom, callbacks, blocks, and many threads at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "pools/tests/group_checks.h"
#include "pools/thread_pool.h"
#include "pools/wait.h"

namespace pools::test {
namespace {

// How many are inside, and how many were at most.
class Inside {
 public:
  void enter() {
    const int now = ++inside_;
    for (int most = most_; now > most && !most_.compare_exchange_weak(most, now);) {
    }
  }
  void leave() { --inside_; }
  int most() const { return most_; }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> most_{0};
};

TEST(ThreadGroups, a_task_runs_one_of_its_own_group_that_it_waits_for_by_its_own_permit) {
  ThreadPool pool(grouped_options<ThreadPool>(3, {{"db", 1}}));
  const auto db = pool.with({.group = "db"});
  Inside inside;
  const auto nested = [&](const auto& self, int depth) -> int {
    inside.enter();
    inside.leave();
    return depth == 0 ? 1 : 1 + db.submit([&] { return self(self, depth - 1); }).result();
  };
  EXPECT_EQ(db.submit([&] { return nested(nested, 20); }).result(), 21);
  // Through a task without a group, which is run on top of it, too.
  const auto through = [&] { return pool.submit([&] { return db.submit([] { return 7; }).result(); }).result(); };
  EXPECT_EQ(db.submit(through).result(), 7);
  pool.shutdown();
  EXPECT_THAT(group_counts(pool), testing::ElementsAre(0, 0, 1));
}

TEST(ThreadGroups, a_task_that_waits_for_one_of_a_full_group_runs_it_when_a_permit_comes_back) {
  for (const bool several : {false, true}) {
    ThreadPool pool(grouped_options<ThreadPool>(2, {{"db", 1}}));
    const auto db = pool.with({.group = "db"});
    std::latch at_work(1), go(1), stands(1), end(1);
    const auto holder = db.submit([&] {
      at_work.count_down();
      go.wait();
    });
    at_work.wait();
    Inside inside;
    const auto waiter = pool.submit([&] {
      std::vector<Future<int>> wanted;
      // Keeps the worker that gives the permit back from the tasks behind it, until the waiter is done.
      pool.with({.priority = 1}).post([&] {
        stands.count_down();
        end.wait();
      });
      for (int task = 0; task < (several ? 3 : 1); ++task) wanted.push_back(db.submit([task] { return task; }));
      int sum = 0;
      go.count_down();
      for (const Future<int>& future : as_completed(wanted)) sum += future.result();
      return sum;
    });
    EXPECT_EQ(waiter.result(), several ? 3 : 0);
    stands.wait();
    end.count_down();
    holder.result();
    pool.shutdown();
    EXPECT_THAT(group_counts(pool), testing::ElementsAre(0, 0, 1));
  }
}

TEST(ThreadGroups, of_several_that_are_waited_for_a_full_group_does_not_hold_up_the_rest) {
  ThreadPool pool(grouped_options<ThreadPool>(2, {{"db", 1}}));
  const auto db = pool.with({.group = "db"});
  std::latch at_work(1), go(1);
  const auto holder = db.submit([&] {
    at_work.count_down();
    go.wait();
  });
  at_work.wait();
  const auto waiter = pool.submit([&] {
    const std::vector<Future<int>> wanted{db.submit([] { return 1; }), pool.submit([&] {
                                            go.count_down();  // nobody else could
                                            return 2;
                                          })};
    int sum = 0;
    for (const Future<int>& future : as_completed(wanted)) sum += future.result();
    return sum;
  });
  EXPECT_EQ(waiter.result(), 3);
  holder.result();
}

TEST(ThreadGroups, callbacks_on_the_worker_hold_the_permit_and_those_on_their_thread_do_not) {
  for (const CallbackOn where : {CallbackOn::worker, CallbackOn::callback_thread}) {
    ThreadPoolOptions options = grouped_options<ThreadPool>(2, {{"db", 1}});
    options.callbacks = where;
    ThreadPool pool(std::move(options));
    const auto db = pool.with({.group = "db"});
    std::latch called(1), go(1);
    db.submit_with_callback(
        [&](const Future<int>&) {
          called.count_down();
          go.wait();
        },
        [] { return 1; });
    called.wait();
    const auto second = db.submit([] { return 2; });
    if (where == CallbackOn::worker) {
      pool.submit([] {}).result();
      pool.submit([] {}).result();
      EXPECT_FALSE(second.done());
      go.count_down();
    }
    EXPECT_EQ(second.result(), 2);
    if (where == CallbackOn::callback_thread) go.count_down();
  }
}

TEST(ThreadGroups, blocks_posts_and_tasks_that_nobody_may_run_for_their_submitter_keep_to_the_limit) {
  ThreadPool pool(grouped_options<ThreadPool>(4, {{"db", 2}}, {.limit = 3, .when_full = WhenFull::caller_runs}));
  const auto db = pool.with({.group = "db"});
  Inside inside;
  std::atomic<int> elements{0};
  std::atomic<bool> by_caller{false};
  const auto caller = std::this_thread::get_id();
  const auto block = [&](int begin, int end) {
    inside.enter();
    if (std::this_thread::get_id() == caller) by_caller = true;
    elements += end - begin;
    inside.leave();
  };
  db.for_each_block(0, 1000, block, 40);
  for (const Future<void>& future : db.blocks(0, 1000, block, 10)) future.result();
  for (int task = 0; task < 40; ++task) db.post(block, 0, 1);
  pool.shutdown();
  EXPECT_EQ(elements, 2040);
  EXPECT_LE(inside.most(), 2);
  EXPECT_FALSE(by_caller);
}

TEST(ThreadGroups, a_full_group_keeps_no_worker_busy_and_no_worker_ends_before_the_rest_has_run) {
  ThreadPool pool(grouped_options<ThreadPool>(3, {{"one", 1}, {"two", 1}}));
  pool.start_all();
  std::latch at_work(2), go(1);
  for (const char* group : {"one", "two"}) {
    pool.with({.group = group}).post([&] {
      at_work.count_down();
      go.wait();
    });
  }
  at_work.wait();
  std::latch together(2);  // one of each group at the same time, after the pool has closed
  for (const char* group : {"one", "two"}) pool.with({.group = group}).post([&] { together.arrive_and_wait(); });
  pool.shutdown({.wait = false});
  go.count_down();
  pool.shutdown();
  EXPECT_EQ(pool.metrics().done, 4U);
}

// For ThreadSanitizer, mostly: everything at once.
TEST(ThreadGroups, submitters_cancellers_waits_pauses_and_sizes_lose_no_task_and_no_permit) {
  ThreadPool pool(grouped_options<ThreadPool>(4, {{"one", 1}, {"two", 2}}));
  const auto one = pool.with({.group = "one"});
  const auto two = pool.with({.group = "two"});
  Inside in_one, in_two;
  std::atomic<int> ran{0};
  std::atomic<int> cancelled{0};
  constexpr int kTasks = 300;
  const auto submit = [&](int seed) {
    for (int task = 0; task < kTasks; ++task) {
      const auto first = one.submit([&] {
        in_one.enter();
        ++ran;
        in_one.leave();
      });
      const auto second = two.submit([&] {
        in_two.enter();
        ++ran;
        in_two.leave();
      });
      const auto waits = pool.submit([&ran, first, second] {
        if (!first.cancelled()) {
          try {
            first.result();
          } catch (const CancelledError&) {
          }
        }
        second.result();
        ++ran;
      });
      if ((task + seed) % 3 == 0 && first.cancel()) ++cancelled;
      if (task % 50 == seed) waits.result();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int seed = 0; seed < 3; ++seed) threads.emplace_back(submit, seed);
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        pool.pause();
        pool.resume();
        pool.resize(2 + round % 3);
      }
    });
  }
  pool.shutdown();
  EXPECT_EQ(ran + cancelled, 3 * 3 * kTasks);
  EXPECT_EQ(in_one.most(), 1);
  EXPECT_LE(in_two.most(), 2);
  for (const GroupMetrics& group : pool.metrics().groups) EXPECT_EQ(group.running + static_cast<int>(group.waiting), 0);
}

}  // namespace
}  // namespace pools::test
