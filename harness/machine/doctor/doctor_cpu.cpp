// Checks of the processor and of what this machine is: a virtual one, a container.

#include <fmt/core.h>

#include <charconv>
#include <map>
#include <optional>
#include <system_error>

#include "harness/machine/doctor/doctor.h"
#include "harness/machine/machine.h"

namespace harness::doctor {
namespace {

using std::filesystem::path;

constexpr const char* kNothingInside = "nothing can be done from inside a virtual machine: it is the host's affair";

path cpus(const Roots& roots) { return roots.sys() / "devices/system/cpu"; }

std::optional<std::int64_t> number_in(const path& file) {
  const std::string line = first_line(file);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc{} || end == line.data()) return std::nullopt;
  return value;
}

bool is_there(const path& file) {
  std::error_code error;
  return std::filesystem::exists(file, error);
}

// The entries of a directory by name, those only that begin so; none if it cannot be read.
std::map<std::string, path> entries(const path& directory, std::string_view prefix) {
  std::map<std::string, path> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix)) found.emplace(name, entry.path());
  }
  return found;
}

}  // namespace

bool in_virtual_machine(const Roots& roots) { return machine::has_cpu_flag("hypervisor", roots.proc().string()); }

Finding governor(const Patient& patient) {
  std::map<std::string, int> governors;
  for (const auto& [policy, directory] : entries(cpus(patient.roots) / "cpufreq", "policy")) {
    const std::string governor = first_line(directory / "scaling_governor");
    if (!governor.empty()) ++governors[governor];
  }
  if (governors.empty()) {
    return in_virtual_machine(patient.roots)
               ? found(Verdict::unknown, "no cpufreq here: the host decides how fast the cores run", kNothingInside)
               : found(Verdict::unknown, "no cpufreq here: firmware decides how fast the cores run",
                       "look for a performance profile in the firmware's set-up");
  }
  std::string named;
  bool slow = false;
  for (const auto& [governor, policies] : governors) {
    named += fmt::format("{}{}", named.empty() ? "" : ", ", governor);
    slow = slow || governor != "performance";
  }
  if (!slow) return found(Verdict::fine, "the frequency governor is performance on all cores");
  return found(Verdict::spoils, fmt::format("the frequency governor is {}", named), "sudo cpupower frequency-set -g performance");
}

Finding boost(const Patient& patient) {
  if (const auto none = number_in(cpus(patient.roots) / "intel_pstate/no_turbo")) {
    if (*none != 0) return found(Verdict::fine, "turbo is off");
    return found(Verdict::caution, "turbo is on", "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo");
  }
  if (const auto on = number_in(cpus(patient.roots) / "cpufreq/boost")) {
    if (*on == 0) return found(Verdict::fine, "boost is off");
    return found(Verdict::caution, "boost is on", "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost");
  }
  return found(Verdict::unknown, "the kernel does not say whether cores boost",
               in_virtual_machine(patient.roots) ? kNothingInside : "look for turbo or boost in the firmware's set-up");
}

Finding smt(const Patient& patient) {
  const auto active = number_in(cpus(patient.roots) / "smt/active");
  const std::string control = machine::smt(patient.roots.sys().string());
  if (!active && control.empty()) return found(Verdict::unknown, "the kernel does not say whether cores are shared (SMT)");
  if (active.value_or(control == "on" ? 1 : 0) == 0) {
    const std::string hidden = in_virtual_machine(patient.roots) ? "; the host may still run two virtual CPUs on one core" : "";
    return found(Verdict::fine, fmt::format("SMT is not active ({}){}", control.empty() ? "off" : control, hidden));
  }
  return found(Verdict::caution, "SMT is on: two CPUs may be one physical core",
               in_virtual_machine(patient.roots)
                   ? "take every second CPU (lscpu -e shows the pairs): taskset -c 0,2,... poolbench run"
                   : "echo off | sudo tee /sys/devices/system/cpu/smt/control");
}

