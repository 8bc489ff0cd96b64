#pragma once

// What befalls the program that a pool lives in, whatever its tasks do: a fork of it, a process of its that somebody stops, memory and
// threads that the system refuses.

#include <sys/types.h>

#include <string>
#include <vector>

namespace pools::soak {

// Forks this process. In the child `work` runs on the only thread that there is, and says whether all was as it should be; a child that
// hangs is ended by its alarm. Returns what was wrong, or nothing.
template <class Work>
std::string in_a_fork(Work work);

// The children of this process whose name (as ps shows it) is this.
std::vector<pid_t> children_named(const std::string& name);
// It is a child of this process: not one that has ended, whose number somebody else has now.
bool is_child(pid_t pid);

// While one lives, `new` fails in every other thread than the one that made it, and starting a thread in any: one of so many times, by
// chance. One at a time. Without effect under a sanitizer, whose own these calls are.
class Shortage {
 public:
  explicit Shortage(unsigned one_in) noexcept;
  ~Shortage();
  Shortage(const Shortage&) = delete;
  Shortage& operator=(const Shortage&) = delete;
};

namespace detail {
std::string await_fork(pid_t child);
[[noreturn]] void end_fork(bool well) noexcept;
void set_alarm() noexcept;
pid_t fork_now();
}  // namespace detail

template <class Work>
std::string in_a_fork(Work work) {
  const pid_t child = detail::fork_now();
  if (child != 0) return detail::await_fork(child);
  detail::set_alarm();
  bool well = false;
  try {
    well = work();
  } catch (...) {
  }
  detail::end_fork(well);
}

}  // namespace pools::soak
