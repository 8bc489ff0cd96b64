// What becomes of tasks when workers, agents and clients die or fall silent.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/remote/agents.h"
#include "pools/tests/remote/owner.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

class RemoteDeathsTest : public ProcessTest {};

class HostLog final : public HostObserver {
 public:
  void host_up(const HostInfo& host) noexcept override { add("up " + std::to_string(host.number)); }
  void host_lost(const HostInfo& host, const std::string& why) noexcept override {
    add("lost " + std::to_string(host.number) + ": " + why);
  }
  std::vector<std::string> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  void add(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  mutable std::mutex mutex_;
  std::vector<std::string> events_;
};

HostLost loss_of(const Future<int>& future) {
  try {
    future.result();
  } catch (const HostLost& lost) {
    return lost;
  }
  throw std::runtime_error("the host was not lost");
}

TEST_F(RemoteDeathsTest, a_workers_death_stays_there_and_arrives_as_one) {
  HandPool hand;
  hand.add();
  const auto died = hand.pool->submit<&die_by>(SIGSEGV);
  POOLS_EXPECT_THROW_WHAT(died.result(), WorkerDied, testing::HasSubstr("on host '"));
  EXPECT_EQ(hand.pool->submit<&square>(3).result(), 9);
  EXPECT_EQ(hand.pool->incidents().hosts_lost, 0U);
}

TEST_F(RemoteDeathsTest, an_agents_death_fails_what_it_was_permitted_and_moves_the_rest) {
  Gate gate;
  HandPool hand;
  Child& first = hand.add();
  const auto running = hand.pool->submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  std::vector<Future<int>> rest;
  std::vector<int> expected;
  for (int task = 0; task < 10; ++task) {
    rest.push_back(hand.pool->submit<&log_value>(log, task));
    expected.push_back(task);
  }
  wait_until([&] { return hand.pool->hosts()[0].ahead > 0; });
  first.kill(SIGKILL);
  const HostLost lost = loss_of(running);
  EXPECT_THAT(lost.what(), testing::HasSubstr("its connection has ended"));
  EXPECT_FALSE(lost.host().empty());
  EXPECT_LE(lost.last_seen(), std::chrono::steady_clock::now());
  hand.there = 0;
  hand.add();
  for (int task = 0; task < 10; ++task) EXPECT_EQ(rest[static_cast<std::size_t>(task)].result(), task);
  EXPECT_EQ(logged(log), expected);  // in their order, each once
  const PoolMetrics m = hand.pool->metrics();
  EXPECT_EQ(m.submitted, m.done + m.failed);
  EXPECT_EQ(m.failed, 1U);
}

class HeldLoss final : public HostObserver {
 public:
  void host_lost(const HostInfo&, const std::string&) noexcept override {
    lost.release();
    goes_on.acquire();
  }
  std::binary_semaphore lost{0};
  std::binary_semaphore goes_on{0};
};

TEST_F(RemoteDeathsTest, a_task_that_was_permitted_is_not_cancelled_while_the_loss_is_dealt_with) {
  Gate gate;
  const auto loss = std::make_shared<HeldLoss>();
  HandPool hand({.host_observer = loss});
  Child& agent = hand.add();
  const auto running = hand.pool->submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  agent.kill(SIGKILL);
  loss->lost.acquire();
  EXPECT_FALSE(running.cancel());
  loss->goes_on.release();
  loss_of(running);
  EXPECT_EQ(hand.pool->metrics().cancelled, 0U);
}

TEST_F(RemoteDeathsTest, what_is_known_to_have_begun_is_said_so) {
  Gate gate;
  HandPool hand({.heartbeat = 20ms, .missed_heartbeats = 500});
  Child& agent = hand.add();
  const auto running = hand.pool->submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  // Two heartbeats of the agent's later the pool knows.
  const auto seen = hand.pool->hosts()[0].last_seen;
  wait_until([&] { return hand.pool->hosts()[0].last_seen > seen + 50ms; });
  agent.kill(SIGKILL);
  EXPECT_EQ(loss_of(running).begun(), HostLost::Begun::yes);
}

TEST_F(RemoteDeathsTest, a_retry_that_was_asked_for_runs_elsewhere) {
  Gate gate;
  HandPool hand;
  Child& first = hand.add();
  const auto running = hand.pool->with({.retries = 1}).submit<&pass_and_return>(gate.name(), 7);
  gate.await();
  first.kill(SIGKILL);
  wait_until([&] { return hand.pool->hosts().empty(); });
  hand.there = 0;
  hand.add();
  gate.await();  // again
  gate.open();
  EXPECT_EQ(running.result(), 7);
  EXPECT_EQ(hand.pool->metrics().retried, 1U);
}

TEST_F(RemoteDeathsTest, a_retry_is_one_and_no_more) {
  Gate gate;
  HandPool hand;
  const auto running = hand.pool->with({.retries = 1}).submit<&pass_and_return>(gate.name(), 7);
  for (int life = 0; life < 2; ++life) {
    hand.there = 0;
    Child& agent = hand.add();
    gate.await();
    agent.kill(SIGKILL);
    wait_until([&] { return hand.pool->hosts().empty(); });
  }
  EXPECT_THROW(running.result(), HostLost);
}

TEST_F(RemoteDeathsTest, a_stopped_agent_is_lost_and_used_again_when_it_goes_on) {
  Gate gate;
  const auto log = std::make_shared<HostLog>();
  HandPool hand({.host_observer = log, .heartbeat = 30ms, .missed_heartbeats = 3, .silence = 30s});
  Child& agent = hand.add();
  const auto running = hand.pool->submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  agent.kill(SIGSTOP);
  EXPECT_THAT(loss_of(running).what(), testing::HasSubstr("nothing was heard of it"));
  EXPECT_TRUE(hand.pool->hosts().empty());
  const auto waiting = hand.pool->submit<&square>(4);
  agent.kill(SIGCONT);
  EXPECT_EQ(waiting.result(), 16);
  gate.open();
  const auto events = log->events();
  EXPECT_EQ(events[0], "up 0");
  EXPECT_THAT(events[1], testing::StartsWith("lost 0: nothing"));
  EXPECT_EQ(events[2], "up 1");
}

TEST_F(RemoteDeathsTest, the_workers_of_a_lost_session_are_ended_when_the_agent_hears_of_it) {
  Gate gate;
  HandPool hand({.heartbeat = 30ms, .missed_heartbeats = 3, .silence = 30s});
  Child& agent = hand.add();
  const auto running = hand.pool->with({.retries = 1}).submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  agent.kill(SIGSTOP);
  wait_until([&] { return hand.pool->hosts().empty(); });
  agent.kill(SIGCONT);
  gate.await();  // once more, and the first is gone: it stands at the gate no longer
  gate.open();
  EXPECT_EQ(running.result(), 1);
}

TEST_F(RemoteDeathsTest, an_agent_that_is_asked_to_end_finishes_what_it_has_begun_and_returns_the_rest) {
  Gate gate;
  HandPool hand;
  Child& leaving = hand.add();
  const auto running = hand.pool->submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  std::vector<Future<int>> rest;
  for (int task = 0; task < 10; ++task) rest.push_back(hand.pool->submit<&square>(task));
  wait_until([&] { return hand.pool->hosts()[0].ahead > 0; });
  leaving.kill(SIGTERM);
  hand.there = 1;
  hand.add();
  for (int task = 0; task < 10; ++task) EXPECT_EQ(rest[static_cast<std::size_t>(task)].result(), task * task);
  EXPECT_FALSE(running.done());
  gate.open();
  EXPECT_EQ(running.result(), 1);
  EXPECT_EQ(hand.agents[0].wait().exit_code, 0);
  EXPECT_EQ(hand.pool->incidents().hosts_lost, 0U);
}

int log_and_die(const std::string& log) {
  log_value(log, ::getpid());
  ::raise(SIGKILL);
  return 0;
}

TEST_F(RemoteDeathsTest, a_task_that_waits_for_another_try_when_it_is_returned_is_tried_no_more_often_for_that) {
  HandPool hand({.retry = {.retries = 1, .backoff = 30s, .max_backoff = 30s}});
  Child& leaving = hand.add(2);
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  const auto dies = hand.pool->submit<&log_and_die>(log);
  wait_until([&] { return logged(log).size() == 1 && ::kill(logged(log)[0], 0) != 0; });
  for (int task = 0; task < 200; ++task) {  // by the other worker: the agent's pool comes to hear of the death meanwhile
    EXPECT_EQ(hand.pool->submit<&square>(task).result(), task * task);
  }
  leaving.kill(SIGTERM);
  hand.there = 0;
  hand.add();
  EXPECT_THROW(dies.result(), WorkerDied);
  EXPECT_EQ(logged(log).size(), 2U);
}

TEST_F(RemoteDeathsTest, a_host_that_fails_again_and_again_is_fenced_until_it_has_run_a_probe) {
  HandPool hand({.fence_after = 2});
  for (int life = 0; life < 2; ++life) {
    hand.there = 0;
    hand.add().kill(SIGKILL);
    wait_until([&] { return hand.pool->hosts().empty(); });
  }
  hand.agents.push_back(start_agent(*hand.pool));
  wait_until([&] { return !hand.pool->hosts().empty(); });
  EXPECT_TRUE(hand.pool->hosts()[0].fenced);
  EXPECT_THROW(hand.pool->await_hosts(1, 1ms), TimeoutError);
  EXPECT_EQ(hand.pool->submit<&square>(3).result(), 9);  // after a second and a probe
  EXPECT_FALSE(hand.pool->hosts()[0].fenced);
}

TEST_F(RemoteDeathsTest, a_task_that_ends_on_another_agent_of_a_fenced_host_opens_the_fence) {
  HandPool hand({.fence_after = 1});
  hand.add();
  hand.add();
  hand.agents.front().kill(SIGKILL);
  wait_until([&] { return hand.pool->hosts().size() == 1; });
  hand.agents.push_back(start_agent(*hand.pool));
  wait_until([&] { return hand.pool->hosts().size() == 2; });
  EXPECT_TRUE(hand.pool->hosts()[1].fenced);
  EXPECT_EQ(hand.pool->submit<&square>(3).result(), 9);
  hand.pool->await_hosts(2, 30s);
}

TEST_F(RemoteDeathsTest, under_load_nothing_is_lost_and_nothing_done_twice) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  HandPool hand;
  hand.add(2);
  constexpr int kTasks = 2000;
  std::vector<Future<int>> futures;
  for (int task = 0; task < kTasks; ++task) {
    futures.push_back(hand.pool->submit<&log_value>(log, task));
    if (task % 500 == 250) {
      hand.agents.push_back(start_agent(*hand.pool, 2));
      hand.pool->await_hosts(2, 30s);
      hand.agents[hand.agents.size() - 2].kill(SIGKILL);
      wait_until([&] { return hand.pool->hosts().size() == 1; });
    }
  }
  std::vector<int> done;
  std::uint64_t failed = 0;
  for (int task = 0; task < kTasks; ++task) {
    try {
      done.push_back(futures[static_cast<std::size_t>(task)].result());
    } catch (const HostLost&) {
      ++failed;
    }
  }
  const PoolMetrics m = hand.pool->metrics();
  EXPECT_EQ(m.submitted, static_cast<std::uint64_t>(kTasks));
  EXPECT_EQ(m.done, done.size());
  EXPECT_EQ(m.failed, failed);
  std::vector<int> ran = logged(log);
  std::sort(ran.begin(), ran.end());
  EXPECT_EQ(std::adjacent_find(ran.begin(), ran.end()), ran.end()) << "a task has run twice";
  EXPECT_TRUE(std::includes(ran.begin(), ran.end(), done.begin(), done.end())) << "what is done has not run";
}

// --- the client ---

// Nobody may have reaped it yet.
bool is_gone(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  return !std::getline(status, line) || line.find(") Z") != std::string::npos;
}

// A fork has no pool: the owner is this program again.
TEST_F(RemoteDeathsTest, agents_and_their_workers_end_with_a_client_that_is_killed) {
  Gate gate;
  const TemporaryDirectory directory;
  Child owner = spawn({.arguments = {kRemoteOwnerArgument, directory.file("log"), gate.name()}, .own_process_group = true});
  gate.await(2);
  const std::vector<int> pids = logged(directory.file("log"));
  ASSERT_EQ(pids.size(), 3U);  // two workers and their agent
  owner.kill(SIGKILL);
  owner.wait();
  wait_until([&] { return std::all_of(pids.begin(), pids.end(), &is_gone); });
}

}  // namespace
}  // namespace pools::test
