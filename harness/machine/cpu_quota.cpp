#include "harness/machine/cpu_quota.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "harness/base/errors.h"
#include "os/descriptor.h"

namespace harness {
namespace {

using std::filesystem::path;

// Where this process is, where a group may be made, and in which version's words.
struct Hierarchy {
  path home;
  path parent;
  bool unified = false;
};

std::string words_in(const path& file) {
  std::ifstream in(file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return " " + text + " ";
}

bool exists_here(const path& directory) {
  std::error_code error;
  return std::filesystem::is_directory(directory, error);
}

// The group of that name below a hierarchy's mount; of a container, whose name is the host's, the mount itself.
path group_below(const path& mount, const std::string& name) {
  const path group = mount / path(name).relative_path();
  return exists_here(group) ? group : mount;
}

// A group of v2 that has processes may not hand control on, so that the new one stands beside it.
std::optional<Hierarchy> unified_hierarchy(const path& home) {
  for (const path& parent : {home, home.parent_path()}) {
    if (words_in(parent / "cgroup.subtree_control").find(" cpu ") != std::string::npos) return Hierarchy{home, parent, true};
  }
  return std::nullopt;
}

std::optional<Hierarchy> find_hierarchy(const CgroupPlaces& places) {
  std::optional<Hierarchy> unified;
  std::ifstream groups(places.proc_self / "cgroup");
  for (std::string line; std::getline(groups, line);) {  // "4:cpu,cpuacct:/group", of v2 "0::/group"
    std::istringstream fields(line);
    std::string number, controllers, group;
    std::getline(fields, number, ':');
    std::getline(fields, controllers, ':');
    std::getline(fields, group);
    if (controllers.empty()) {
      unified = unified_hierarchy(group_below(places.cgroups, group));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {  // then v2 does not have it
      for (const path& mount : {places.cgroups / controllers, places.cgroups / "cpu"}) {
        if (!exists_here(mount)) continue;
        const path home = group_below(mount, group);
        return Hierarchy{home, home, false};
      }
    }
  }
  return unified;
}

// The kernel's files are written in one piece, and never made.
void write_words(const path& file, const std::string& words) {
  const os::Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (descriptor && ::write(descriptor.get(), words.data(), words.size()) == static_cast<ssize_t>(words.size())) return;
  throw EnvironmentError(fmt::format("cannot write '{}': {}", file.string(), std::strerror(errno)));
}

// Those that have ended leave a group a moment later.
void remove_group(const path& group) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries && ::rmdir(group.c_str()) != 0 && errno == EBUSY; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

CpuQuota::CpuQuota(int cpus, const CgroupPlaces& places) {
  const std::optional<Hierarchy> hierarchy = find_hierarchy(places);
  if (!hierarchy) throw EnvironmentError("no CPU quota can be made: no control group here may govern CPU time");
  home_ = hierarchy->home;
  group_ = hierarchy->parent / fmt::format("poolbench-{}", ::getpid());
  if (::mkdir(group_.c_str(), 0755) != 0) {
    throw EnvironmentError(fmt::format("no CPU quota can be made: cannot make '{}': {}", group_.string(), std::strerror(errno)));
  }
  try {
    const auto period = std::chrono::microseconds(kQuotaPeriod).count();
    if (hierarchy->unified) {
      write_words(group_ / "cpu.max", fmt::format("{} {}", cpus * period, period));
    } else {
      write_words(group_ / "cpu.cfs_period_us", fmt::format("{}", period));
      write_words(group_ / "cpu.cfs_quota_us", fmt::format("{}", cpus * period));
    }
    write_words(group_ / "cgroup.procs", fmt::format("{}", ::getpid()));
  } catch (const EnvironmentError& error) {
    remove_group(group_);
    throw EnvironmentError(fmt::format("no CPU quota can be made: {}", error.what()));
  }
}

CpuQuota::~CpuQuota() {
  try {
    write_words(home_ / "cgroup.procs", fmt::format("{}", ::getpid()));
  } catch (const EnvironmentError&) {
    return;  // the group it came from is gone: it stays, under its quota
  }
  remove_group(group_);
}

}  // namespace harness
