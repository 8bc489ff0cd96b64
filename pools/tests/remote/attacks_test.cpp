// A remote pool that is treated badly: descriptors run out, standard descriptors are closed, the client is stopped, its tasks have remote
// pools of their own.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "pools/src/process/os/file_descriptor.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/remote/agents.h"
#include "pools/tests/remote/owner.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

class RemoteAttacksTest : public ProcessTest {};

// While it lives, this process can open no descriptor.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    // The next one, and not 0: poll() refuses to look at more than may be open.
    none.rlim_cur = static_cast<rlim_t>(detail::FileDescriptor(::dup(STDERR_FILENO)).get());
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) throw std::system_error(errno, std::generic_category(), "setrlimit");
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

// One that waits at a gate, made of a named pipe, before it connects.
Child waiting_agent(RemotePool& pool, const std::string& fifo) {
  const std::string self = "/proc/" + std::to_string(::getpid()) + "/exe";
  return spawn({.arguments = {"-c", "read go <" + fifo + "; exec " + self + " --pool-agent " + pool.address() + " --workers 1"},
                .program = "/bin/sh",
                .own_process_group = true,
                .environment = {"POOLS_AGENT_KEY=" + pool.agent_key()}});
}

TEST_F(RemoteAttacksTest, a_client_without_descriptors_goes_on_and_lets_agents_in_when_it_has_some) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers take descriptors of their own: to UBSan no object is valid without two";
#endif
  const TemporaryDirectory directory;
  const std::string fifo = directory.file("go");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  HandPool hand;
  hand.add();
  hand.agents.push_back(waiting_agent(*hand.pool, fifo));
  const detail::FileDescriptor go(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  {
    const NoDescriptors none;
    ASSERT_EQ(::write(go.get(), "go\n", 3), 3);
    const auto until = std::chrono::steady_clock::now() + 500ms;  // it knocks meanwhile
    for (int task = 0; std::chrono::steady_clock::now() < until; ++task) {
      ASSERT_EQ(hand.pool->submit<&square>(task % 100).result(), task % 100 * (task % 100));
    }
    EXPECT_EQ(hand.pool->hosts().size(), 1U);
  }
  hand.pool->await_hosts(2, 30s);
  EXPECT_EQ(hand.pool->submit<&square>(3).result(), 9);
}

TEST_F(RemoteAttacksTest, an_agent_whose_standard_descriptors_are_closed_works) {
  RemotePool pool({.launcher = command("exec {agent} --workers 1 >&- 2>&-", {"x"})});
  pool.start_all();
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
  EXPECT_THROW(pool.submit<&die_by>(SIGKILL).result(), WorkerDied);
  EXPECT_EQ(pool.submit<&square>(4).result(), 16);
}

int square_elsewhere(int value) {
  RemotePool pool({.launcher = command("exec {agent} --workers 1", {"inner"})});
  pool.start_all();
  return pool.submit<&square>(value).result();
}
bool is_on_another_host_than_its_task() {
  RemotePool pool({.launcher = command("exec {agent} --workers 1", {"inner"})});
  return pool.submit<&agent_incarnation>().result() != agent_incarnation();
}

TEST_F(RemoteAttacksTest, a_task_may_have_a_remote_pool_of_its_own) {
  HandPool hand;
  hand.add(2);
  const auto other = hand.pool->submit<&square_elsewhere>(4);
  EXPECT_EQ(hand.pool->submit<&square_elsewhere>(3).result(), 9);
  EXPECT_EQ(other.result(), 16);
  EXPECT_TRUE(hand.pool->submit<&is_on_another_host_than_its_task>().result());
}

int own_a_remote_pool_and_wait(const std::string& log, const std::string& gate) {
  RemotePool pool({.launcher = command("exec {agent} --workers 1", {"inner"})});
  pool.start_all();
  log_value(log, pool.hosts()[0].pid);
  pass(gate);
  return 0;
}

TEST_F(RemoteAttacksTest, the_agents_of_a_task_that_is_killed_end_with_it) {
  Gate gate;
  const TemporaryDirectory directory;
  HandPool hand;
  hand.add();
  const auto task =
      hand.pool->with({.cancel_kills = true}).submit<&own_a_remote_pool_and_wait>(directory.file("log"), gate.name());
  gate.await();
  const std::vector<int> agents = logged(directory.file("log"));
  ASSERT_EQ(agents.size(), 1U);
  EXPECT_TRUE(task.cancel());
  wait_until([&] { return ::kill(agents[0], 0) != 0; });
}

// Of a second or two: less than an agent waits, more than the client would of an agent.
TEST_F(RemoteAttacksTest, a_client_that_is_stopped_for_a_moment_loses_nothing) {
  Gate gate;
  const TemporaryDirectory directory;
  Child owner = spawn({.arguments = {kRemoteOwnerArgument, directory.file("log"), gate.name()}, .own_process_group = true});
  gate.await(2);
  owner.kill(SIGSTOP);
  std::this_thread::sleep_for(2s);
  owner.kill(SIGCONT);
  gate.open();
  EXPECT_TRUE(owner.wait().success());
}

}  // namespace
}  // namespace pools::test
