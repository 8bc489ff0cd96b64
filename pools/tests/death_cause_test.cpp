// What a dead worker died of, from what is known; and the kernel's counts of kills for memory, against made-up trees.

#include "pools/src/process/death_cause.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "pools/remote.h"
#include "pools/src/process/os/oom_kills.h"
#include "pools/tests/gate.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;
using detail::cause_of;

DeathCause of_signal(int signal) { return cause_of({.status = {.exit_code = {}, .signal = signal}}); }

TEST(DeathCause, follows_from_the_signal) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGTRAP}) EXPECT_EQ(of_signal(signal), DeathCause::crashed);
  EXPECT_EQ(of_signal(SIGBUS), DeathCause::bus_error);
  EXPECT_EQ(of_signal(SIGSYS), DeathCause::bad_system_call);
  EXPECT_EQ(of_signal(SIGXCPU), DeathCause::cpu_limit);
  EXPECT_EQ(of_signal(SIGXFSZ), DeathCause::file_size_limit);
  for (const int signal : {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGUSR1}) EXPECT_EQ(of_signal(signal), DeathCause::killed);
}

TEST(DeathCause, is_exited_unknown_or_the_pools) {
  EXPECT_EQ(cause_of({.status = {.exit_code = 3, .signal = {}}}), DeathCause::exited);
  EXPECT_EQ(cause_of({}), DeathCause::unknown);
  EXPECT_EQ(cause_of({.status = {.exit_code = {}, .signal = SIGKILL}, .by_the_pool = true}), DeathCause::pool);
  EXPECT_EQ(cause_of({.status = {.exit_code = 0, .signal = {}}, .by_the_pool = true}), DeathCause::pool);
}

TEST(DeathCause, is_the_cpu_limit_where_a_killed_process_had_used_it_up) {
  const auto used = [](std::chrono::microseconds cpu, std::optional<std::chrono::seconds> limit) {
    return cause_of({.status = {.exit_code = {}, .signal = SIGKILL, .use = ResourceUse{.cpu_time = cpu, .peak_memory = 0}},
                     .cpu_limit = limit});
  };
  EXPECT_EQ(used(2s, 2s), DeathCause::cpu_limit);
  EXPECT_EQ(used(1'750'000us, 2s), DeathCause::cpu_limit);  // by the ticks that it is held against
  EXPECT_EQ(used(1'749'999us, 2s), DeathCause::killed);
  EXPECT_EQ(used(57s, 60s), DeathCause::cpu_limit);
  EXPECT_EQ(used(56s, 60s), DeathCause::killed);
  EXPECT_EQ(used(2s, {}), DeathCause::killed);
}

int square_of(int value) { return value * value; }

TEST(DeathCause, names_the_task_as_the_compiler_does) {
  EXPECT_THAT(detail::name_in(detail::function_name<&square_of>()),
              testing::AllOf(testing::StartsWith("pools::test::"), testing::EndsWith("square_of")));
  EXPECT_EQ(detail::name_in("void f() [Fn = &a::b]"), "a::b");
  EXPECT_EQ(detail::name_in("void f() [with auto Fn = a::b]"), "a::b");
  EXPECT_EQ(detail::name_in("something else"), "");
  EXPECT_EQ(detail::name_in(nullptr), "");
}

TEST(DeathCause, says_how_long_and_with_what) {
  EXPECT_EQ(detail::words_about_task({.task = "fetch", .task_time = 1250ms, .peak_memory = (12U << 20) + 1}),
            ", 1.25 s into fetch, with 13 MiB of memory at most");
  EXPECT_EQ(detail::words_about_task({.task_time = 2ms}), ", 0.002 s into its task");
  EXPECT_EQ(detail::words_about_task({.task = "fetch"}), ", in fetch");
  EXPECT_EQ(detail::words_about_task({}), "");
}

TEST(DeathCause, says_how_long_ago_the_kernel_killed_for_memory) {
  EXPECT_EQ(detail::words_about(DeathCause::out_of_memory, {.where = "on the machine", .ago = 1250ms}),
            "; the kernel killed a process for lack of memory on the machine, no more than 1.2 s before");
}

class OomKills : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = directory_.file(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  detail::OomKills counted() const {
    return detail::OomKills(directory_.file("proc"), directory_.file("cgroup"), directory_.file("vmstat"));
  }
  std::string at(const std::string& name) const { return directory_.file(name); }
  // As the kernel counts them for the group that `counted()` is in.
  void count(int kills) const {
    write("proc/cgroup", "0::/a\n");
    write("cgroup/a/memory.events", "oom 3\noom_kill " + std::to_string(kills) + "\n");
  }
  using Ledger = detail::OomLedger;
  Ledger ledger;

 private:
  TemporaryDirectory directory_;
};

