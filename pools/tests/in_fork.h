#pragma once

// What a test does in a fork of its process.

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

namespace pools::test {

// The fork ends with what it does: successfully, or, after an exception, not.
template <class Do>
pid_t fork_that(Do&& does) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  int status = EXIT_FAILURE;
  try {
    does();
    status = EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "in a fork: %s\n", error.what());
  }
  ::_exit(status);
}

// Waits for it; its exit status. Throws if a signal has killed it.
inline int exit_status(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw std::runtime_error("process " + std::to_string(child) + " is no child of this one");
  }
  if (!WIFEXITED(status)) throw std::runtime_error("a fork was killed by signal " + std::to_string(WTERMSIG(status)));
  return WEXITSTATUS(status);
}

}  // namespace pools::test
