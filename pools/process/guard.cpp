#include "pools/process/guard.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace pools::detail {
namespace {

constexpr int kPipe = 3;   // the guard's reading end

// One write each, so that they arrive whole: smaller than PIPE_BUF.
struct Record {
  std::int32_t group = 0;
  std::int32_t add = 0;   // else remove
};

}  // namespace

void Guard::stop() noexcept {
  const std::lock_guard lock(mutex_);
  pipe_.reset();   // its end
  try {
    if (child_.pid() >= 0) child_.wait();
  } catch (const std::system_error&) {
    report_error("waiting for the guard of a process pool", std::current_exception());
  }
  child_ = Child();
}

void Guard::ensure() {
  const std::lock_guard lock(mutex_);
  if (child_.pid() >= 0 && !child_.try_wait()) return;
  pipe_.reset();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "cannot make the pipe of a guard");
  const FileDescriptor theirs(ends[0]);
  FileDescriptor ours(ends[1]);
  // A guard that somebody has stopped must not stop the pool.
  if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) throw std::system_error(errno, std::generic_category(), "cannot set up the pipe of a guard");
  const FileDescriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  child_ = spawn({.arguments = {kGuardArgument, name_},
                  .channel_fd = theirs.get(),
                  .stdout_fd = null.get(),
                  .stderr_fd = null.get(),
                  .own_process_group = true,
                  .survives_parent = true});
  pipe_ = std::move(ours);
  for (const pid_t group : groups_) tell_locked(group, true);
}

int Guard::pidfd() const {
  const std::lock_guard lock(mutex_);
  return child_.pid() < 0 ? -1 : child_.pidfd();
}

void Guard::add(pid_t group) noexcept {
  const std::lock_guard lock(mutex_);
  groups_.push_back(group);
  tell_locked(group, true);
}

void Guard::remove(pid_t group) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase(groups_, group);
  tell_locked(group, false);
}

void Guard::tell_locked(pid_t group, bool add) noexcept {
  if (!pipe_) return;
  const Record record{.group = group, .add = add};
  // Without SIGPIPE: the host may not ignore it. A pipe knows no MSG_NOSIGNAL, so the signal is blocked and, if it came, taken.
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
  if (::write(pipe_.get(), &record, sizeof record) < 0 && errno == EPIPE) {
    const timespec now{};
    ::sigtimedwait(&pipe, nullptr, &now);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void run_guard(int argc, char** argv) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::signal(signal, SIG_IGN);
  if (argc > 2) ::prctl(PR_SET_NAME, argv[2], 0, 0, 0);
  std::vector<pid_t> groups;
  std::array<Record, 64> records;
  for (;;) {
    const ssize_t got = ::read(kPipe, records.data(), sizeof records);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got) / sizeof(Record); ++at) {
      if (records[at].add != 0) {
        groups.push_back(records[at].group);
      } else {
        std::erase(groups, records[at].group);
      }
    }
  }
  for (const pid_t group : groups) {
    if (group > 1) ::kill(-group, SIGKILL);
  }
  ::_exit(EXIT_SUCCESS);
}

}  // namespace pools::detail
