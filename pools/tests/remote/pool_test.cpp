// The life of a remote pool: agents that come and go as they should, options, launchers, callbacks, cancellation, the end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "pools/process_pool.h"
#include "pools/shared_buffer.h"
#include "pools/tests/event_log.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/in_fork.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/remote/agents.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

class RemotePoolTest : public ProcessTest {};

int remote_process_id() { return ::getpid(); }
int remote_parent_id() { return ::getppid(); }

bool has_loaded(const std::string& library) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(library) != std::string::npos) return true;
  }
  return false;
}

TEST_F(RemotePoolTest, a_task_runs_in_a_worker_of_the_agent) {
  HandPool hand;
  const Child& agent = hand.add();
  EXPECT_EQ(hand.pool->submit<&add>(40, 2).result(), 42);
  EXPECT_EQ(hand.pool->submit<&remote_parent_id>().result(), agent.pid());
  EXPECT_NE(hand.pool->submit<&remote_process_id>().result(), ::getpid());
  POOLS_EXPECT_THROW_WHAT(hand.pool->submit<&fail>("no luck").result(), RemoteError, testing::StrEq("no luck"));
}

TEST_F(RemotePoolTest, zeromq_is_loaded_where_it_is_used_and_not_by_workers) {
  HandPool hand;
  hand.add();
  EXPECT_FALSE(hand.pool->submit<&has_loaded>(std::string("/libzmq")).result());
  EXPECT_TRUE(has_loaded("/libzmq"));
}

SharedBuffer remote_buffer() { return SharedBuffer(10); }
std::uint64_t size_of_remote_buffer(const SharedBuffer& buffer) { return buffer.size(); }

TEST_F(RemotePoolTest, shared_buffers_are_refused_as_arguments_results_and_of_an_initializer) {
  HandPool hand;
  hand.add();
  const auto refuses = testing::HasSubstr("hosts share no memory");
  const SharedBuffer buffer(10);
  POOLS_EXPECT_THROW_WHAT(hand.pool->submit<&size_of_remote_buffer>(buffer), SharedMemoryError, refuses);
  POOLS_EXPECT_THROW_WHAT(hand.pool->submit<&remote_buffer>().result(), SharedMemoryError, refuses);
  POOLS_EXPECT_THROW_WHAT(hand.pool->map<&size_of_remote_buffer>(std::vector<SharedBuffer>{buffer}), SharedMemoryError, refuses);
  POOLS_EXPECT_THROW_WHAT(RemotePool({.initializer = remote<&size_of_remote_buffer>(buffer)}), SharedMemoryError, refuses);
  ThreadPool threads{1};
  POOLS_EXPECT_THROW_WHAT(threads.submit<&remote_buffer>().then_in<&size_of_remote_buffer>(*hand.pool).result(),
                          SharedMemoryError, refuses);
  EXPECT_EQ(hand.pool->submit<&add>(40, 2).result(), 42);
}

TEST_F(RemotePoolTest, agents_end_with_exit_code_0_when_the_pool_does) {
  HandPool hand;
  hand.add();
  hand.add(2);
  hand.pool->submit<&nothing>().result();
  hand.pool.reset();
  for (Child& agent : hand.agents) EXPECT_EQ(agent.wait().exit_code, 0);
}

TEST_F(RemotePoolTest, tasks_that_were_submitted_before_there_was_a_host_run_when_one_comes) {
  HandPool hand;
  std::vector<Future<int>> futures;
  for (int task = 0; task < 20; ++task) futures.push_back(hand.pool->submit<&square>(task));
  EXPECT_EQ(hand.pool->metrics().queued, 20U);
  hand.add(2);
  for (int task = 0; task < 20; ++task) EXPECT_EQ(futures[static_cast<std::size_t>(task)].result(), task * task);
}

