// `doctor` on machines made of files: each check on what is fine, what is not, and what the kernel does not say.

#include "harness/machine/doctor/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/tests/colours.h"
#include "harness/tests/front_cells.h"

namespace harness::doctor {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A quiet physical machine of 8 cores, of which tests spoil one thing.
class MachineOfTest {
 public:
  MachineOfTest() {
    patient.roots.root = directory_.path();
    patient.cpus_online = 8;
    patient.affinity_cores = 8;
    patient.timer_slack_ns = 50'000;
    patient.lateness_ns.assign(40, 20'000);
    file("proc/loadavg", "0.20 0.30 0.12 1/80 11206\n");
    for (const char* const resource : {"cpu", "memory", "io"}) {
      file(std::string("proc/pressure/") + resource, "some avg10=0.40 avg60=0.00 avg300=0.00 total=0\n");
    }
    file("proc/stat", "cpu  100 0 100 9000 0 0 0 0 0 0\ncpu0 1 2 3\n");
    file("proc/cpuinfo", "model name\t: Test\nflags\t\t: fpu tsc\n");
    file("proc/self/cgroup", "0::/user/shell\n");
    file("proc/1/cgroup", "0::/init.scope\n");
    file("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
    file("proc/sys/kernel/randomize_va_space", "2\n");
    file("proc/sys/kernel/sched_autogroup_enabled", "0\n");
    file("sys/fs/cgroup/user/shell/cpu.max", "max 100000\n");
    file("sys/fs/cgroup/user/shell/cpu.stat", "usage_usec 5\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n");
    for (const char* const policy : {"policy0", "policy4"}) {
      file(std::string("sys/devices/system/cpu/cpufreq/") + policy + "/scaling_governor", "performance\n");
    }
    file("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
    file("sys/devices/system/cpu/smt/active", "0\n");
    file("sys/devices/system/cpu/smt/control", "off\n");
    file("sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "0\n");
    file("sys/devices/system/cpu/cpu0/cpuidle/state0/name", "POLL\n");
    file("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    file("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm\n");
    file("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  }

  void file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((directory_ / name).parent_path());
    write_text(directory_ / name, text);
  }
  void remove(const std::string& name) { std::filesystem::remove_all(directory_ / name); }
  void make_virtual() { file("proc/cpuinfo", "model name\t: Test\nflags\t\t: fpu hypervisor tsc\n"); }

  Patient patient;

 private:
  TestDirectory directory_;
};

void expect(const Finding& finding, Verdict verdict, const std::string& words, const std::string& remedy = "") {
  EXPECT_EQ(finding.verdict, verdict) << finding.found;
  EXPECT_THAT(finding.found, HasSubstr(words));
  EXPECT_THAT(finding.remedy, HasSubstr(remedy));
  EXPECT_EQ(finding.remedy.empty(), verdict == Verdict::fine) << finding.found;
}

TEST(Doctor, finds_nothing_on_a_quiet_machine) {
  const MachineOfTest machine;
  for (const Finding& finding : examine(machine.patient))
    EXPECT_EQ(finding.verdict, Verdict::fine) << finding.id << ": " << finding.found;
}

TEST(Doctor, guesses_nothing_where_the_kernel_says_nothing) {
  const TestDirectory empty;
  Patient patient;
  patient.roots.root = empty.path();
  std::set<std::string_view> ids;
  for (const Finding& finding : examine(patient)) {
    EXPECT_TRUE(ids.insert(finding.id).second) << finding.id;
    EXPECT_THAT(std::string(finding.why), Not(IsEmpty())) << finding.id;
    EXPECT_THAT(finding.found, Not(IsEmpty())) << finding.id;
    EXPECT_TRUE(finding.verdict != Verdict::spoils || finding.id == "cores") << finding.id << ": " << finding.found;
  }
  EXPECT_EQ(ids.size(), checks().size());
}

TEST(Doctor, sees_load_and_pressure) {
  MachineOfTest machine;
  machine.file("proc/loadavg", "2.01 0.30 0.12 1/80 11206\n");  // 8 cores: at most 2.00
  expect(load(machine.patient), Verdict::spoils, "2.01", "ps -eo");
  machine.file("proc/pressure/io", "some avg10=12.50 avg60=0.00 avg300=0.00 total=0\n");
  expect(pressure(machine.patient), Verdict::spoils, "io 12.5 %", "ps -eo");
  machine.remove("proc/pressure");
  EXPECT_EQ(pressure(machine.patient).verdict, Verdict::unknown);
}

TEST(Doctor, sees_stolen_time) {
  MachineOfTest machine;
  machine.file("proc/stat", "cpu  100 0 100 9750 0 0 0 50 0 0\n");
  expect(steal(machine.patient), Verdict::caution, "0.5 %", "inside");
  machine.file("proc/stat", "cpu  100 0 100 9300 0 0 0 500 0 0\n");
  expect(steal(machine.patient), Verdict::spoils, "5 %", "inside");
}

TEST(Doctor, sees_a_quota_of_this_group_or_one_above_in_both_versions) {
  MachineOfTest machine;
  machine.file("sys/fs/cgroup/user/cpu.max", "150000 100000\n");
  expect(quota(machine.patient), Verdict::spoils, "1.5 CPUs", "echo max | sudo tee /sys/fs/cgroup/user/cpu.max");
  machine.file("sys/fs/cgroup/user/shell/cpu.max", "50000 100000\n");
  expect(quota(machine.patient), Verdict::spoils, "0.5 CPUs", "/sys/fs/cgroup/user/shell/cpu.max");
  machine.file("sys/fs/cgroup/user/cpu.max", "1600000 100000\n");
  machine.file("sys/fs/cgroup/user/shell/cpu.max", "max 100000\n");
  expect(quota(machine.patient), Verdict::fine, "16 CPUs, more than there are");

  MachineOfTest old;
  old.file("proc/self/cgroup", "4:memory:/group\n3:cpu,cpuacct:/group\n");
  old.file("sys/fs/cgroup/cpu,cpuacct/group/cpu.cfs_quota_us", "200000\n");
  old.file("sys/fs/cgroup/cpu,cpuacct/group/cpu.cfs_period_us", "100000\n");
  expect(quota(old.patient), Verdict::spoils, "2 CPUs", "echo -1 | sudo tee /sys/fs/cgroup/cpu,cpuacct/group/cpu.cfs_quota_us");
  old.file("sys/fs/cgroup/cpu,cpuacct/group/cpu.cfs_quota_us", "-1\n");
  expect(quota(old.patient), Verdict::fine, "no CPU quota");
}

TEST(Doctor, sees_throttling_in_both_versions) {
  MachineOfTest machine;
  machine.file("sys/fs/cgroup/user/shell/cpu.stat", "nr_periods 9\nnr_throttled 3\nthrottled_usec 250000\n");
  expect(throttling(machine.patient), Verdict::spoils, "3 times, 250 ms", "quota");
  machine.file("proc/self/cgroup", "3:cpu:/group\n");
  machine.file("sys/fs/cgroup/cpu/group/cpu.stat", "nr_periods 9\nnr_throttled 2\nthrottled_time 40000000\n");
  expect(throttling(machine.patient), Verdict::spoils, "2 times, 40.0 ms", "quota");
}

TEST(Doctor, counts_cores) {
  MachineOfTest machine;
  machine.patient.affinity_cores = 2;
  expect(few_cores(machine.patient), Verdict::caution, "2 usable cores of 8", "nothing mends that");
  expect(affinity(machine.patient), Verdict::caution, "2 of the 8 CPUs", "taskset -c 0-7");
  machine.patient.affinity_cores = 1;
  expect(few_cores(machine.patient), Verdict::spoils, "1 usable core of 8", "");
}

TEST(Doctor, sees_what_the_processor_does) {
  MachineOfTest machine;
  machine.file("sys/devices/system/cpu/cpufreq/policy4/scaling_governor", "powersave\n");
  expect(governor(machine.patient), Verdict::spoils, "powersave", "cpupower frequency-set -g performance");
  machine.file("sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
  expect(boost(machine.patient), Verdict::caution, "turbo is on", "intel_pstate/no_turbo");
  machine.remove("sys/devices/system/cpu/intel_pstate");
  machine.file("sys/devices/system/cpu/cpufreq/boost", "1\n");
  expect(boost(machine.patient), Verdict::caution, "boost is on", "cpufreq/boost");
  machine.file("sys/devices/system/cpu/smt/active", "1\n");
  expect(smt(machine.patient), Verdict::caution, "SMT is on", "smt/control");
  machine.file("sys/devices/system/cpu/cpu0/cpuidle/state3/latency", "133\n");
  machine.file("sys/devices/system/cpu/cpu0/cpuidle/state3/name", "C6\n");
  expect(idle_states(machine.patient), Verdict::caution, "133 us to wake (C6)", "idle-set");
  machine.file("sys/devices/system/cpu/cpu0/cpuidle/state3/disable", "1\n");
  expect(idle_states(machine.patient), Verdict::fine, "within 0 us (POLL)");
  machine.file("sys/devices/system/cpu/cpu0/cpu_capacity", "1024\n");
  machine.file("sys/devices/system/cpu/cpu1/cpu_capacity", "1024\n");
  machine.file("sys/devices/system/cpu/cpu2/cpu_capacity", "446\n");
  expect(core_kinds(machine.patient), Verdict::caution, "the fastest are 0,1", "taskset -c 0,1");
  machine.file("sys/devices/cpu_core/cpus", "0-7\n");
  machine.file("sys/devices/cpu_atom/cpus", "8-15\n");
  expect(core_kinds(machine.patient), Verdict::caution, "efficient ones (8-15)", "taskset -c 0-7");
}

TEST(Doctor, says_that_a_virtual_machine_cannot_mend_its_host) {
  MachineOfTest machine;
  machine.make_virtual();
  machine.remove("sys/devices/system/cpu/cpufreq");
  machine.remove("sys/devices/system/cpu/intel_pstate");
  machine.file("sys/class/dmi/id/sys_vendor", "QEMU\n");
  expect(virtual_machine(machine.patient), Verdict::caution, "(QEMU)", "from inside");
  EXPECT_THAT(governor(machine.patient).remedy, HasSubstr("from inside a virtual machine"));
  EXPECT_THAT(boost(machine.patient).remedy, HasSubstr("from inside a virtual machine"));
}

TEST(Doctor, sees_containers) {
  MachineOfTest docker;
  docker.file(".dockerenv", "");
  expect(container(docker.patient), Verdict::caution, "docker", "--cpuset-cpus");
  MachineOfTest podman;
  podman.file("run/.containerenv", "");
  expect(container(podman.patient), Verdict::caution, "podman", "");
  MachineOfTest pod;
  pod.file("proc/1/cgroup", "0::/kubepods/pod4711/1\n");
  expect(container(pod.patient), Verdict::caution, "kubepods", "");
}

TEST(Doctor, sees_late_sleeps_and_slow_clocks) {
  MachineOfTest machine;
  machine.patient.lateness_ns.assign(40, 300'000);
  expect(timers(machine.patient), Verdict::spoils, "300 us late", "load");
  machine.patient.lateness_ns.assign(40, 20'000);
  std::fill_n(machine.patient.lateness_ns.begin(), 5, 3'000'000);
  expect(timers(machine.patient), Verdict::spoils, "every tenth 3.00 ms", "");
  machine.patient.lateness_ns.clear();
  EXPECT_EQ(timers(machine.patient).verdict, Verdict::unknown);
  machine.file("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  expect(clock_source(machine.patient), Verdict::spoils, "hpet", "echo tsc");
  machine.file("sys/devices/system/clocksource/clocksource0/available_clocksource", "hpet acpi_pm\n");
  expect(clock_source(machine.patient), Verdict::spoils, "hpet", "no better one");
}

TEST(Doctor, sees_memory_and_scheduler_settings) {
  MachineOfTest machine;
  machine.file("proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 2097148 0 -2\n");
  expect(swap(machine.patient), Verdict::fine, "0 MiB of 2047 MiB");
  machine.file("proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 2097148 204800 -2\n");
  expect(swap(machine.patient), Verdict::caution, "200 MiB of 2047 MiB", "swapoff");
  machine.file("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
  expect(huge_pages(machine.patient), Verdict::caution, "[always]", "echo madvise");
  machine.file("proc/sys/kernel/sched_autogroup_enabled", "1\n");
  expect(autogroup(machine.patient), Verdict::caution, "on", "sched_autogroup_enabled=0");
  machine.file("proc/sys/kernel/randomize_va_space", "0\n");
  expect(address_space(machine.patient), Verdict::caution, "not randomised", "randomize_va_space=2");
}

TEST(Doctor, judges_its_own_build) {
  MachineOfTest machine;
  machine.patient.build_type = "Debug";
  expect(build(machine.patient), Verdict::spoils, "Debug", "--preset release");
  machine.patient.build_type = "RelWithDebInfo";
  machine.patient.assertions = true;
  expect(build(machine.patient), Verdict::spoils, "with assertions", "");
  machine.patient.sanitized = true;
  expect(build(machine.patient), Verdict::spoils, "sanitizer", "");
}

TEST(Doctor, writes_what_spoils_first) {
  MachineOfTest machine;
  machine.file("proc/loadavg", "9 9 9 1/80 1\n");
  machine.patient.affinity_cores = 6;
  const std::string text = findings_text(examine(machine.patient));
  EXPECT_THAT(text, testing::StartsWith("1 spoils measurements here, 1 asks for caution, "));
  EXPECT_LT(text.find("spoils   load"), text.find("caution  affinity"));
  EXPECT_LT(text.find("caution  affinity"), text.find("fine     governor"));
  const std::string coloured = findings_text(examine(machine.patient), {.colour = true});
  EXPECT_THAT(coloured, HasSubstr("\n" + painted("spoils  ", Paint::bad, {.colour = true}) + " load"));
  EXPECT_EQ(without_colours(coloured), text);
  EXPECT_THAT(findings_json(examine(machine.patient)),
              AllOf(HasSubstr("\"spoils\": 1"), HasSubstr("\"id\": \"load\""), HasSubstr("\"verdict\": \"spoils\"")));
}

TEST(Doctor, measures_this_machine) {
  const Patient patient = measure_patient();
  EXPECT_EQ(patient.lateness_ns.size(), 40u);
  for (const std::int64_t ns : patient.lateness_ns) EXPECT_GE(ns, 0);
  EXPECT_GE(patient.affinity_cores, 1);
  EXPECT_EQ(examine(patient).size(), checks().size());
}

}  // namespace
}  // namespace harness::doctor
