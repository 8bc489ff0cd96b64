// Concurrency groups of a process pool: a permit comes back once, however the worker that has the task ends.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "pools/process_pool.h"
#include "pools/tests/group_checks.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

void die() { ::raise(SIGKILL); }
void pass_and_die(const std::string& gate) {
  pass(gate);
  ::raise(SIGKILL);
}
// Dies unless the file is there, which it makes.
int die_once(const std::string& file) {
  if (std::filesystem::exists(file)) return 1;
  log_value(file, 1);
  std::_Exit(3);
}

TEST(ProcessGroups, a_death_a_time_limit_and_a_kill_give_the_permit_back_once) {
  Gate gate;
  ProcessPool pool(grouped_options<ProcessPool>(2, {{"db", 1}}));
  const auto db = pool.with({.group = "db"});
  for (int round = 0; round < 3; ++round) {
    EXPECT_THROW(db.submit<&die>().result(), WorkerDied);
    const auto overdue = pool.with({.time_limit = 20ms, .group = "db"}).submit<&pass_and_return>(gate.name(), 0);
    const auto next = db.submit<&identity>(round);
    EXPECT_THROW(overdue.result(), TimeLimitError);
    EXPECT_EQ(next.result(), round);
    gate.await();
    const auto killed = pool.with({.cancel_kills = true, .group = "db"}).submit<&pass_and_return>(gate.name(), 0);
    gate.await();
    const auto after = db.submit<&identity>(round);
    EXPECT_EQ(pool.submit<&identity>(5).result(), 5);
    EXPECT_TRUE(killed.cancel());
    EXPECT_EQ(after.result(), round);
  }
  pool.shutdown();
  EXPECT_THAT(group_counts(pool), testing::ElementsAre(0, 0, 1));
}

TEST(ProcessGroups, a_task_that_waits_out_its_back_off_has_no_permit) {
  const TemporaryDirectory directory;
  ProcessPoolOptions options = grouped_options<ProcessPool>(2, {{"db", 1}});
  options.retry = {.retries = 1, .backoff = 1h, .max_backoff = 1h};
  ProcessPool pool(std::move(options));
  const auto db = pool.with({.group = "db"});
  const auto retried = db.submit<&die_once>(directory.file("once"));
  EXPECT_EQ(db.submit<&identity>(7).result(), 7);
  EXPECT_FALSE(retried.done());
  EXPECT_THAT(group_counts(pool), testing::ElementsAre(testing::Le(1U), 0, 1));
  EXPECT_TRUE(retried.cancel());
}

TEST(ProcessGroups, a_retry_takes_a_permit_anew) {
  const TemporaryDirectory directory;
  ProcessPoolOptions options = grouped_options<ProcessPool>(2, {{"db", 1}});
  options.retry = {.retries = 2, .backoff = 1ms, .max_backoff = 1ms};
  ProcessPool pool(std::move(options));
  const auto db = pool.with({.group = "db"});
  std::vector<Future<int>> tasks;
  for (const char* file : {"a", "b", "c"}) tasks.push_back(db.submit<&die_once>(directory.file(file)));
  for (const Future<int>& task : tasks) EXPECT_EQ(task.result(), 1);
  pool.shutdown();
  EXPECT_EQ(pool.metrics().retried, 3U);
  EXPECT_THAT(group_counts(pool), testing::ElementsAre(0, 0, 1));
}

TEST(ProcessGroups, a_worker_that_dies_with_the_permit_leaves_it_to_an_idle_one) {
  Gate gate;
  ProcessPool pool(grouped_options<ProcessPool>(3, {{"db", 2}}));
  pool.start_all();
  const auto db = pool.with({.group = "db"});
  const auto first = db.submit<&pass_and_die>(gate.name());
  const auto second = db.submit<&pass_and_return>(gate.name(), 2);
  const auto third = db.submit<&identity>(3);
  gate.await(2);
  EXPECT_EQ(pool.submit<&identity>(1).result(), 1);
  EXPECT_FALSE(third.done());
  gate.open();
  EXPECT_EQ(third.result() + second.result(), 5);
  EXPECT_THROW(first.result(), WorkerDied);
}

// Short tasks without a group are sent several at a time: none of a group is among them, and none is held up by them.
TEST(ProcessGroups, short_tasks_that_travel_together_leave_the_groups_their_order_and_limits) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  ProcessPool pool(grouped_options<ProcessPool>(3, {{"db", 1}}));
  const auto db = pool.with({.group = "db"});
  std::vector<Future<int>> plain;
  std::vector<Future<void>> of_group;
  for (int task = 0; task < 3000; ++task) {
    plain.push_back(pool.submit<&identity>(task));
    if (task % 30 == 0) of_group.push_back(db.submit<&mark_in_and_out>(log));
    if (task % 70 == 0 && !of_group.empty()) of_group.back().cancel();
  }
  for (int task = 0; task < 3000; ++task) EXPECT_EQ(plain[static_cast<std::size_t>(task)].result(), task);
  pool.shutdown();
  EXPECT_EQ(most_at_a_time(log), 1);
  EXPECT_THAT(group_counts(pool), testing::ElementsAre(0, 0, 1));
}

TEST(ProcessGroups, a_queue_full_of_a_group_lets_others_pass_to_idle_workers) {
  Gate gate;
  ProcessPool pool(grouped_options<ProcessPool>(2, {{"db", 1}}, {.limit = 2}));
  pool.start_all();
  const auto db = pool.with({.group = "db"});
  std::vector<Future<int>> of_group;
  for (int task = 0; task < 3; ++task) of_group.push_back(db.submit<&pass_and_return>(gate.name(), task));
  gate.await();
  for (int task = 0; task < 20; ++task) EXPECT_EQ(pool.submit<&identity>(task).result(), task);
  gate.open();
  for (int task = 0; task < 3; ++task) EXPECT_EQ(of_group[static_cast<std::size_t>(task)].result(), task);
}

}  // namespace
}  // namespace pools::test
