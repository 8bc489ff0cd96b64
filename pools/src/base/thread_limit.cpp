#include "pools/src/base/thread_limit.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <optional>
#include <system_error>

#include "pools/src/base/cgroup.h"

namespace pools::detail {
namespace {

using std::filesystem::path;

std::optional<std::uint64_t> count_in(const path& file) {
  std::ifstream stream(file);
  std::uint64_t number = 0;
  if (stream >> number) return number;  // not "max"
  return std::nullopt;
}

std::optional<std::uint64_t> soft_limit(__rlimit_resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

// Of all processes that can be seen from here and belong to this one's user.
std::uint64_t threads_of_user(const path& proc) {
  std::uint64_t threads = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator at(proc, error), end; !error && at != end; at.increment(error)) {
    std::ifstream status(at->path() / "status");
    bool ours = false;
    for (std::string key; status >> key; status.ignore(4096, '\n')) {
      std::uint64_t value = 0;
      if (key == "Uid:") {
        ours = (status >> value) && value == ::getuid();
      } else if (key == "Threads:") {
        if (ours && status >> value) threads += value;
        break;
      }
    }
  }
  return threads;
}

// The fourth field of loadavg: "running/all".
std::uint64_t threads_of_system(const path& proc) {
  std::ifstream loadavg(proc / "loadavg");
  double load = 0;
  std::uint64_t running = 0;
  std::uint64_t all = 0;
  char slash = 0;
  return loadavg >> load >> load >> load >> running >> slash >> all ? all : 0;
}

std::uint64_t stack_of_a_thread() {
  pthread_attr_t attributes;
  std::size_t size = 0;
  if (::pthread_attr_init(&attributes) != 0) return 0;
  ::pthread_attr_getstacksize(&attributes, &size);
  ::pthread_attr_destroy(&attributes);
  return size;
}

}  // namespace

std::string limit_on_threads(const path& proc, const path& cgroup_root) {
  std::string found;
  for_each_cgroup(proc / "self", cgroup_root, "pids", [&found](const path& group, bool) {
    const auto most = count_in(group / "pids.max");
    const auto now = count_in(group / "pids.current");
    if (found.empty() && most && now && *now >= *most)
      found = "the control group's limit of tasks (pids.max) is " + std::to_string(*most);
  });
  if (!found.empty()) return found;
  if (const auto most = soft_limit(RLIMIT_NPROC); most && threads_of_user(proc) >= *most) {
    return "the limit of this user's processes and threads (ulimit -u, RLIMIT_NPROC) is " + std::to_string(*most);
  }
  if (const auto most = soft_limit(RLIMIT_AS)) {
    std::ifstream statm(proc / "self" / "statm");
    std::uint64_t pages = 0;
    statm >> pages;
    if (pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + stack_of_a_thread() > *most) {
      return "the limit of this process's address space (ulimit -v, RLIMIT_AS) is " + std::to_string(*most) + " bytes";
    }
  }
  for (const char* name : {"threads-max", "pid_max"}) {
    const auto most = count_in(proc / "sys/kernel" / name);
    if (most && threads_of_system(proc) >= *most)
      return std::string("the system's limit of threads (kernel.") + name + ") is " + std::to_string(*most);
  }
  return "there is no memory for the stack of another, or a limit that cannot be seen from here";
}

}  // namespace pools::detail