TEST_F(OomKills, are_those_of_the_innermost_group_of_version_2) {
  write("proc/cgroup", "0::/a/b\n");
  write("cgroup/a/memory.events", "low 0\nhigh 0\nmax 7\noom 3\noom_kill 9\n");
  write("cgroup/a/b/memory.events", "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n");
  write("cgroup/a/b/memory.max", "67108864\n");
  const detail::OomKills kills = counted();
  EXPECT_EQ(kills.at_first(), 2U);
  EXPECT_EQ(kills.read(), 2U);
  write("cgroup/a/b/memory.events", "low 0\noom_kill 3\n");
  EXPECT_EQ(kills.read(), 3U);
  EXPECT_EQ(kills.at_first(), 2U);
  EXPECT_EQ(kills.where(), "in the control group " + at("cgroup/a/b") + ", whose own limit is 67108864 bytes");
}

TEST_F(OomKills, are_those_of_the_group_of_version_1) {
  write("proc/cgroup", "5:cpu:/x\n4:memory:/a\n0::/\n");
  write("cgroup/memory/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
  write("cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  const detail::OomKills kills = counted();
  EXPECT_EQ(kills.read(), 4U);
  EXPECT_EQ(kills.where(), "in the control group " + at("cgroup/memory/a"));
}

TEST_F(OomKills, are_the_machines_where_no_group_counts_them) {
  write("proc/cgroup", "0::/a\n");
  write("vmstat", "nr_free_pages 7\noom_kill 5\n");
  const detail::OomKills kills = counted();
  EXPECT_EQ(kills.read(), 5U);
  EXPECT_EQ(kills.where(), "on the machine");
}

TEST_F(OomKills, are_unknown_where_nothing_can_be_read) {
  EXPECT_FALSE(counted().read());
  EXPECT_FALSE(detail::OomKills().read());
  EXPECT_FALSE(ledger.claim(detail::OomKills(), Ledger::Clock::now()));
}

TEST_F(OomKills, are_claimed_once_each_by_who_dies_soon_after_they_were_counted) {
  count(4);
  const detail::OomKills kills = counted();
  const auto start = kills.made();
  EXPECT_FALSE(ledger.claim(kills, start));
  count(6);
  EXPECT_EQ(ledger.claim(kills, start + 1s), 1s);  // at most: then it was last looked at
  EXPECT_EQ(ledger.claim(kills, start + 2s), 2s);
  EXPECT_FALSE(ledger.claim(kills, start + 2s));
}

TEST_F(OomKills, are_forgotten_when_nobody_has_died_of_them) {
  count(0);
  const detail::OomKills kills = counted();
  const auto start = kills.made();
  count(5);
  ledger.look(kills, start + 1s);  // of another program, or of a child of a task's
  ledger.look(kills, start + 2s);
  EXPECT_FALSE(ledger.claim(kills, start + 1s + Ledger::kRemembered + 1ms));
}

TEST_F(OomKills, are_remembered_until_who_was_killed_is_dead) {
  count(0);
  const detail::OomKills kills = counted();
  const auto start = kills.made();
  count(1);
  ledger.look(kills, start + 1s);
  ledger.look(kills, start + 2s);
  const detail::OomKills later = counted();  // of a worker that starts meanwhile, and dies of something else
  EXPECT_FALSE(ledger.claim(later, start + 2s));
  EXPECT_EQ(ledger.claim(kills, start + 1s + Ledger::kRemembered), 1s + Ledger::kRemembered);
}

TEST_F(OomKills, are_counted_anew_in_a_group_that_was_made_anew) {
  count(7);
  const detail::OomKills kills = counted();
  const auto start = kills.made();
  EXPECT_FALSE(ledger.claim(kills, start));
  count(0);
  EXPECT_FALSE(ledger.claim(kills, start + 1s));
  count(1);
  EXPECT_TRUE(ledger.claim(kills, start + 2s));
}

TEST_F(OomKills, are_read_no_more_than_twice_a_second_however_many_pools_look) {
  count(0);
  const detail::OomKills kills = counted();
  const auto start = kills.made();
  ledger.look(kills, start);
  ledger.look(kills, start + 1s);
  count(1);
  ledger.look(kills, start + 1400ms);  // too soon
  EXPECT_EQ(ledger.claim(kills, start + 1600ms), 600ms);
}

}  // namespace
}  // namespace pools::test
