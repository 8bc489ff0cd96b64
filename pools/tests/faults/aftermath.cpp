#include "pools/tests/faults/aftermath.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "pools/tests/faults/fault.h"

namespace pools::faults {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = "POOLS_FAULT_DRIVER";  // in the environment of every descendant

std::multiset<std::string> open_descriptors() {
  std::multiset<std::string> found;
  const std::string own = "/proc/" + std::to_string(::getpid()) + "/fd";
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = fs::read_symlink(entry.path(), gone);
    // Sockets and pipes without their number: it is how many of each that counts.
    if (!gone && target != own) found.insert(target.substr(0, target.find(":[")));
  }
  return found;
}

std::size_t threads() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator()));
}

std::set<std::string> files_below(const std::string& directory) {
  std::set<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(directory, ignored)) {
    if (entry.path().filename().string().starts_with("tsan.rodata."))
      continue;  // ThreadSanitizer's, of a process that was killed as it started
    found.insert(entry.path());
  }
  return found;
}

std::string described(pid_t pid) {
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
  return std::to_string(pid) + " (" + name + ")";
}

std::string descendants() {
  const std::string mark = std::string(kMark) + "=" + std::getenv(kMark);
  std::string found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos || name == std::to_string(::getpid())) continue;
    std::ifstream file(entry.path() / "environ", std::ios::binary);
    const std::string environment((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    for (std::size_t at = 0; at < environment.size(); at = environment.find('\0', at) + 1) {
      if (environment.compare(at, mark.size() + 1, mark + '\0') == 0) found += " " + described(std::stoi(name));
    }
  }
  return found;
}

template <class Set>
std::string difference(const char* what, const Set& before, const Set& after) {
  std::string text;
  Set more;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::inserter(more, more.end()));
  Set fewer;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::inserter(fewer, fewer.end()));
  for (const std::string& each : more) text += std::string("\n  left over: ") + what + " " + each;
  for (const std::string& each : fewer) text += std::string("\n  missing: ") + what + " " + each;
  return text;
}

}  // namespace

Isolation::Isolation() : directory_((fs::temp_directory_path() / "pools-fault-XXXXXX").string()), owner_(::getpid()) {
  if (::mkdtemp(directory_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), directory_);
  ::setenv("TMPDIR", directory_.c_str(), 1);
  ::setenv(kMark, std::to_string(owner_).c_str(), 1);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) throw std::system_error(errno, std::generic_category(), "subreaper");
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &none);
  // Other programs of this machine come and go in /dev/shm; without the right to have one of its own it is looked at all the same.
  if (::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
    ::mount("faults", "/dev/shm", "tmpfs", 0, "size=64m");
  }
}

Isolation::~Isolation() {
  std::error_code ignored;
  if (::getpid() == owner_) fs::remove_all(directory_, ignored);
}

Surroundings::Surroundings()
    : descriptors_(open_descriptors()),
      threads_(threads()),
      files_(files_below(fs::temp_directory_path())),
      shared_(files_below("/dev/shm")) {}

void Surroundings::expect_unchanged() const {
#if defined(__SANITIZE_ADDRESS__)
  // LeakSanitizer looks at a process that exits from a clone of it, which this program inherits if the process is killed meanwhile.
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
#endif
  // A joined thread is listed for a moment longer.
  for (int look = 0; look < 10'000 && threads() > threads_; ++look) ::sched_yield();
  std::string text;
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
    const bool zombie = info.si_pid != 0;
    text += zombie ? "\n  left over: the zombie " + described(info.si_pid) : std::string("\n  left over: a living child");
    if (!zombie) break;
    ::waitpid(info.si_pid, nullptr, 0);
    info = {};
  }
  if (const std::string orphans = descendants(); !orphans.empty()) text += "\n  left over: processes" + orphans;
  text += difference("descriptor", descriptors_, open_descriptors());
  if (threads() != threads_) text += "\n  threads: " + std::to_string(threads()) + " instead of " + std::to_string(threads_);
  text += difference("file", files_, files_below(fs::temp_directory_path()));
  text += difference("file", shared_, files_below("/dev/shm"));
  if (!text.empty()) throw Failure("this is not as it was before:" + text);
}

int reap_all() {
  int reaped = 0;
  for (;;) {
    if (::waitpid(-1, nullptr, 0) > 0) {
      ++reaped;
    } else if (errno == ECHILD) {
      return reaped;
    }
  }
}

void reap(pid_t orphan) {
  while (::waitpid(orphan, nullptr, 0) < 0) {
    if (errno != EINTR) throw Failure("process " + std::to_string(orphan) + " is not among those inherited");
  }
}

}  // namespace pools::faults
