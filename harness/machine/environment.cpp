#include "harness/machine/environment.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "harness/base/build_info.h"
#include "harness/base/errors.h"
#include "harness/base/hash.h"
#include "harness/machine/machine.h"
#include "pools/cores.h"

namespace harness {
namespace {

// "2025-11-23", "05:29:00", "123456"
struct UtcParts {
  std::string date;
  std::string time;
  std::string micros;
};

UtcParts utc_parts() {
  const auto now = std::chrono::system_clock::now();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return {fmt::format("{:%Y-%m-%d}", utc), fmt::format("{:%H:%M:%S}", utc), fmt::format("{:06}", micros % 1'000'000)};
}

std::string without(std::string text, char unwanted) {
  std::erase(text, unwanted);
  return text;
}

std::string hash_of_executable() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  return fnv1a_hex(std::string{std::istreambuf_iterator<char>(file), {}});
}

}  // namespace

Environment read_environment() {
  Environment e;
  utsname names{};
  ::uname(&names);
  e.hostname = names.nodename;
  const char* const node = std::getenv("SLURMD_NODENAME");
  e.node = node != nullptr && *node != '\0' ? node : e.hostname;
  e.architecture = names.machine;
  e.kernel = fmt::format("{} {} {}", names.sysname, names.release, names.version);
  e.cpu_model = machine::cpu_model();
  e.cpus_online = machine::cpus_online();
  e.memory_bytes = machine::memory_bytes();
  e.virtualisation = machine::has_cpu_flag("hypervisor") ? "guest" : "none";
  e.machine_id = fnv1a_hex(fmt::format("{}\n{}\n{}\n{}", e.architecture, e.cpu_model, e.cpus_online, e.memory_bytes >> 28));

  const pools::UsableCores usable = pools::usable_cores();
  e.cores = usable.count;
  e.cores_decided_by = usable.decided_by;
  e.affinity_cores = machine::affinity_cores();

  e.governor = machine::governor();
  e.smt = machine::smt();
  double loads[3] = {-1, -1, -1};
  ::getloadavg(loads, 3);
  e.load1 = loads[0];
  e.load5 = loads[1];
  e.load15 = loads[2];
  e.cpu_pressure_avg10 = machine::cpu_pressure_avg10();
  e.timer_slack_ns = machine::timer_slack_ns();

  const std::string build_id = machine::elf_build_id();
  e.build_id = build_id.empty() ? hash_of_executable() : build_id.substr(0, 16);
  const BuildInfo& build = build_info();
  e.version = build.version;
  e.commit = build.commit;
  e.compiler = build.compiler;
  e.build_type = build.build_type;
  e.flags = build.flags;
#ifndef NDEBUG
  e.assertions = true;
#endif
  judge(e);
  return e;
}

std::string machine_line(const Environment& e) {
  return fmt::format("{}, {} of {} cores, {}, {} {}", e.cpu_model.empty() ? e.architecture : e.cpu_model, e.cores, e.cpus_online,
                     e.kernel.substr(0, e.kernel.find(' ', e.kernel.find(' ') + 1)), e.compiler, e.build_type);
}

void judge(Environment& e) {
  e.warnings.clear();
  e.refusals.clear();
  const auto noisy = [&e](std::string line) {
    e.refusals.push_back(line);
    e.warnings.push_back(std::move(line));
  };
  if (e.load1 > kNoisyLoadPerCore * e.cores) {
    noisy(fmt::format("the load average is {:.2f} on {} usable cores (quiet: at most {:.2f})", e.load1, e.cores,
                      kNoisyLoadPerCore * e.cores));
  }
  if (e.cpu_pressure_avg10 > kNoisyPressurePercent) {
    noisy(fmt::format("tasks waited for a CPU {:.1f} % of the last 10 s (quiet: at most {:.0f} %)", e.cpu_pressure_avg10,
                      kNoisyPressurePercent));
  }
  if (!e.governor.empty() && e.governor != "performance") {
    noisy(fmt::format("the frequency governor is '{}', not 'performance'", e.governor));
  }
  if (e.affinity_cores > 0 && e.cores < e.affinity_cores) {
    noisy(fmt::format("a CPU quota leaves {} of {} cores and throttles what is above it ({})", e.cores, e.affinity_cores,
                      e.cores_decided_by));
  }
  if (e.smt == "on") e.warnings.emplace_back("SMT is on: two of the usable cores may share one");
  if (e.assertions || e.build_type == "Debug") {
    e.warnings.push_back(fmt::format("this is a {} build{}: overheads are not those of the preset release",
                                     e.build_type.empty() ? "non-release" : e.build_type,
                                     e.assertions ? " with assertions" : ""));
  }
  if (e.flags.find("-fsanitize") != std::string::npos) e.warnings.emplace_back("this build runs under a sanitizer");
}

void require_quiet(const Environment& e) {
  if (e.refusals.empty()) return;
  std::string all;
  for (const std::string& refusal : e.refusals) all += (all.empty() ? "" : "; ") + refusal;
  throw EnvironmentError("--strict: this machine is not fit to measure on: " + all);
}

std::string make_run_id() {
  const UtcParts utc = utc_parts();
  return fmt::format("{}T{}.{}Z-{}", without(utc.date, '-'), without(utc.time, ':'), utc.micros, ::getpid());
}

std::string utc_now() {
  const UtcParts utc = utc_parts();
  return fmt::format("{}T{}.{}Z", utc.date, utc.time, utc.micros);
}

}  // namespace harness
