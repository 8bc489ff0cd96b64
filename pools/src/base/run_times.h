#pragma once

// How long threads and processes have computed so far, and waited for a core: asked for by others than themselves.

#include <sys/types.h>

#include <chrono>

namespace pools::detail {

struct RunTimes {
  std::chrono::nanoseconds computed{0};
  std::chrono::nanoseconds delayed{0};  // able to run and without a core; 0 where the kernel does not tell (no schedstat)
};

// Of a thread of this process. False: there is none.
bool run_times_of_thread(pid_t thread, RunTimes& times) noexcept;
// Of a process, all its threads; `delayed` is that of its main thread. False: there is none.
bool run_times_of_process(pid_t process, RunTimes& times) noexcept;

}  // namespace pools::detail
