// spawn(): the one place that starts processes.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pools/src/process/os/spawn.h"
#include "pools/tests/expectations.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/process_owner.h"

namespace pools::test {
namespace {

using detail::FileDescriptor;

class Spawn : public ProcessTest {};

SpawnRequest child(std::vector<std::string> what) {
  what.insert(what.begin(), kChildArgument);
  return {.arguments = std::move(what)};
}

struct Ends {
  FileDescriptor ours;
  FileDescriptor theirs;
};
Ends stream_pair() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}
std::string everything_from(const FileDescriptor& end) {
  std::string text;
  char buffer[256];
  for (ssize_t got = 0; (got = ::read(end.get(), buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(got));
  return text;
}

TEST_F(Spawn, gives_the_exit_code_at_every_wait) {
  Child started = spawn(child({"exit", "7"}));
  EXPECT_GT(started.pid(), 0);
  for (int call = 0; call < 2; ++call) EXPECT_EQ(started.wait().exit_code, 7);
  EXPECT_EQ(started.try_wait()->description(), "exited with status 7");
}

TEST_F(Spawn, gives_the_signal_that_killed_it) {
  Child started = spawn(child({"signal", std::to_string(SIGUSR1)}));
  const ExitStatus status = started.wait();
  EXPECT_EQ(status.signal, SIGUSR1);
  EXPECT_FALSE(status.exit_code);
}

TEST_F(Spawn, gives_what_it_has_used) {
  Child started = spawn(child({"exit", "0"}));
  const std::optional<ResourceUse> use = started.wait().use;
  ASSERT_TRUE(use);
  EXPECT_GT(use->peak_memory, 100'000U);
  EXPECT_GT(use->cpu_time.count(), 0);
}

TEST_F(Spawn, an_empty_try_wait_means_running_and_kill_ends_it) {
  Child started = spawn(child({"hang"}));
  EXPECT_FALSE(started.try_wait());
  EXPECT_TRUE(started.kill(SIGTERM));
  EXPECT_EQ(started.wait().signal, SIGTERM);
  EXPECT_FALSE(started.kill(SIGTERM));
}

TEST_F(Spawn, a_child_that_is_dropped_is_killed_and_reaped) { spawn(child({"hang"})); }

TEST_F(Spawn, the_channel_becomes_descriptor_3) {
  Ends ends = stream_pair();
  SpawnRequest request = child({"write", "through the channel"});
  request.channel_fd = ends.theirs.get();
  Child started = spawn(request);
  ends.theirs.reset();
  EXPECT_EQ(everything_from(ends.ours), "through the channel");
  EXPECT_TRUE(started.wait().success());
}

TEST_F(Spawn, output_and_error_can_be_taken) {
  Ends output = stream_pair();
  Ends error = stream_pair();
  SpawnRequest request = child({"say"});
  request.stdout_fd = output.theirs.get();
  request.stderr_fd = error.theirs.get();
  Child started = spawn(request);
  output.theirs.reset();
  error.theirs.reset();
  EXPECT_EQ(everything_from(output.ours), "out");
  EXPECT_EQ(everything_from(error.ours), "err");
}

TEST_F(Spawn, nothing_else_is_inherited) {
  FileDescriptor leak(::fcntl(2, F_DUPFD, 100));  // not close-on-exec
  EXPECT_TRUE(spawn(child({"descriptor", std::to_string(leak.get())})).wait().success());
  EXPECT_TRUE(spawn(child({"descriptor", "3"})).wait().success());  // no channel
}

TEST_F(Spawn, signals_are_as_in_a_new_process) {
  const auto previous = ::signal(SIGUSR2, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  EXPECT_TRUE(spawn(child({"signals"})).wait().success());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGUSR2, previous);
}

TEST_F(Spawn, environment_is_added_and_replaced) {
  ::setenv("POOLS_TEST_OLD", "old", 1);
  SpawnRequest request = child({"environment", "POOLS_TEST_OLD", "new"});
  EXPECT_EQ(spawn(request).wait().exit_code, 1);
  request.environment = {"POOLS_TEST_OLD=new"};
  EXPECT_TRUE(spawn(request).wait().success());
  request = child({"environment", "POOLS_TEST_NEW", ""});
  request.environment = {"POOLS_TEST_NEW="};
  EXPECT_TRUE(spawn(request).wait().success());
  ::unsetenv("POOLS_TEST_OLD");
}

TEST_F(Spawn, a_process_group_is_made_if_asked_for) {
  SpawnRequest request = child({"group"});
  EXPECT_EQ(spawn(request).wait().exit_code, 1);
  request.own_process_group = true;
  EXPECT_TRUE(spawn(request).wait().success());
}

TEST_F(Spawn, an_empty_argument_arrives) { EXPECT_EQ(spawn(child({""})).wait().exit_code, 99); }

TEST_F(Spawn, a_failed_exec_is_an_error_with_its_number_and_leaves_no_zombie) {
  // Longer than a single argument may be.
  try {
    spawn(child({"exit", std::string(1 << 20, 'x')}));
    ADD_FAILURE() << "it was executed";
  } catch (const SpawnError& error) {
    EXPECT_EQ(error.code(), std::errc::argument_list_too_long);
    EXPECT_THAT(error.what(), testing::HasSubstr("execute /proc/self/exe"));
  }
}

TEST_F(Spawn, a_bad_descriptor_is_an_error) {
  SpawnRequest request = child({"exit", "0"});
  request.channel_fd = 9999;
  try {
    spawn(request);
    ADD_FAILURE() << "it was started";
  } catch (const SpawnError& error) {
    EXPECT_EQ(error.code(), std::errc::bad_file_descriptor);
  }
}

TEST_F(Spawn, a_child_survives_the_thread_that_started_it) {
  Child started;
  std::thread([&] { started = spawn(child({"hang"})); }).join();
  EXPECT_FALSE(started.try_wait());
  EXPECT_TRUE(started.kill(SIGUSR1));  // would be SIGKILL if the death of the thread had killed it
  EXPECT_EQ(started.wait().signal, SIGUSR1);
}

TEST_F(Spawn, many_threads_may_spawn_at_once) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([caller] {
      for (int round = 0; round < 5; ++round) {
        const int code = caller * 5 + round;
        EXPECT_EQ(spawn(child({"exit", std::to_string(code)})).wait().exit_code, code);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace pools::test