TEST_F(RemotePoolTest, tasks_are_spread_over_all_hosts) {
  Gate gate;
  HandPool hand;
  hand.add(2);
  hand.add(2);
  std::vector<Future<int>> futures;
  for (int task = 0; task < 4; ++task) futures.push_back(hand.pool->submit<&pass_and_return>(gate.name(), task));
  gate.await(4);  // all at once
  gate.open();
  for (const auto& future : futures) future.result();
}

TEST_F(RemotePoolTest, what_lies_ahead_on_a_busy_host_moves_to_one_that_comes) {
  Gate gate;
  HandPool hand;
  hand.add();
  const auto stuck = hand.pool->submit<&pass_and_return>(gate.name(), 0);
  const auto ahead = hand.pool->submit<&square>(5);
  gate.await();
  hand.add();
  EXPECT_EQ(ahead.result(), 25);
  EXPECT_FALSE(stuck.done());
  gate.open();
}

TEST_F(RemotePoolTest, short_tasks_that_lie_behind_a_long_one_are_recalled) {
  Gate gate;
  HandPool hand;
  hand.add();
  for (int round = 0; round < 20; ++round) {  // until many are permitted at a time
    std::vector<Future<int>> futures;
    for (int task = 0; task < 200; ++task) futures.push_back(hand.pool->submit<&square>(task));
    for (const auto& future : futures) future.result();
  }
  const auto stuck = hand.pool->submit<&pass_and_return>(gate.name(), 0);
  std::vector<Future<int>> behind;
  for (int task = 0; task < 5; ++task) behind.push_back(hand.pool->submit<&square>(task));
  gate.await();
  hand.add();
  for (int task = 0; task < 5; ++task) EXPECT_EQ(behind[static_cast<std::size_t>(task)].result(), task * task);
  gate.open();
}

TEST_F(RemotePoolTest, large_arguments_and_results_arrive) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer takes longer for 24 MiB than ZeroMQ waits for a sign of life";
#endif
  HandPool hand;
  hand.add(2);
  for (const std::size_t bytes : {std::size_t{1} << 20, (std::size_t{24} << 20) + 7}) {
    const std::string text(bytes, 'x');
    EXPECT_EQ(hand.pool->submit<&repeat>(text, 1).result(), text);
  }
}

TEST_F(RemotePoolTest, a_payload_beyond_its_limit_is_refused_here_and_there) {
  HandPool hand({.max_payload = 1000});
  hand.add();
  EXPECT_THROW(hand.pool->submit<&repeat>(std::string(2000, 'x'), 1).result(), PayloadTooLargeError);
  EXPECT_THROW(hand.pool->submit<&repeat>(std::string(500, 'x'), 5).result(), PayloadTooLargeError);
  EXPECT_EQ(hand.pool->submit<&square>(3).result(), 9);
}

std::string remote_greeting;
void greet_with(const std::string& text) { remote_greeting = text; }
std::string remote_greet() { return remote_greeting; }
void refuse_to_start() { throw std::runtime_error("no table"); }

TEST_F(RemotePoolTest, the_initializer_runs_in_each_worker) {
  HandPool hand({.initializer = remote<&greet_with>("hello")});
  hand.add(2);
  for (int task = 0; task < 5; ++task) EXPECT_EQ(hand.pool->submit<&remote_greet>().result(), "hello");
}

TEST_F(RemotePoolTest, an_initializer_that_fails_breaks_the_pool_and_says_where) {
  HandPool hand({.initializer = remote<&refuse_to_start>()});
  hand.add();
  POOLS_EXPECT_THROW_WHAT(hand.pool->submit<&square>(1).result(), BrokenPoolError,
                          testing::AllOf(testing::HasSubstr("on host '"), testing::HasSubstr("no table")));
  EXPECT_THROW(hand.pool->submit<&square>(1), BrokenPoolError);
#if !defined(__SANITIZE_THREAD__)  // which has a code of its own for an end that does not wait for threads
  EXPECT_EQ(hand.agents[0].wait().exit_code, 2);
#endif
}

// --- cancellation ---

