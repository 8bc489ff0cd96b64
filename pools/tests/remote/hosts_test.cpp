// A remote pool on three emulated hosts (hosts), under load: agents, hosts, clients, workers and cables fail, one at a time. The client is on
// host a, its agents are on b and c. Each test is run by itself: hosts run "a b c" remote_hosts_test --gtest_filter=...

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/remote/agents.h"
#include "pools/tests/remote/load.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;
using HostsClock = std::chrono::steady_clock;

std::string hosts_script() {
  const char* const script = std::getenv("POOLS_HOSTS_SCRIPT");
  return script == nullptr ? "" : script;
}
void hosts_do(const std::string& words) {
  const int status = std::system((hosts_script() + " " + words).c_str());
  ASSERT_EQ(status, 0) << words;
}
std::string pids_on(const std::string& host) {
  std::string text;
  FILE* const pipe = ::popen((hosts_script() + " pids " + host).c_str(), "r");
  char buffer[256];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) text += buffer;
  ::pclose(pipe);
  return text;
}

RemotePoolOptions options_on(const std::string& address, std::vector<std::string> hosts, int workers = 2) {
  RemotePoolOptions options;
  options.address = "tcp://" + address + ":*";
  options.launcher = command("exec " + hosts_script() + " exec {host} {agent}", std::move(hosts));
  options.workers = workers;
  return options;
}

pid_t agent_on(const RemotePool& pool, const std::string& host) {
  for (const HostInfo& info : pool.hosts()) {
    if (info.name == host) return info.pid;
  }
  return -1;
}

// How long it takes until it is so; printed, and never judged.
template <class Condition>
void time_until(const char* what, Condition condition) {
  const auto start = HostsClock::now();
  while (!condition()) std::this_thread::sleep_for(200us);
  std::printf("%s after %.1f ms\n", what, std::chrono::duration<double, std::milli>(HostsClock::now() - start).count());
}

class RemoteHosts : public testing::Test {
 protected:
  void SetUp() override {
    if (hosts_script().empty()) GTEST_SKIP() << "to be run by the script hosts";
  }
  // A pool on a with agents on b and c, at work.
  void start() {
    pool_ = std::make_unique<RemotePool>(options_on("10.77.0.1", {"b", "c"}));
    pool_->start_all();
    load_ = std::make_unique<Load>(*pool_);
    load_->await(200);
  }
  bool is_there(const std::string& host) const { return agent_on(*pool_, host) >= 0; }
  // Both hosts work, and all that was submitted is accounted for.
  void finish() {
    pool_->await_hosts(2, 60s);
    load_->await(200);
    load_->stop();
    EXPECT_EQ(load_->faults(), "");
    std::printf("%lu done, %lu failed, %lu cancelled\n", load_->done(), load_->failed(), load_->cancelled());
    load_.reset();
    pool_.reset();
  }
  std::unique_ptr<RemotePool> pool_;
  std::unique_ptr<Load> load_;
};

TEST_F(RemoteHosts, agent_killed) {
  start();
  const pid_t agent = agent_on(*pool_, "b");
  ::kill(agent, SIGKILL);
  time_until("known", [&] { return agent_on(*pool_, "b") != agent; });
  time_until("back", [&] { return is_there("b"); });
  finish();
}

TEST_F(RemoteHosts, host_killed) {
  start();
  const pid_t agent = agent_on(*pool_, "b");
  hosts_do("kill b");
  time_until("known", [&] { return agent_on(*pool_, "b") != agent; });
  finish();
}

TEST_F(RemoteHosts, cable_cut_and_healed) {
  start();
  const pid_t agent = agent_on(*pool_, "b");
  hosts_do("cut b");
  time_until("known", [&] { return !is_there("b"); });
  load_->await(100);  // c goes on
  hosts_do("heal b");
  time_until("back", [&] { return is_there("b"); });
  EXPECT_TRUE(agent_on(*pool_, "b") == agent || ::kill(agent, 0) != 0);  // the same, or it had ended by then
  finish();
}

TEST_F(RemoteHosts, cable_cut_for_longer_than_an_agent_waits) {
  start();
  const pid_t agent = agent_on(*pool_, "b");
  hosts_do("cut b");
  time_until("the agent has ended", [&] { return ::kill(agent, 0) != 0; });
  hosts_do("heal b");
  time_until("another is there", [&] { return is_there("b"); });
  EXPECT_NE(agent_on(*pool_, "b"), agent);
  finish();
}

