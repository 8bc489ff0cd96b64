#include "pools/src/process/os/guard.h"
#include "pools/src/base/mutex.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace pools::detail {
namespace {

constexpr int kPipe = 3;  // the guard's reading end

// Returns when the host, this process's parent, has ended or executed another program.
void await_end_of(pid_t host) {
  const FileDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, host, 0)));
  if (::getppid() != host) return;  // since it is the parent still, the number was the host's when the pidfd was opened
  pollfd ends[] = {{.fd = pidfd.get(), .events = POLLIN, .revents = 0}, {.fd = kPipe, .events = POLLIN, .revents = 0}};
  while (::poll(ends, 2, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace

void Guard::stop() noexcept {
  const Lock lock(mutex_);
  child_ = Child();
  pipe_.reset();
}

void Guard::ensure() {
  const Lock lock(mutex_);
  if (child_.pid() >= 0 && !child_.try_wait()) return;
  pipe_.reset();
  auto [theirs, ours] = make_pipe();
  if (!theirs) throw std::system_error(errno, std::generic_category(), "cannot make the pipe of a guard");
  const FileDescriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  child_ = spawn({.arguments = {kGuardArgument, name_, std::to_string(mark_.value()), std::to_string(::getpid())},
                  .channel_fd = theirs.get(),
                  .stdout_fd = null.get(),
                  .stderr_fd = null.get(),
                  .own_process_group = true,
                  .survives_parent = true,
                  .mark = DescendantMark()});
  pipe_ = std::move(ours);
}

int Guard::pidfd() const {
  const Lock lock(mutex_);
  return child_.pid() < 0 ? -1 : child_.pidfd();
}

void run_guard(int argc, char** argv) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::signal(signal, SIG_IGN);
  if (argc != 5) ::_exit(EXIT_FAILURE);
  ::prctl(PR_SET_NAME, argv[2], 0, 0, 0);
  await_end_of(static_cast<pid_t>(std::atoi(argv[4])));
  const bool all = kill_descendants(DescendantMark(std::strtoull(argv[3], nullptr, 10)));
  ::_exit(all ? EXIT_SUCCESS : EXIT_FAILURE);
}

}  // namespace pools::detail
