#pragma once

// The machine and the program of a run: what a reader needs to judge the numbers, and what makes two runs comparable.
// Everything is read from the kernel's files; what is not there is an empty string or a negative number, never a guess.

#include <cstdint>
#include <string>
#include <vector>

namespace harness {

// What counts as noise. A load of a quarter of the cores means that every fourth moment somebody else wants a core.
inline constexpr double kNoisyLoadPerCore = 0.25;
inline constexpr double kNoisyPressurePercent = 5;

struct Environment {
  // Machine.
  std::string machine_id;  // 16 hex digits: hash of architecture, CPU model, CPUs present and memory
  std::string hostname;
  std::string node;  // as the scheduler calls it ($SLURMD_NODENAME), else the hostname
  std::string cpu_model;
  std::string architecture;
  int cpus_online = 0;
  std::int64_t memory_bytes = 0;
  std::string virtualisation;  // the hypervisor flag of the CPU: "guest", "none"
  std::string kernel;          // release and version
  // Cores.
  int cores = 1;                 // usable by this process
  std::string cores_decided_by;  // affinity mask or cgroup quota: pools::usable_cores()
  int affinity_cores = 0;
  // Noise.
  std::string governor;  // of CPU 0; empty without cpufreq
  std::string smt;       // "on", "off", ...; empty if unknown
  double load1 = -1, load5 = -1, load15 = -1;
  double cpu_pressure_avg10 = -1;  // percent, /proc/pressure/cpu "some"; -1 without PSI
  std::int64_t timer_slack_ns = -1;
  // Program.
  std::string build_id;  // 16 hex digits: of the ELF build id, or else of the executable's bytes
  std::string version;
  std::string commit;  // "unknown" outside a git checkout; with "-dirty" if it was
  std::string compiler;
  std::string build_type;
  std::string flags;
  bool assertions = false;  // built without NDEBUG
  // Why the numbers of this machine may be noisy: one line each.
  std::vector<std::string> warnings;
  // Those among them for which --strict refuses: load, pressure, governor, quota.
  std::vector<std::string> refusals;

  // What runs of earlier versions did not record is their hostname.
  const std::string& node_name() const { return node.empty() ? hostname : node; }
};

Environment read_environment();

// "AMD EPYC 7B13, 2 of 2 cores, Linux 6.1.0, g++ 12.2 Release": for people.
std::string machine_line(const Environment& environment);

// Fills warnings and refusals from the other members. Pure.
void judge(Environment& environment);

// Throws EnvironmentError with all refusals in one line; does nothing if there are none.
void require_quiet(const Environment& environment);

// UTC start time and the process: "20251123T052900.123456Z-4711": unique, sorts by time.
std::string make_run_id();
// "2025-11-23T05:29:00.123456Z"
std::string utc_now();

}  // namespace harness