Finding core_kinds(const Patient& patient) {
  const path devices = patient.roots.sys() / "devices";
  if (is_there(devices / "cpu_atom")) {
    return found(Verdict::caution,
                 fmt::format("fast cores ({}) and efficient ones ({})", first_line(devices / "cpu_core/cpus"),
                             first_line(devices / "cpu_atom/cpus")),
                 fmt::format("taskset -c {} poolbench run", first_line(devices / "cpu_core/cpus")));
  }
  std::map<std::int64_t, std::string> capacities;
  for (const auto& [cpu, directory] : entries(cpus(patient.roots), "cpu")) {
    const auto capacity = number_in(directory / "cpu_capacity");
    if (!capacity) continue;
    std::string& listed = capacities[*capacity];
    listed += (listed.empty() ? "" : ",") + cpu.substr(3);
  }
  if (capacities.size() > 1) {
    const std::string& fastest = capacities.rbegin()->second;
    return found(Verdict::caution, fmt::format("{} kinds of cores; the fastest are {}", capacities.size(), fastest),
                 fmt::format("taskset -c {} poolbench run", fastest));
  }
  return found(Verdict::fine, "all cores are of one kind, as far as the kernel says");
}

Finding idle_states(const Patient& patient) {
  constexpr std::int64_t kSlowUs = 20;  // of the order of a hand-over between threads
  std::int64_t slowest = -1;
  std::string deepest;
  for (const auto& [state, directory] : entries(cpus(patient.roots) / "cpu0/cpuidle", "state")) {
    const auto latency = number_in(directory / "latency");
    if (!latency || number_in(directory / "disable").value_or(0) != 0 || *latency <= slowest) continue;
    slowest = *latency;
    deepest = first_line(directory / "name");
  }
  if (slowest < 0) {
    return found(Verdict::unknown, "the kernel does not say how deep idle cores sleep",
                 in_virtual_machine(patient.roots) ? kNothingInside : "");
  }
  if (slowest < kSlowUs) return found(Verdict::fine, fmt::format("idle cores wake within {} us ({})", slowest, deepest));
  return found(Verdict::caution, fmt::format("idle cores may take {} us to wake ({})", slowest, deepest),
               fmt::format("sudo cpupower idle-set -D {}", kSlowUs - 1));
}

Finding clock_source(const Patient& patient) {
  const path directory = patient.roots.sys() / "devices/system/clocksource/clocksource0";
  const std::string current = first_line(directory / "current_clocksource");
  if (current.empty()) return found(Verdict::unknown, "the kernel does not name its clock source");
  // Read in user space, without a system call.
  for (const std::string_view fast :
       {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "riscv_clocksource"}) {
    if (current == fast)
      return found(Verdict::fine, fmt::format("the clock source is {}, which is read without a system call", current));
  }
  const std::string available = first_line(directory / "available_clocksource");
  const bool has_tsc = (" " + available + " ").find(" tsc ") != std::string::npos;
  return found(Verdict::spoils, fmt::format("the clock source is {}: reading it is slow", current),
               has_tsc ? "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
                       : fmt::format("there is no better one ({}); raise the tasks' durations", available));
}

Finding virtual_machine(const Patient& patient) {
  if (!in_virtual_machine(patient.roots)) return found(Verdict::fine, "no hypervisor shows itself");
  const path dmi = patient.roots.sys() / "class/dmi/id";
  std::string product = first_line(dmi / "sys_vendor");
  if (const std::string name = first_line(dmi / "product_name"); !name.empty()) product += (product.empty() ? "" : " ") + name;
  return found(Verdict::caution, fmt::format("this is a virtual machine{}", product.empty() ? "" : " (" + product + ")"),
               fmt::format("{}; compare only runs that alternate", kNothingInside));
}

Finding container(const Patient& patient) {
  std::string kind;
  if (is_there(patient.roots.root / ".dockerenv")) kind = "docker";
  if (is_there(patient.roots.root / "run/.containerenv")) kind = "podman";
  const std::string group = first_line(patient.roots.proc() / "1/cgroup");
  for (const std::string_view name : {"docker", "kubepods", "lxc", "containerd"}) {
    if (kind.empty() && group.find(name) != std::string::npos) kind = name;
  }
  if (kind.empty()) return found(Verdict::fine, "no sign of a container");
  return found(Verdict::caution, fmt::format("this is a container ({})", kind),
               "run it alone on its host, without --cpus and with --cpuset-cpus; see the checks of quota and affinity");
}

}  // namespace harness::doctor