// A host whose one worker is stuck until the gate opens, with ten tasks behind, some of them there already.
struct StuckHost {
  StuckHost() {
    hand.add();
    stuck = hand.pool->submit<&pass_and_return>(gate.name(), 0);
    gate.await();
    for (int task = 0; task < 10; ++task) behind.push_back(hand.pool->submit<&square>(task));
    wait_until([&] { return !hand.pool->hosts().empty() && hand.pool->hosts()[0].ahead > 0; });
  }
  Gate gate;
  HandPool hand;
  Future<int> stuck;
  std::vector<Future<int>> behind;
};

TEST_F(RemotePoolTest, what_is_not_permitted_can_be_cancelled_wherever_it_lies) {
  StuckHost host;
  RemotePool& pool = *host.hand.pool;
  EXPECT_TRUE(host.stuck.running());
  EXPECT_FALSE(host.stuck.cancel());
  for (const auto& future : host.behind) EXPECT_TRUE(future.cancel());
  host.gate.open();
  EXPECT_EQ(host.stuck.result(), 0);
  EXPECT_EQ(pool.submit<&square>(7).result(), 49);
  const PoolMetrics m = pool.metrics();
  EXPECT_EQ(m.cancelled, 10U);
  EXPECT_EQ(m.submitted, m.done + m.cancelled);
}

TEST_F(RemotePoolTest, a_shutdown_that_cancels_takes_along_what_lies_ahead_at_hosts) {
  for (const bool wait : {false, true}) {
    StuckHost host;
    RemotePool& pool = *host.hand.pool;
    std::thread opener([&] {  // a shutdown that waits does so for the one that runs
      wait_until([&] { return pool.metrics().cancelled == 10; });
      host.gate.open();
    });
    pool.shutdown({.wait = wait, .cancel_futures = true});
    for (const auto& future : host.behind) EXPECT_TRUE(future.cancelled());
    opener.join();
    EXPECT_EQ(host.stuck.result(), 0);
    EXPECT_EQ(pool.metrics().cancelled, 10U);
  }
}

TEST_F(RemotePoolTest, cancel_kills_reaches_the_worker) {
  Gate gate;
  HandPool hand;
  hand.add();
  const auto stuck = hand.pool->with({.cancel_kills = true}).submit<&pass_and_return>(gate.name(), 0);
  gate.await();
  EXPECT_TRUE(stuck.cancel());
  EXPECT_THROW(stuck.result(), CancelledError);
  EXPECT_EQ(hand.pool->submit<&square>(3).result(), 9);  // by another worker
}

int wait_for_ever() {
  for (;;) ::pause();
}

TEST_F(RemotePoolTest, a_time_limit_is_kept_there) {
  HandPool hand;
  hand.add();
  POOLS_EXPECT_THROW_WHAT(hand.pool->with({.time_limit = 50ms}).submit<&wait_for_ever>().result(), TimeLimitError,
                          testing::HasSubstr("on host '"));
}

// --- callbacks, observers, metrics ---

TEST_F(RemotePoolTest, a_result_is_handed_on_to_it) {
  HandPool hand;
  hand.add();
  ProcessPool local{1};
  EXPECT_EQ(local.submit<&square>(3).then_in<&square>(*hand.pool).result(), 81);
  EXPECT_EQ(hand.pool->submit<&square>(2).then_in<&square>(local).result(), 16);
}

TEST_F(RemotePoolTest, the_observer_hears_of_each_step_and_times_are_taken) {
  const auto log = std::make_shared<EventLog>();
  HandPool hand({.timing = true, .observer = log});
  hand.add();
  hand.pool->submit<&square>(3).result();
  EXPECT_THROW(hand.pool->submit<&fail>("x").result(), RemoteError);
  EXPECT_THAT(log->of(0), testing::ElementsAre("submitted", "started", "done"));
  EXPECT_THAT(log->of(1), testing::ElementsAre("submitted", "started", "failed"));
  const PoolMetrics m = hand.pool->metrics();
  EXPECT_EQ(m.run_time->count(), 2U);
  EXPECT_EQ(m.workers, 1);
  EXPECT_EQ(m.failed, 1U);
}

