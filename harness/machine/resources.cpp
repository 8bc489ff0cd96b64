#include "harness/machine/resources.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace harness {
namespace {

std::string contents_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::int64_t nanoseconds_of(const timeval& time) { return time.tv_sec * 1'000'000'000LL + time.tv_usec * 1'000LL; }

// The control group's cpu.stat in each hierarchy that is mounted and has one: "<mount>/<group>/cpu.stat", or, inside a
// container that sees its own group as the root, "<mount>/cpu.stat".
std::vector<std::string> find_cpu_stat_files() {
  std::vector<std::string> files;
  std::istringstream groups(contents_of("/proc/self/cgroup"));
  for (std::string line; std::getline(groups, line);) {  // "4:cpu,cpuacct:/group", of v2 "0::/group"
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    const bool unified = controllers == ",,";
    if (!unified && controllers.find(",cpu,") == std::string::npos) continue;

    std::istringstream mounts(contents_of("/proc/self/mounts"));  // "device mount type options ..."
    for (std::string device, mount, type, options, rest; mounts >> device >> mount >> type >> options;) {
      std::getline(mounts, rest);
      const bool of_this_hierarchy =
          unified ? type == "cgroup2" : type == "cgroup" && ("," + options + ",").find(",cpu,") != std::string::npos;
      if (!of_this_hierarchy) continue;
      for (const std::string& candidate : {mount + group + "/cpu.stat", mount + "/cpu.stat"}) {
        if (!std::filesystem::exists(candidate)) continue;
        files.push_back(candidate);
        break;
      }
    }
  }
  return files;
}

}  // namespace

std::int64_t peak_resident_bytes(pid_t pid) {
  std::istringstream status(contents_of("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string key;
    std::int64_t kib = 0;
    if (words >> key >> kib && key == "VmHWM:") return kib * 1024;
  }
  return 0;
}

std::int64_t cpu_stat_value(std::string_view cpu_stat, std::string_view key) {
  std::istringstream lines{std::string(cpu_stat)};
  std::string name;
  std::int64_t value = 0;
  while (lines >> name >> value) {
    if (name == key) return value;
  }
  return 0;
}

ResourceMeter::ResourceMeter() : cpu_stat_files_(find_cpu_stat_files()), before_(read()) {}

void ResourceMeter::read_peak_memory(std::span<const pid_t> pids) {
  rss_peak_bytes_ += peak_resident_bytes(::getpid());
  for (const pid_t pid : pids) rss_peak_bytes_ += peak_resident_bytes(pid);
}

ResourceMeter::Reading ResourceMeter::read() const {
  rusage self{};
  rusage children{};
  ::getrusage(RUSAGE_SELF, &self);
  ::getrusage(RUSAGE_CHILDREN, &children);
  Reading reading{
      .user_ns = nanoseconds_of(self.ru_utime) + nanoseconds_of(children.ru_utime),
      .sys_ns = nanoseconds_of(self.ru_stime) + nanoseconds_of(children.ru_stime),
      .self_ns = nanoseconds_of(self.ru_utime) + nanoseconds_of(self.ru_stime),
      .voluntary = self.ru_nvcsw + children.ru_nvcsw,
      .involuntary = self.ru_nivcsw + children.ru_nivcsw,
      .throttled_ns = 0,
  };
  for (const std::string& file : cpu_stat_files_) {
    const std::string stat = contents_of(file);
    reading.throttled_ns += cpu_stat_value(stat, "throttled_time") + cpu_stat_value(stat, "throttled_usec") * 1'000;
  }
  return reading;
}

ResourceUse ResourceMeter::finish() const {
  const Reading now = read();
  return {
      .cpu_user_ns = now.user_ns - before_.user_ns,
      .cpu_sys_ns = now.sys_ns - before_.sys_ns,
      .main_cpu_ns = now.self_ns - before_.self_ns,
      .ctx_switches_voluntary = now.voluntary - before_.voluntary,
      .ctx_switches_involuntary = now.involuntary - before_.involuntary,
      .rss_peak_bytes = rss_peak_bytes_,
      .cgroup_throttled_ns = std::max<std::int64_t>(0, now.throttled_ns - before_.throttled_ns),  // a group may be gone by now
  };
}

}  // namespace harness
