// A quota that the program gives itself: as the kernel has it where one can be made, and in one line why not where none can.

#include "harness/machine/cpu_quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/tests/front_cells.h"
#include "pools/cores.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class FakeCgroups {
 public:
  explicit FakeCgroups(const std::string& groups) {
    std::filesystem::create_directories(directory_ / "proc");
    std::filesystem::create_directories(directory_ / "cgroup");
    std::ofstream(directory_ / "proc/cgroup") << groups;
  }
  void file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((directory_ / "cgroup" / name).parent_path());
    std::ofstream(directory_ / "cgroup" / name) << text;
  }
  std::string refusal() const {
    try {
      const CpuQuota quota(1, {.proc_self = directory_ / "proc", .cgroups = directory_ / "cgroup"});
    } catch (const EnvironmentError& error) {
      return error.what();
    }
    return "none";
  }
  // Names of what is in a group.
  std::vector<std::string> entries(const std::string& group) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / ("cgroup/" + group))) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

 private:
  TestDirectory directory_;
};

TEST(CpuQuota, SaysWhyNoneCanBeMade) {
  const FakeCgroups nothing("");
  EXPECT_EQ(nothing.refusal(), "no CPU quota can be made: no control group here may govern CPU time");
  FakeCgroups not_handed_on("0::/user\n");
  not_handed_on.file("cgroup.subtree_control", "memory pids\n");
  not_handed_on.file("user/cgroup.procs", "");
  EXPECT_THAT(not_handed_on.refusal(), HasSubstr("may govern CPU time"));
}

// Where the kernel makes no files in a new group nothing can be written, and the group goes again.
TEST(CpuQuota, LeavesNoGroupBehindThatItCouldNotSetUp) {
  FakeCgroups old("4:cpu,cpuacct:/container\n0::/\n");
  old.file("cpu,cpuacct/container/cgroup.procs", "");
  EXPECT_THAT(old.refusal(), HasSubstr("cannot write '"));
  EXPECT_THAT(old.refusal(), HasSubstr("cpu,cpuacct/container/poolbench-"));
  EXPECT_THAT(old.refusal(), HasSubstr("cpu.cfs_period_us"));
  EXPECT_THAT(old.entries("cpu,cpuacct/container"), ElementsAre("cgroup.procs"));

  FakeCgroups unified("0::/user/shell\n");
  unified.file("user/cgroup.subtree_control", "cpu memory\n");
  unified.file("user/shell/cgroup.procs", "");
  EXPECT_THAT(unified.refusal(), HasSubstr("user/poolbench-"));  // beside its own, which has processes
  EXPECT_THAT(unified.refusal(), HasSubstr("cpu.max"));
  EXPECT_THAT(unified.entries("user/shell"), ElementsAre("cgroup.procs"));
  EXPECT_THAT(unified.entries("user"), UnorderedElementsAre("cgroup.subtree_control", "shell"));
}

TEST(CpuQuota, LimitsThisProcessWhileItLives) {
  const int before = pools::usable_cores().count;
  std::unique_ptr<CpuQuota> quota;
  try {
    quota = std::make_unique<CpuQuota>(1);
  } catch (const EnvironmentError& error) {
    GTEST_SKIP() << error.what();
  }
  const std::filesystem::path group = quota->group();
  EXPECT_EQ(pools::usable_cores().count, 1);
  EXPECT_TRUE(std::filesystem::exists(group));
  quota.reset();
  EXPECT_EQ(pools::usable_cores().count, before);
  EXPECT_FALSE(std::filesystem::exists(group));
}

}  // namespace
}  // namespace harness