TEST_F(RemotePoolTest, hosts_say_who_they_are_and_what_their_clock_says) {
  HandPool hand({.heartbeat = 20ms, .missed_heartbeats = 100});
  const Child& agent = hand.add(3);
  wait_until([&] { return hand.pool->hosts()[0].round_trip.has_value(); });
  const HostInfo host = hand.pool->hosts()[0];
  EXPECT_EQ(host.pid, agent.pid());
  EXPECT_EQ(host.workers, 3);
  char name[256] = {};
  ::gethostname(name, sizeof name);
  EXPECT_EQ(host.name, name);
  // It is the same clock.
  EXPECT_LE(std::chrono::abs(host.clock_offset), host.clock_bound);
}

std::uint64_t remote_incarnation() { return agent_incarnation(); }
std::int64_t remote_time() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

TEST_F(RemotePoolTest, a_task_can_tell_which_host_it_is_on) {
  HandPool hand;
  hand.add();
  EXPECT_EQ(hand.pool->submit<&remote_incarnation>().result(), hand.pool->hosts()[0].incarnation);
  EXPECT_EQ(agent_incarnation(), 0U);
}

// A time namespace has a CLOCK_MONOTONIC of its own.
TEST_F(RemotePoolTest, another_clock_is_known_to_within_its_bound) {
  if (std::system("unshare --time --monotonic 1000 --fork true 2>/dev/null") != 0) {
    GTEST_SKIP() << "time namespaces cannot be made here (it takes root, Linux 5.6 and unshare of util-linux)";
  }
  RemotePool pool({.launcher = command("exec unshare --time --monotonic 1000 --fork --kill-child {agent}", {"x"}), .workers = 1});
  pool.start_all();
  for (int task = 0; task < 50; ++task) {
    const std::int64_t before = remote_time();
    const std::int64_t there = pool.submit<&remote_time>().result();
    const std::int64_t after = remote_time();
    const HostInfo host = pool.hosts()[0];
    EXPECT_GT(host.clock_offset, 990s);
    EXPECT_LT(host.clock_bound, 1s);
    EXPECT_GE(there - host.clock_offset.count() + host.clock_bound.count(), before);
    EXPECT_LE(there - host.clock_offset.count() - host.clock_bound.count(), after);
  }
}

// --- options ---

TEST_F(RemotePoolTest, options_out_of_range_are_refused_in_words) {
  POOLS_EXPECT_THROW_WHAT(RemotePool({.address = "tcp://*:5555"}), std::invalid_argument, testing::HasSubstr("every interface"));
  POOLS_EXPECT_THROW_WHAT(RemotePool({.address = "tcp://0.0.0.0:*"}), std::invalid_argument,
                          testing::HasSubstr("every interface"));
  for (const char* address : {"", "nonsense", "tcp://", "tcp://127.0.0.1", "ipc:///tmp/x"}) {
    POOLS_EXPECT_THROW_WHAT(RemotePool({.address = address}), std::invalid_argument,
                            testing::HasSubstr("one interface and a port"));
  }
  POOLS_EXPECT_THROW_WHAT(RemotePool({.address = "tcp://192.0.2.1:*"}), std::system_error, testing::HasSubstr("192.0.2.1"));
  POOLS_EXPECT_THROW_WHAT(RemotePool({.workers = 0}), std::invalid_argument, testing::HasSubstr("workers per host is 0"));
  POOLS_EXPECT_THROW_WHAT(RemotePool({.workers = self_sizing{}}), std::invalid_argument,
                          testing::HasSubstr("a remote pool cannot size itself"));
  POOLS_EXPECT_THROW_WHAT(RemotePool({.heartbeat = 0ns}), std::invalid_argument, testing::HasSubstr("heartbeats"));
  POOLS_EXPECT_THROW_WHAT(RemotePool({.fence_after = 0}), std::invalid_argument, testing::HasSubstr("fence"));
  POOLS_EXPECT_THROW_WHAT(RemotePool({.queue = {.limit = 1, .when_full = WhenFull::caller_runs}}), std::invalid_argument,
                          testing::HasSubstr("caller"));
  POOLS_EXPECT_THROW_WHAT(RemotePool({.launcher = ssh(std::vector<std::string>{})}), std::invalid_argument,
                          testing::HasSubstr("no hosts"));
  POOLS_EXPECT_THROW_WHAT(RemotePool({.launcher = ssh({"-oProxyCommand=x"})}), std::invalid_argument,
                          testing::HasSubstr("-oProxyCommand"));
  POOLS_EXPECT_THROW_WHAT(RemotePool({.launcher = command("echo {host}", {"a"})}), std::invalid_argument,
                          testing::HasSubstr("starts no {agent}"));
}

