#include "pools/tests/process_owner.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "pools/process_pool.h"

namespace pools::test {
namespace {

int hang_deaf_to_the_parents_death() {
  ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  for (;;) ::pause();
}

// Leaves a process behind that no signal on the parent's death reaches.
int fork_a_sleeper() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    for (;;) ::pause();
  }
  return pid;
}

// What a process finds that was started as this one was: no disposition but the default, no blocked signal.
bool signals_are_untouched() {
  sigset_t mask;
  ::sigprocmask(SIG_SETMASK, nullptr, &mask);
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    const bool known = ::sigaction(signal, nullptr, &action) == 0;
    if (known && (action.sa_handler == SIG_IGN || ::sigismember(&mask, signal) == 1)) return false;
  }
  return true;
}

}  // namespace

void own_pool(const char* how) {
  ProcessPool pool{2};
  pool.start_all();
  if (std::strcmp(how, "hanging") == 0) {
    pool.submit<&hang_deaf_to_the_parents_death>();
    pool.submit<&hang_deaf_to_the_parents_death>();
  }
  if (std::strcmp(how, "grandchildren") == 0) {
    for (int child = 0; child < 4; ++child) pool.submit<&fork_a_sleeper>().result();
  }
  const std::vector<pid_t> pids = pool.worker_pids();
  if (::write(3, pids.data(), pids.size() * sizeof(pid_t)) < 0) std::abort();
  for (;;) ::pause();
}

int run_child(int argc, char** argv) {
  const std::string_view what = argc > 2 ? argv[2] : "";
  if (what == "exit") return std::atoi(argv[3]);
  if (what == "signal") ::raise(std::atoi(argv[3]));
  if (what == "write") return ::write(3, argv[3], std::strlen(argv[3])) < 0;
  if (what == "say") return ::write(1, "out", 3) < 0 || ::write(2, "err", 3) < 0;
  if (what == "signals") return signals_are_untouched() ? 0 : 1;
  if (what == "environment") return std::getenv(argv[3]) != nullptr && std::strcmp(std::getenv(argv[3]), argv[4]) == 0 ? 0 : 1;
  if (what == "descriptor") return ::fcntl(std::atoi(argv[3]), F_GETFD) < 0 && errno == EBADF ? 0 : 1;
  if (what == "group") return ::getpgrp() == ::getpid() ? 0 : 1;
  if (what == "hang") {
    for (;;) ::pause();
  }
  return 99;
}

}  // namespace pools::test
