// start_all() of a thread pool at the limits of the system: the real ones, and those that only a file can play.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

#include "pools/src/base/thread_limit.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/in_fork.h"
#include "pools/tests/soft_limit.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

std::uint64_t address_space() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(ThreadLimits, start_all_says_how_many_threads_there_are_and_that_the_address_space_is_at_its_limit) {
  ThreadPool pool({.workers = 2000, .name_prefix = "large"});
  {
    const SoftLimit limit(RLIMIT_AS, address_space() + (std::uint64_t{200} << 20));
    POOLS_EXPECT_THROW_WHAT(pool.start_all(), std::system_error,
                            testing::AllOf(testing::HasSubstr("start_all(): the pool 'large' has " +
                                                              std::to_string(pool.metrics().workers) +
                                                              " of 2000 threads, and no further one can be started: "),
                                           testing::HasSubstr("RLIMIT_AS) is ")));
  }
  EXPECT_EQ(pool.submit([] { return 3; }).result(), 3);  // with those that there are
}

TEST(ThreadLimits, start_all_names_the_limit_of_the_users_threads) {
  const pid_t child = fork_that([] {
    constexpr uid_t kNobodyElse = 54321;  // root has no limit
    if (::geteuid() == 0 &&
        (::setresgid(kNobodyElse, kNobodyElse, kNobodyElse) != 0 || ::setresuid(kNobodyElse, kNobodyElse, kNobodyElse) != 0)) {
      ::_exit(77);
    }
    const SoftLimit limit(RLIMIT_NPROC, 1);
    ThreadPool pool{5};
    try {
      pool.start_all();
      throw std::runtime_error("all were started");
    } catch (const std::system_error& error) {
      const std::string what = error.what();
      if (what.find("has 0 of 5 threads") == std::string::npos || what.find("RLIMIT_NPROC) is 1") == std::string::npos) throw;
      if (error.code() != std::errc::resource_unavailable_try_again) throw std::runtime_error("another code");
    }
  });
  const int status = exit_status(child);
  if (status == 77) GTEST_SKIP() << "root cannot become another user here";
  EXPECT_EQ(status, 0);
}

class PlayedLimits : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = directory_.file(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::string limit() const { return detail::limit_on_threads(directory_.file("proc"), directory_.file("cgroup")); }

 private:
  TemporaryDirectory directory_;
};

TEST_F(PlayedLimits, a_control_group_and_its_ancestors_count_in_both_versions) {
  write("proc/self/cgroup", "0::/box/inner\n");
  write("cgroup/box/inner/pids.max", "max\n");
  write("cgroup/box/inner/pids.current", "40\n");
  write("cgroup/box/pids.max", "41\n");
  write("cgroup/box/pids.current", "40\n");
  EXPECT_THAT(limit(), testing::Not(testing::HasSubstr("pids.max")));
  write("cgroup/box/pids.current", "41\n");
  EXPECT_EQ(limit(), "the control group's limit of tasks (pids.max) is 41");

  write("proc/self/cgroup", "8:pids:/box\n");
  EXPECT_THAT(limit(), testing::Not(testing::HasSubstr("pids.max")));
  write("cgroup/pids/box/pids.max", "7\n");
  write("cgroup/pids/box/pids.current", "7\n");
  EXPECT_EQ(limit(), "the control group's limit of tasks (pids.max) is 7");
}

TEST_F(PlayedLimits, the_systems_limits_count) {
  write("proc/loadavg", "0.10 0.20 0.30 2/500 4711\n");
  write("proc/sys/kernel/threads-max", "501\n");
  write("proc/sys/kernel/pid_max", "501\n");
  EXPECT_THAT(limit(), testing::HasSubstr("cannot be seen from here"));
  write("proc/sys/kernel/threads-max", "500\n");
  EXPECT_EQ(limit(), "the system's limit of threads (kernel.threads-max) is 500");
}

}  // namespace
}  // namespace pools::test