TEST_F(RemotePoolTest, a_port_that_is_taken_is_said_so) {
  RemotePool first({});
  POOLS_EXPECT_THROW_WHAT(RemotePool({.address = first.address()}), std::system_error, testing::HasSubstr(first.address()));
}

TEST_F(RemotePoolTest, a_key_file_is_its_owners_alone_and_lets_an_agent_in) {
  const TemporaryDirectory directory;
  HandPool hand;
  hand.pool->write_agent_key(directory.file("key"));
  struct stat status {};
  ASSERT_EQ(::stat(directory.file("key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  hand.agents.push_back(spawn({.arguments = {"--pool-agent", hand.pool->address()},
                               .own_process_group = true,
                               .environment = {"POOLS_AGENT_KEY_FILE=" + directory.file("key")}}));
  hand.pool->await_hosts(1, 30s);
  EXPECT_EQ(hand.pool->submit<&square>(3).result(), 9);
  EXPECT_THROW(hand.pool->write_agent_key(directory.path() + "/no/such/folder"), std::system_error);
}

// --- no hosts ---

TEST_F(RemotePoolTest, tasks_do_not_wait_for_ever_for_hosts_that_do_not_come) {
  RemotePool pool({.patience = 50ms});
  POOLS_EXPECT_THROW_WHAT(pool.submit<&square>(1).result(), BrokenPoolError,
                          testing::AllOf(testing::HasSubstr("no agent has come to tcp://127.0.0.1:"),
                                         testing::HasSubstr("0.0 s")));
  EXPECT_THROW(pool.submit<&square>(1), BrokenPoolError);
}

TEST_F(RemotePoolTest, waiting_for_hosts_has_a_timeout) {
  RemotePool pool({});
  POOLS_EXPECT_THROW_WHAT(pool.await_hosts(2, 10ms), TimeoutError, testing::HasSubstr("2 hosts at tcp://"));
}

TEST_F(RemotePoolTest, cancelled_tasks_hold_up_no_shutdown_where_no_host_is) {
  RemotePool pool({});
  std::vector<Future<int>> futures;
  for (int task = 0; task < 5; ++task) futures.push_back(pool.submit<&square>(task));
  for (const auto& future : futures) EXPECT_TRUE(future.cancel());
  pool.shutdown();
  EXPECT_EQ(pool.metrics().cancelled, 5U);
}

TEST_F(RemotePoolTest, a_shutdown_that_cancels_needs_no_host) {
  RemotePool pool({});
  const auto future = pool.submit<&square>(1);
  pool.shutdown({.cancel_futures = true});
  EXPECT_TRUE(future.cancelled());
  EXPECT_THROW(pool.submit<&square>(1), ShutdownError);
  EXPECT_THROW(pool.await_hosts(1), ShutdownError);
}

// --- launchers ---

TEST_F(RemotePoolTest, a_command_starts_an_agent_per_host) {
  RemotePool pool({.launcher = command("exec {agent} --workers 1", {"x", "y"})});
  pool.start_all();
  EXPECT_EQ(pool.hosts().size(), 2U);
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
}

