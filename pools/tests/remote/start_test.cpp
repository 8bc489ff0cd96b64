// start_all() of a remote pool: when it returns, all workers of all hosts are there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/remote/agents.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

class RemoteStartTest : public ProcessTest {
 protected:
  std::size_t begun() const { return logged(log_).size(); }

  const TemporaryDirectory directory_;
  const std::string log_ = directory_.file("log");
};

void log_own_id(const std::string& log) { log_value(log, ::getpid()); }
void log_and_pass(const std::string& log, const std::string& gate) {
  log_own_id(log);
  pass(gate);
}
void start_never() { throw std::runtime_error("no table"); }

TEST_F(RemoteStartTest, when_it_returns_each_worker_of_each_host_has_run_its_initializer) {
  HandPool hand({.initializer = remote<&log_own_id>(log_)});
  hand.add(2);
  hand.add(3);
  EXPECT_EQ(begun(), 0U);
  EXPECT_FALSE(hand.pool->hosts()[0].started);
  hand.pool->start_all();
  EXPECT_EQ(begun(), 5U);
  for (const HostInfo& host : hand.pool->hosts()) EXPECT_TRUE(host.started);
  hand.pool->start_all();  // once more: they are there
  EXPECT_EQ(begun(), 5U);
}

TEST_F(RemoteStartTest, it_waits_for_the_slowest_while_heartbeats_and_tasks_go_on) {
  Gate gate;
  HandPool hand({.heartbeat = 20ms, .missed_heartbeats = 100, .initializer = remote<&log_and_pass>(log_, gate.name())});
  hand.add(2);
  std::atomic<bool> returned{false};
  std::thread starter([&] {
    hand.pool->start_all();
    returned = true;
  });
  gate.await(2);
  const auto seen = hand.pool->hosts()[0].last_seen;
  wait_until([&] { return hand.pool->hosts()[0].last_seen > seen + 50ms; });
  EXPECT_FALSE(returned);
  EXPECT_FALSE(hand.pool->hosts()[0].started);
  const auto waiting = hand.pool->submit<&square>(3);
  gate.open();
  starter.join();
  EXPECT_EQ(waiting.result(), 9);
  EXPECT_TRUE(hand.pool->hosts()[0].started);
}

TEST_F(RemoteStartTest, hosts_that_come_later_and_those_that_come_again_start_theirs_at_once) {
  HandPool hand({.initializer = remote<&log_own_id>(log_)});
  hand.add(1);
  hand.pool->start_all();
  Child& second = hand.add(2);
  wait_until([&] { return hand.pool->hosts()[1].started; });
  EXPECT_EQ(begun(), 3U);
  second.kill(SIGKILL);
  wait_until([&] { return hand.pool->hosts().size() == 1; });
  hand.there = 1;
  hand.add(2);
  hand.pool->start_all();
  EXPECT_EQ(begun(), 5U);
}

TEST_F(RemoteStartTest, an_initializer_that_fails_is_thrown) {
  HandPool hand({.initializer = remote<&start_never>()});
  hand.add();
  POOLS_EXPECT_THROW_WHAT(hand.pool->start_all(), BrokenPoolError,
                          testing::AllOf(testing::HasSubstr("on host '"), testing::HasSubstr("no table")));
}

TEST_F(RemoteStartTest, it_does_not_wait_for_ever_for_hosts_that_do_not_come) {
  RemotePool pool({.patience = 50ms});
  POOLS_EXPECT_THROW_WHAT(pool.start_all(), BrokenPoolError, testing::HasSubstr("no agent has come to tcp://127.0.0.1:"));
}

TEST_F(RemoteStartTest, a_shutdown_meanwhile_ends_it) {
  Gate gate;
  HandPool hand({.initializer = remote<&log_and_pass>(log_, gate.name())});
  hand.add(2);
  std::thread starter([&] { EXPECT_THROW(hand.pool->start_all(), ShutdownError); });
  gate.await(2);
  hand.pool->shutdown({.wait = false});
  gate.open();
  starter.join();
  hand.pool.reset();
  EXPECT_EQ(hand.agents[0].wait().exit_code, 0);
}

TEST_F(RemoteStartTest, an_agent_that_is_lost_meanwhile_holds_it_up_until_another_comes) {
  Gate gate;
  HandPool hand({.initializer = remote<&log_and_pass>(log_, gate.name())});
  Child& first = hand.add(1);
  std::thread starter([&] { hand.pool->start_all(); });
  gate.await();
  first.kill(SIGKILL);
  wait_until([&] { return hand.pool->hosts().empty(); });
  gate.open();
  hand.there = 0;
  hand.add(1);
  starter.join();
  EXPECT_EQ(begun(), 2U);
}

}  // namespace
}  // namespace pools::test