// Large arguments and results take longer than three heartbeats, and are signs of life all the while.
TEST_F(RemoteHosts, cable_that_is_slow) {
  RemotePool pool(options_on("10.77.0.1", {"b"}));
  pool.start_all();
  const pid_t agent = agent_on(pool, "b");
  hosts_do("slow b 4mbit");
  const std::string text(std::size_t{2} << 20, 'x');
  EXPECT_EQ(pool.submit<&repeat>(text, 1).result(), text);
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
  EXPECT_EQ(agent_on(pool, "b"), agent);
  EXPECT_EQ(pool.incidents().hosts_lost, 0U);
}

TEST_F(RemoteHosts, cable_cut_for_a_moment_is_ridden_out) {
  start();
  hosts_do("cut b");
  ::usleep(300'000);
  hosts_do("heal b");
  finish();
  // Nothing need have been lost, but TCP may have taken longer than a heartbeat to find out.
}

TEST_F(RemoteHosts, agent_stopped) {
  start();
  const pid_t agent = agent_on(*pool_, "b");
  ::kill(agent, SIGSTOP);
  time_until("known", [&] { return !is_there("b"); });
  load_->await(100);
  ::kill(agent, SIGCONT);
  time_until("back", [&] { return is_there("b"); });
  EXPECT_EQ(agent_on(*pool_, "b"), agent);
  finish();
}

int worker_id() { return ::getpid(); }

TEST_F(RemoteHosts, worker_killed) {
  start();
  for (int kill = 0; kill < 10; ++kill) {
    ::kill(pool_->submit<&worker_id>().result(), SIGKILL);
    load_->await(20);
  }
  EXPECT_EQ(pool_->incidents().hosts_lost, 0U);
  finish();
}

TEST_F(RemoteHosts, agent_restarted_under_load) {
  start();
  for (int times = 0; times < 5; ++times) {
    const std::string host = times % 2 == 0 ? "b" : "c";
    const pid_t agent = agent_on(*pool_, host);
    ::kill(agent, times < 3 ? SIGTERM : SIGKILL);
    wait_until([&] { return is_there(host) && agent_on(*pool_, host) != agent; });
    load_->await(50);
  }
  finish();
}

TEST_F(RemoteHosts, two_clients) {
  start();
  RemotePool other(options_on("10.77.0.1", {"b", "c"}, 1));
  other.start_all();
  Load load(other);
  load.await(100);
  ::kill(agent_on(*pool_, "b"), SIGKILL);
  load.await(100);
  load.stop();
  EXPECT_EQ(load.faults(), "");
  EXPECT_EQ(load.failed(), 0U);
  finish();
}

TEST_F(RemoteHosts, wrong_key) {
  start();
  RemotePool other(options_on("10.77.0.1", {"b"}));
  const std::string agent = hosts_script() + " exec c env POOLS_AGENT_KEY=" + other.agent_key() + " /proc/" +
                            std::to_string(::getpid()) + "/exe --pool-agent " + pool_->address();
  EXPECT_EQ(WEXITSTATUS(std::system(agent.c_str())), 2);
  EXPECT_EQ(pool_->incidents().hosts_lost, 0U);
  finish();
}

TEST_F(RemoteHosts, garbage_and_a_port_scan) {
  start();
  const std::string port = pool_->address().substr(pool_->address().rfind(':') + 1);
  hosts_do(
      "exec c sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do head -c 3000 /dev/urandom | timeout 1 bash -c \"cat >/dev/tcp/10.77.0.1/" +
      port + "\"; bash -c \": </dev/tcp/10.77.0.1/" + port + "\"; done; true' 2>/dev/null");
  EXPECT_EQ(pool_->incidents().hosts_lost, 0U);
  finish();
}

// --- the client itself ---

// On host b, with an agent on c: the tests below start it there, and look at c.
TEST_F(RemoteHosts, DISABLED_client) {
  const std::string report = std::getenv("REMOTE_CLIENT_REPORT");
  const auto say = [&](const std::string& line) { std::ofstream(report, std::ios::app) << line << std::endl; };
  pool_ = std::make_unique<RemotePool>(options_on("10.77.0.2", {"c"}));
  pool_->start_all();
  load_ = std::make_unique<Load>(*pool_);
  load_->await(100);
  say("at work");
  wait_until([&] { return pool_->incidents().hosts_lost > 0; });
  say("lost");
  pool_->await_hosts(1);
  load_->await(100);
  load_->stop();
  say(load_->faults().empty() ? "well" : load_->faults());
}

class RemoteClients : public RemoteHosts {
 protected:
  void start_client() {
    const std::string self = "/proc/" + std::to_string(::getpid()) + "/exe";
    client_ =
        spawn({.arguments = {"exec", "b", self, "--gtest_also_run_disabled_tests", "--gtest_filter=RemoteHosts.DISABLED_client"},
               .program = hosts_script(),
               .own_process_group = true,
               // What it has in a file goes with this test's: it may be killed.
               .environment = {"REMOTE_CLIENT_REPORT=" + report(), "TMPDIR=" + directory_.path()}});
    await_report("at work");
  }
  std::string report() const { return directory_.file("report"); }
  void await_report(const std::string& line) const {
    wait_until([&] {
      std::ifstream file(report());
      for (std::string read; std::getline(file, read);) {
        if (read == line) return true;
      }
      return false;
    });
  }
  TemporaryDirectory directory_;
  Child client_;
};

TEST_F(RemoteClients, client_killed) {
  start_client();
  EXPECT_NE(pids_on("c"), "");
  hosts_do("kill b");
  time_until("nothing is left on c", [&] { return pids_on("c").empty(); });
  client_.wait();
}

TEST_F(RemoteClients, client_cut) {
  start_client();
  hosts_do("cut b");
  time_until("nothing is left on c", [&] { return pids_on("c").empty(); });
  hosts_do("heal b");
  await_report("lost");
  await_report("well");
  EXPECT_TRUE(client_.wait().success());
}

// --- all of it ---

TEST_F(RemoteHosts, chaos) {
  const char* const given = std::getenv("POOLS_CHAOS_SECONDS");
  const std::chrono::seconds time(given == nullptr ? 60 : std::atoi(given));
  const char* const seeded = std::getenv("POOLS_CHAOS_SEED");
  const std::uint64_t seed = seeded == nullptr ? std::random_device{}() : std::strtoull(seeded, nullptr, 10);
  std::printf("chaos: seed %lu, %ld s\n", seed, static_cast<long>(time.count()));
  std::fflush(stdout);
  std::mt19937_64 random(seed);
  start();
  const auto end = HostsClock::now() + time;
  int kills = 0;
  int cuts = 0;
  int stops = 0;
  int restarts = 0;
  while (HostsClock::now() < end) {
    const std::string host = random() % 2 == 0 ? "b" : "c";
    const pid_t agent = agent_on(*pool_, host);
    switch (random() % 6) {
      case 0:
        if (agent > 0) ::kill(agent, SIGKILL);
        ++kills;
        break;
      case 1:
        hosts_do("kill " + host);
        ++kills;
        break;
      case 2:
        hosts_do("cut " + host);
        ::usleep(static_cast<useconds_t>(random() % 5'000'000));
        hosts_do("heal " + host);
        ++cuts;
        break;
      case 3:
        if (agent > 0) ::kill(agent, SIGSTOP);
        ::usleep(static_cast<useconds_t>(random() % 2'500'000));
        if (agent > 0) ::kill(agent, SIGCONT);
        ++stops;
        break;
      case 4:
        if (agent > 0) ::kill(agent, SIGTERM);
        ++restarts;
        break;
      default:
        try {
          ::kill(pool_->submit<&worker_id>().result(), SIGKILL);
          ++kills;
        } catch (const HostLost&) {
        } catch (const WorkerDied&) {
        }
        break;
    }
    ::usleep(static_cast<useconds_t>(random() % 500'000));
    const PoolMetrics m = pool_->metrics();
    ASSERT_EQ(m.submitted, m.queued + m.running + m.done + m.failed + m.cancelled);
    wait_until([&] { return !pool_->hosts().empty(); });
  }
  std::printf("%d kills, %d cuts, %d stops, %d restarts; %lu hosts lost, %lu late frames\n", kills, cuts, stops, restarts,
              pool_->incidents().hosts_lost, pool_->incidents().late_frames);
  finish();
}

}  // namespace
}  // namespace pools::test
