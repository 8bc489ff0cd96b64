// Checks of what else runs, of limits, timers and memory.

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "harness/base/quantity.h"
#include "harness/machine/doctor/doctor.h"
#include "harness/machine/environment.h"
#include "harness/machine/machine.h"
#include "harness/machine/resources.h"
#include "harness/model/statistics.h"
#include "pools/cores.h"

namespace harness::doctor {
namespace {

using std::filesystem::path;

constexpr const char* kWhoRuns = "ps -eo pcpu,pid,comm --sort=-pcpu | head   # then stop it, or wait";

std::string contents(const path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

int usable_cores(const Patient& patient) {
  return pools::detail::usable_cores(patient.affinity_cores, patient.roots.proc() / "self", patient.roots.cgroups()).count;
}

// The control groups that govern this process's CPU time and all their ancestors, of both versions, as directories.
std::vector<path> cpu_groups(const Roots& roots) {
  std::vector<path> groups;
  const auto add = [&](const path& top, const std::string& group) {
    path at = (top / path(group).relative_path()).lexically_normal();
    for (;; at = at.parent_path()) {
      std::error_code error;
      if (std::filesystem::is_directory(at, error) && std::find(groups.begin(), groups.end(), at) == groups.end())
        groups.push_back(at);
      if (at == top.lexically_normal() || !at.has_relative_path()) return;
    }
  };
  std::istringstream lines(contents(roots.proc() / "self/cgroup"));
  for (std::string line; std::getline(lines, line);) {  // "4:cpu,cpuacct:/group", of v2 "0::/group"
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    while (!group.empty() && group.back() == '/') group.pop_back();  // "/" has no directory of its own below the mount
    if (controllers.empty()) {
      add(roots.cgroups(), group);
      add(roots.cgroups() / "unified", group);
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      add(roots.cgroups() / controllers, group);
      add(roots.cgroups() / "cpu", group);
    }
  }
  return groups;
}

// The file's path on the machine itself: what a command has to name.
std::string on_machine(const Roots& roots, const path& file) { return ("/" / file.lexically_relative(roots.root)).string(); }

struct Quota {
  double cpus = 0;
  path file;
  std::string lift;  // what to write into the file
};

std::optional<Quota> quota_of(const path& group) {
  double quota = 0;
  double period = 0;
  std::string text;
  std::istringstream v2(contents(group / "cpu.max"));  // "150000 100000", "max 100000"
  if (v2 >> text >> period && text != "max" && period > 0 && (quota = std::strtod(text.c_str(), nullptr)) > 0) {
    return Quota{quota / period, group / "cpu.max", "max"};
  }
  std::istringstream v1_quota(contents(group / "cpu.cfs_quota_us"));  // -1: none
  std::istringstream v1_period(contents(group / "cpu.cfs_period_us"));
  if (v1_quota >> quota && v1_period >> period && quota > 0 && period > 0) {
    return Quota{quota / period, group / "cpu.cfs_quota_us", "-1"};
  }
  return std::nullopt;
}

// avg10 of the line "some" in a file of /proc/pressure, in percent.
std::optional<double> pressure_in(const path& file) {
  const double percent = machine::pressure_avg10(file.string());
  return percent < 0 ? std::nullopt : std::optional(percent);
}

}  // namespace

Finding few_cores(const Patient& patient) {
  constexpr int kEnough = 4;
  const int cores = usable_cores(patient);
  const std::string text = fmt::format("{} usable core{} of {}", cores, cores == 1 ? "" : "s", patient.cpus_online);
  if (cores >= kEnough) return found(Verdict::fine, text);
  return found(cores == 1 ? Verdict::spoils : Verdict::caution, text,
               "nothing mends that; trust tasks that wait (sleep, tcp_echo) more than those that compute");
}

Finding affinity(const Patient& patient) {
  if (patient.affinity_cores < 1) return found(Verdict::unknown, "the affinity mask cannot be read");
  if (patient.affinity_cores >= patient.cpus_online) return found(Verdict::fine, "the affinity mask covers the machine");
  return found(Verdict::caution,
               fmt::format("this process may use {} of the {} CPUs (affinity mask or cpuset)", patient.affinity_cores,
                           patient.cpus_online),
               fmt::format("taskset -c 0-{} poolbench run   # or widen the container's --cpuset-cpus", patient.cpus_online - 1));
}

Finding quota(const Patient& patient) {
  const std::vector<path> groups = cpu_groups(patient.roots);
  if (groups.empty()) return found(Verdict::unknown, "no control group that governs CPU time can be read");
  std::optional<Quota> tightest;
  for (const path& group : groups) {
    const std::optional<Quota> quota = quota_of(group);
    if (quota && (!tightest || quota->cpus < tightest->cpus)) tightest = quota;
  }
  if (!tightest) return found(Verdict::fine, "no CPU quota");
  const std::string text = fmt::format("a CPU quota of {:.4g} CPUs", tightest->cpus);
  const std::string remedy = fmt::format("echo {} | sudo tee {}   # of a container: start it without --cpus", tightest->lift,
                                         on_machine(patient.roots, tightest->file));
  // As much as all CPUs together can use is no limit.
  if (tightest->cpus >= patient.cpus_online) return found(Verdict::fine, text + ", more than there are");
  return found(Verdict::spoils, text, remedy);
}

Finding throttling(const Patient& patient) {
  bool known = false;
  std::int64_t times = 0;
  std::int64_t ns = 0;
  for (const path& group : cpu_groups(patient.roots)) {
    const std::string stat = contents(group / "cpu.stat");
    if (stat.find("nr_throttled") == std::string::npos) continue;  // of a group without a quota
    known = true;
    times = std::max(times, cpu_stat_value(stat, "nr_throttled"));
    ns = std::max(ns, cpu_stat_value(stat, "throttled_time") + cpu_stat_value(stat, "throttled_usec") * 1'000);
  }
  if (!known) return found(Verdict::fine, "nothing that could be throttled");
  if (times == 0) return found(Verdict::fine, "never throttled");
  return found(Verdict::spoils,
               fmt::format("throttled {} times, {} in all, since the group was made", times,
                           human_duration(std::chrono::nanoseconds(ns))),
               "lift the quota (see there); the column cgroup_throttled_ns says which repetitions were hit");
}

Finding load(const Patient& patient) {
  double load1 = 0;
  double load5 = 0;
  std::istringstream stream(contents(patient.roots.proc() / "loadavg"));  // "0.20 0.18 0.12 1/80 11206"
  if (!(stream >> load1 >> load5)) return found(Verdict::unknown, "the load average cannot be read");
  const double quiet = kNoisyLoadPerCore * usable_cores(patient);
  const std::string text =
      fmt::format("the load average is {:.2f} over a minute, {:.2f} over five (quiet: at most {:.2f})", load1, load5, quiet);
  return load1 <= quiet ? found(Verdict::fine, text) : found(Verdict::spoils, text, kWhoRuns);
}

Finding pressure(const Patient& patient) {
  const path directory = patient.roots.proc() / "pressure";
  std::string text;
  bool noisy = false;
  for (const char* const resource : {"cpu", "memory", "io"}) {
    const std::optional<double> percent = pressure_in(directory / resource);
    if (!percent) continue;
    text += fmt::format("{}{} {:.1f} %", text.empty() ? "" : ", ", resource, *percent);
    noisy = noisy || *percent > kNoisyPressurePercent;
  }
  if (text.empty()) {
    return found(Verdict::unknown, "no pressure stall information", "boot with psi=1, or a kernel with CONFIG_PSI");
  }
  text = fmt::format("waited in the last 10 s: {} (quiet: at most {:.0f} %)", text, kNoisyPressurePercent);
  return noisy ? found(Verdict::spoils, text, kWhoRuns) : found(Verdict::fine, text);
}

Finding steal(const Patient& patient) {
  std::istringstream stream(contents(patient.roots.proc() / "stat"));  // "cpu user nice system idle iowait irq softirq steal"
  std::string label;
  stream >> label;
  double sum = 0;
  double stolen = -1;
  double value = 0;
  for (int field = 0; field < 8 && stream >> value; ++field) {
    sum += value;
    if (field == 7) stolen = value;
  }
  if (label != "cpu" || stolen < 0 || sum <= 0) return found(Verdict::unknown, "the kernel does not count stolen time");
  constexpr double kNoticeable = 0.1;  // per cent
  const double percent = 100 * stolen / sum;
  const std::string text = fmt::format("the hypervisor took {:.2g} % of the CPU time since boot", percent);
  if (percent < kNoticeable) return found(Verdict::fine, stolen == 0 ? "no time was stolen by a hypervisor" : text);
  return found(percent < 1 ? Verdict::caution : Verdict::spoils, text,
               "nothing can be done from inside; measure at another time, or on a host with pinned virtual CPUs");
}

Finding timers(const Patient& patient) {
  if (patient.lateness_ns.empty()) return found(Verdict::unknown, "sleeps could not be measured");
  std::vector<std::int64_t> sorted = patient.lateness_ns;
  std::sort(sorted.begin(), sorted.end());
  const std::int64_t middle = model::median(sorted);
  const std::int64_t late = sorted[sorted.size() * 9 / 10];
  const auto human = [](std::int64_t ns) { return human_duration(std::chrono::nanoseconds(ns)); };
  std::string text = fmt::format("sleeps end {} late (median), every tenth {} or more", human(middle), human(late));
  if (patient.timer_slack_ns > 1) text += fmt::format("; timer slack {}, 1 ns in workers", human(patient.timer_slack_ns));
  if (middle <= 200'000 && late <= 1'000'000) return found(Verdict::fine, text);
  return found(Verdict::spoils, text,
               "a busy machine or a kernel without high-resolution timers: see load, and dmesg | grep -i hres");
}

Finding swap(const Patient& patient) {
  std::istringstream lines(contents(patient.roots.proc() / "swaps"));  // "Filename Type Size Used Priority", in KiB
  std::string line;
  if (!std::getline(lines, line)) return found(Verdict::unknown, "/proc/swaps cannot be read");
  std::int64_t size = 0;
  std::int64_t used = 0;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string file, type;
    std::int64_t this_size = 0;
    std::int64_t this_used = 0;
    if (words >> file >> type >> this_size >> this_used) {
      size += this_size;
      used += this_used;
    }
  }
  if (size == 0) return found(Verdict::fine, "no swap");
  const std::string text = fmt::format("{} MiB of {} MiB swap are in use", used / 1024, size / 1024);
  return used == 0 ? found(Verdict::fine, text) : found(Verdict::caution, text, "sudo swapoff -a   # if the memory suffices");
}

Finding autogroup(const Patient& patient) {
  const std::string enabled = first_line(patient.roots.proc() / "sys/kernel/sched_autogroup_enabled");
  if (enabled.empty()) return found(Verdict::fine, "no automatic groups in this kernel");
  if (enabled == "0") return found(Verdict::fine, "automatic groups are off");
  return found(Verdict::caution, "automatic groups are on: against another busy session a repetition gets half of a core",
               "sudo sysctl kernel.sched_autogroup_enabled=0");
}

Finding huge_pages(const Patient& patient) {
  const std::string modes = first_line(patient.roots.sys() / "kernel/mm/transparent_hugepage/enabled");
  if (modes.empty()) return found(Verdict::fine, "no transparent huge pages in this kernel");
  if (modes.find("[always]") == std::string::npos) return found(Verdict::fine, fmt::format("transparent huge pages: {}", modes));
  return found(Verdict::caution, fmt::format("transparent huge pages: {}", modes),
               "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
}

Finding address_space(const Patient& patient) {
  const std::string mode = first_line(patient.roots.proc() / "sys/kernel/randomize_va_space");
  if (mode.empty()) return found(Verdict::unknown, "the kernel does not say whether it randomises addresses");
  if (mode != "0") return found(Verdict::fine, fmt::format("addresses are randomised ({})", mode));
  return found(Verdict::caution, "addresses are not randomised: all repetitions share one layout, lucky or unlucky",
               "sudo sysctl kernel.randomize_va_space=2");
}

Finding build(const Patient& patient) {
  if (patient.sanitized)
    return found(Verdict::spoils, "this poolbench runs under a sanitizer",
                 "cmake --preset release && cmake --build build/release");
  if (patient.assertions || patient.build_type == "Debug" || patient.build_type.empty()) {
    return found(Verdict::spoils,
                 fmt::format("this poolbench is a {} build{}", patient.build_type.empty() ? "non-release" : patient.build_type,
                             patient.assertions ? " with assertions" : ""),
                 "cmake --preset release && cmake --build build/release");
  }
  return found(Verdict::fine, fmt::format("this poolbench is a {} build", patient.build_type));
}

}  // namespace harness::doctor