TEST_F(RemotePoolTest, an_agent_that_was_killed_is_started_again) {
  RemotePool pool({.launcher = command("exec {agent} --workers 1", {"x"})});
  pool.start_all();
  const pid_t first = pool.hosts()[0].pid;
  EXPECT_EQ(::kill(first, SIGKILL), 0);
  wait_until([&] {
    const auto hosts = pool.hosts();
    return !hosts.empty() && hosts[0].pid != first;
  });
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
  EXPECT_EQ(pool.incidents().hosts_lost, 1U);
}

TEST_F(RemotePoolTest, commands_that_cannot_work_break_the_pool_and_say_how_they_ended) {
  RemotePool pool({.launcher = command("exit 2; {agent}", {"x", "y"})});
  POOLS_EXPECT_THROW_WHAT(pool.start_all(), BrokenPoolError,
                          testing::AllOf(testing::HasSubstr("no host is left"), testing::HasSubstr("'x' exited with status 2"),
                                         testing::HasSubstr("'y' exited with status 2")));
}

TEST_F(RemotePoolTest, a_command_that_fails_five_times_in_a_row_is_given_up) {
  const TemporaryDirectory directory;
  RemotePool pool({.launcher = command("echo 1 >> " + directory.file("log") + "; exit 1; {agent}", {"x"})});
  POOLS_EXPECT_THROW_WHAT(pool.start_all(), BrokenPoolError, testing::HasSubstr("exited with status 1"));
  EXPECT_EQ(logged(directory.file("log")).size(), 5U);
}

bool has_key() { return std::getenv("POOLS_AGENT_KEY") != nullptr; }

TEST_F(RemotePoolTest, keys_are_on_no_command_line_and_in_no_workers_environment) {
  RemotePool pool({.launcher = command("exec {agent} --workers 1", {"x"})});
  pool.start_all();
  std::ifstream command_line("/proc/" + std::to_string(pool.hosts()[0].pid) + "/cmdline");
  std::string words;
  std::getline(command_line, words);
  EXPECT_LT(words.size(), 192U) << words;  // a key has as many digits
  HandPool hand;
  hand.add();
  EXPECT_FALSE(hand.pool->submit<&has_key>().result());
}

// --- others ---

TEST_F(RemotePoolTest, two_pools_have_their_own_agents) {
  HandPool a;
  HandPool b;
  const pid_t of_a = a.add().pid();
  const pid_t of_b = b.add().pid();
  EXPECT_EQ(a.pool->submit<&remote_parent_id>().result(), of_a);
  EXPECT_EQ(b.pool->submit<&remote_parent_id>().result(), of_b);
}

TEST_F(RemotePoolTest, in_a_fork_it_is_refused) {
  HandPool hand;
  hand.add();
  const pid_t child = fork_that([&] {
    try {
      hand.pool->submit<&square>(1);
    } catch (const Error& error) {
      if (std::string(error.what()).find("the remote pool 'pool'") == std::string::npos) throw;
      hand.pool->shutdown();
      if (hand.pool->metrics().submitted == 0 && hand.pool->hosts().empty()) return;
    }
    throw std::runtime_error("it was not refused");
  });
  EXPECT_EQ(exit_status(child), 0);
  EXPECT_EQ(hand.pool->submit<&square>(3).result(), 9);
}

TEST_F(RemotePoolTest, a_map_over_hosts_gives_results_in_order) {
  HandPool hand;
  hand.add(2);
  hand.add(2);
  std::vector<int> values(500);
  std::iota(values.begin(), values.end(), 0);
  int expected = 0;
  for (const int value : hand.pool->map<&square>(values, {.chunksize = 7})) {
    EXPECT_EQ(value, expected * expected);
    ++expected;
  }
  EXPECT_EQ(expected, 500);
}

}  // namespace
}  // namespace pools::test
