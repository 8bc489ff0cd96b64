#include "harness/engine/session.h"

#include <dirent.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

#include "os/descriptor.h"

namespace harness {
namespace {

struct ProcessState {
  char state = '?';
  pid_t parent = 0;
  pid_t session = 0;

  bool alive() const { return state != 'Z' && state != 'X'; }
};

// Empty if the process is gone.
std::optional<ProcessState> state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  const auto name_end = stat.rfind(')');  // the name may hold spaces and parentheses itself
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  ProcessState process;
  pid_t group = 0;
  if (!(fields >> process.state >> process.parent >> group >> process.session)) return std::nullopt;
  return process;
}

std::vector<pid_t> all_members(pid_t session, bool only_alive) {
  std::vector<pid_t> members;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), &::closedir);
  if (directory == nullptr) return members;
  while (const dirent* entry = ::readdir(directory.get())) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0) continue;
    const auto process = state_of(pid);
    if (process && process->session == session && (process->alive() || !only_alive)) members.push_back(pid);
  }
  return members;
}

// Returns when the process is dead, reaped or not.
void await_death(pid_t pid) {
  const os::Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return;  // gone already
  pollfd death{.fd = process.get(), .events = POLLIN, .revents = 0};
  while (::poll(&death, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace

void lead_session() { ::setsid(); }

std::vector<pid_t> session_members(pid_t session) { return all_members(session, true); }

void kill_session(pid_t leader) {
  // The leader first and awaited, so that nothing new is started by it. A descendant may start another between the scan
  // and its death; each round kills at least one generation, and dead processes start nothing.
  ::kill(leader, SIGKILL);
  await_death(leader);
  for (std::vector<pid_t> members = session_members(leader); !members.empty(); members = session_members(leader)) {
    for (const pid_t member : members) ::kill(member, SIGKILL);
    for (const pid_t member : members) await_death(member);
  }
  for (const pid_t member : all_members(leader, false)) {
    const auto process = state_of(member);
    if (member == leader || !process || process->parent != ::getpid()) continue;
    // Not WNOHANG: its first thread is dead, and others, which have been killed with it, may still be on their way out.
    while (::waitpid(member, nullptr, 0) < 0 && errno == EINTR) continue;
  }
}

bool has_orphans(pid_t leader) {
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) {
      const auto process = child == leader ? std::nullopt : state_of(child);
      if (process && process->session == leader) return true;
    }
  }
  return false;
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

}  // namespace harness
