// Marks, what bears them, and the guard.

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "pools/src/process/os/descendants.h"
#include "pools/src/process/os/guard.h"
#include "pools/src/process/os/spawn.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/process_owner.h"

namespace pools::test {
namespace {

using detail::DescendantMark;
using detail::Guard;
using detail::kill_descendants;
using detail::signal_descendants;

using ProcessDescendants = ProcessTest;

Child marked(DescendantMark mark, bool own_group = false) {
  return spawn({.arguments = {kChildArgument, "hang"}, .own_process_group = own_group, .mark = mark});
}
bool lives(Child& child) { return !child.try_wait(); }
rlim_t limit_of(const Child& child) {
  rlimit limit{};
  EXPECT_EQ(::prlimit(child.pid(), RLIMIT_LOCKS, nullptr, &limit), 0);
  return limit.rlim_cur;
}

TEST_F(ProcessDescendants, a_pools_mark_covers_those_of_its_workers_and_nothing_else) {
  const DescendantMark pool = DescendantMark::of_a_new_pool();
  const DescendantMark other = DescendantMark::of_a_new_pool();
  for (const std::uint64_t start : {0U, 1U, 65'534U, 65'535U, 4'000'000'000U}) {
    const DescendantMark worker = pool.of_worker(start);
    EXPECT_TRUE(pool.covers(worker.value()));
    EXPECT_TRUE(worker.covers(worker.value()));
    EXPECT_FALSE(worker.covers(pool.value()));
    EXPECT_FALSE(worker.covers(pool.of_worker(start + 1).value()));
    EXPECT_FALSE(other.covers(worker.value()));
  }
  for (const rlim_t limit : {rlim_t{0}, rlim_t{1024}, RLIM_INFINITY}) {
    EXPECT_FALSE(pool.covers(limit));
    EXPECT_FALSE(DescendantMark().covers(limit));
  }
}

TEST_F(ProcessDescendants, what_bears_a_workers_mark_is_killed_and_nothing_else) {
  const DescendantMark pool = DescendantMark::of_a_new_pool();
  Child first = marked(pool.of_worker(0));
  Child second = marked(pool.of_worker(0), true);
  Child colleague = marked(pool.of_worker(1));
  Child bystander = spawn({.arguments = {kChildArgument, "hang"}});
  EXPECT_TRUE(kill_descendants(pool.of_worker(0)));
  EXPECT_EQ(first.wait().signal, SIGKILL);
  EXPECT_EQ(second.wait().signal, SIGKILL);
  EXPECT_TRUE(lives(colleague));
  EXPECT_TRUE(kill_descendants(pool));
  EXPECT_EQ(colleague.wait().signal, SIGKILL);
  EXPECT_TRUE(lives(bystander));
}

TEST_F(ProcessDescendants, what_is_stopped_is_killed_too_and_a_zombie_keeps_nobody_waiting) {
  const DescendantMark pool = DescendantMark::of_a_new_pool();
  Child stopped = marked(pool.of_worker(0));
  stopped.kill(SIGSTOP);
  EXPECT_TRUE(kill_descendants(pool));
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(stopped.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(kill_descendants(pool));
  EXPECT_EQ(stopped.wait().signal, SIGKILL);
}

TEST_F(ProcessDescendants, a_signal_reaches_those_outside_of_a_group_once) {
  const DescendantMark worker = DescendantMark::of_a_new_pool().of_worker(7);
  Child leader = marked(worker, true);
  Child outside = marked(worker);
  signal_descendants(worker, SIGTERM, leader.pid());
  EXPECT_EQ(outside.wait().signal, SIGTERM);
  EXPECT_TRUE(lives(leader));
}

TEST_F(ProcessDescendants, a_mark_of_none_takes_an_inherited_one_away) {
  const DescendantMark worker = DescendantMark::of_a_new_pool().of_worker(0);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_LOCKS, &before), 0);
  detail::bear(worker);
  Child heir = spawn({.arguments = {kChildArgument, "hang"}});
  Child other = marked(DescendantMark());
  ASSERT_EQ(::setrlimit(RLIMIT_LOCKS, &before), 0);
  EXPECT_EQ(limit_of(heir), worker.value());
  EXPECT_EQ(limit_of(other), before.rlim_max);
}

TEST_F(ProcessDescendants, without_a_descriptor_to_look_with_it_says_that_it_could_not) {
  const DescendantMark pool = DescendantMark::of_a_new_pool();
  Child child = marked(pool.of_worker(0));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool killed = kill_descendants(pool);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(killed);
  EXPECT_TRUE(lives(child));
  EXPECT_TRUE(kill_descendants(pool));
  EXPECT_EQ(child.wait().signal, SIGKILL);
}

TEST_F(ProcessDescendants, a_guard_that_is_stopped_does_not_keep_its_pool_from_ending) {
  Guard guard("test_guard", DescendantMark::of_a_new_pool());
  guard.ensure();
  siginfo_t info{};
  ASSERT_EQ(::syscall(SYS_pidfd_send_signal, guard.pidfd(), SIGSTOP, nullptr, 0), 0);
  ASSERT_EQ(::waitid(P_PIDFD, static_cast<id_t>(guard.pidfd()), &info, WSTOPPED | WNOWAIT), 0);
  guard.stop();
  EXPECT_EQ(guard.pidfd(), -1);
}

TEST_F(ProcessDescendants, a_guard_bears_no_mark_and_kills_nothing_while_its_host_lives) {
  const DescendantMark pool = DescendantMark::of_a_new_pool();
  Child worker = marked(pool.of_worker(0));
  Guard guard("test_guard", pool);
  guard.ensure();
  EXPECT_TRUE(kill_descendants(pool));
  EXPECT_EQ(worker.wait().signal, SIGKILL);
  Child another = marked(pool.of_worker(1));
  pollfd death{.fd = guard.pidfd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&death, 1, 0), 0);
  guard.stop();
  EXPECT_TRUE(lives(another));
}

}  // namespace
}  // namespace pools::test
