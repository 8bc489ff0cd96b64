// usable_cores() against made-up /proc/self and /sys/fs/cgroup trees.

#include "pools/cores.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "pools/tests/gate.h"
#include "pools/tests/soft_limit.h"

namespace pools::test {
namespace {

class UsableCores : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = directory_.file(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  pools::UsableCores with_affinity(int cpus) const {
    return detail::usable_cores(cpus, directory_.file("proc"), directory_.file("cgroup"));
  }
  std::optional<pools::UsableCores> if_known(int cpus) const {
    return detail::usable_cores_if_known(cpus, directory_.file("proc"), directory_.file("cgroup"));
  }
  std::string at(const std::string& name) const { return directory_.file(name); }

 private:
  TemporaryDirectory directory_;
};

TEST_F(UsableCores, is_the_affinity_mask_where_no_quota_can_be_read) {
  EXPECT_EQ(with_affinity(3).count, 3);
  EXPECT_EQ(with_affinity(3).decided_by, "affinity mask (3 CPUs)");
  EXPECT_EQ(with_affinity(1).decided_by, "affinity mask (1 CPU)");
}

TEST_F(UsableCores, is_unknown_without_a_descriptor_to_look_with) {
  write("proc/cgroup", "0::/box\n4:cpu:/box\n");
  write("cgroup/box/cpu.max", "150000 100000\n");
  EXPECT_EQ(if_known(64).value().count, 2);
  {
    const SoftLimit none(RLIMIT_NOFILE, 0);
    EXPECT_FALSE(if_known(64));
    EXPECT_FALSE(detail::usable_cores_if_known());
    EXPECT_EQ(with_affinity(64).count, 64);  // whoever asks once has to have a number
  }
  EXPECT_EQ(if_known(64).value().count, 2);
  std::filesystem::remove(at("cgroup/box/cpu.max"));
  EXPECT_EQ(if_known(64).value().count, 64);  // there is none
}

TEST_F(UsableCores, v2_quota_is_rounded_up) {
  write("proc/cgroup", "0::/box\n");
  write("cgroup/box/cpu.max", "150000 100000\n");
  EXPECT_EQ(with_affinity(8).count, 2);
  EXPECT_EQ(with_affinity(8).decided_by, "cgroup quota (1.5 CPUs)");
}

TEST_F(UsableCores, v2_max_does_not_limit) {
  write("proc/cgroup", "0::/box\n");
  write("cgroup/box/cpu.max", "max 100000\n");
  EXPECT_EQ(with_affinity(8).count, 8);
}

TEST_F(UsableCores, the_tightest_quota_of_all_ancestors_counts) {
  write("proc/cgroup", "0::/a/b/c\n");
  write("cgroup/a/b/c/cpu.max", "600000 100000\n");
  write("cgroup/a/cpu.max", "200000 100000\n");
  EXPECT_EQ(with_affinity(8).count, 2);
  write("cgroup/a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(with_affinity(8).count, 1);  // never less than one
  EXPECT_EQ(with_affinity(8).decided_by, "cgroup quota (0.5 CPUs)");
}

TEST_F(UsableCores, the_root_groups_quota_counts_which_is_a_containers_own) {
  write("proc/cgroup", "0::/\n");
  write("cgroup/cpu.max", "300000 100000\n");
  EXPECT_EQ(with_affinity(8).count, 3);
}

TEST_F(UsableCores, v1_quota_and_its_ancestors_count) {
  write("proc/cgroup", "12:memory:/x\n4:cpu,cpuacct:/docker/abc\n3:cpuset:/y\n");
  write("cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "-1\n");
  write("cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(with_affinity(8).count, 8);
  write("cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "250000\n");
  write("cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(with_affinity(8).count, 3);
  EXPECT_EQ(with_affinity(8).decided_by, "cgroup quota (2.5 CPUs)");
}

TEST_F(UsableCores, a_v1_controller_that_only_sounds_like_cpu_does_not_count) {
  write("proc/cgroup", "3:cpuset:/box\n");
  write("cgroup/cpuset/box/cpu.cfs_quota_us", "100000\n");
  write("cgroup/cpuset/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(with_affinity(8).count, 8);
}

TEST_F(UsableCores, v2_in_a_hybrid_hierarchy_is_found) {
  write("proc/cgroup", "0::/box\n");
  write("cgroup/unified/box/cpu.max", "100000 100000\n");
  EXPECT_EQ(with_affinity(8).count, 1);
}

TEST_F(UsableCores, the_mask_decides_where_it_is_the_smaller) {
  write("proc/cgroup", "0::/box\n");
  write("cgroup/box/cpu.max", "600000 100000\n");
  EXPECT_EQ(with_affinity(2).count, 2);
  EXPECT_EQ(with_affinity(2).decided_by, "affinity mask (2 CPUs)");
}

TEST_F(UsableCores, garbage_does_not_limit) {
  write("proc/cgroup", "nonsense\n0:\n::\n0::/box\n");
  for (const char* text : {"", "max", "0 100000\n", "-5 100000\n", "x y\n", "100000 0\n"}) {
    write("cgroup/box/cpu.max", text);
    EXPECT_EQ(with_affinity(4).count, 4) << text;
  }
}

TEST_F(UsableCores, of_this_process_are_at_least_one_and_at_most_its_affinity_mask) {
  const pools::UsableCores cores = pools::usable_cores();
  EXPECT_GE(cores.count, 1);
  EXPECT_FALSE(cores.decided_by.empty());
  std::thread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(pools::usable_cores().count, 1);
  }).join();
}

}  // namespace
}  // namespace pools::test
