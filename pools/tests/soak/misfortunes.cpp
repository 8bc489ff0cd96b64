#include "pools/tests/soak/misfortunes.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "pools/tests/failing_new.h"

namespace pools::soak {
namespace detail {

pid_t fork_now() {
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  return child;
}

void set_alarm() noexcept {
  ::signal(SIGALRM, SIG_DFL);
  ::alarm(60);  // in a child that is not done by then something hangs, also on a machine that is busy
}

void end_fork(bool well) noexcept { ::_exit(well ? EXIT_SUCCESS : EXIT_FAILURE); }

std::string await_fork(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return "the status of a forked child was lost";
  }
  if (WIFSIGNALED(status)) return "a forked child was ended by signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) == EXIT_SUCCESS ? std::string() : "a forked child could use the pool, or could not leave it alone";
}

}  // namespace detail

std::vector<pid_t> children_named(const std::string& name) {
  std::vector<pid_t> named;
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) {
      std::string comm;
      std::getline(std::ifstream("/proc/" + std::to_string(child) + "/comm"), comm);
      if (comm == name.substr(0, 15)) named.push_back(child);
    }
  }
  return named;
}

bool is_child(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string field;
  std::string parent;
  stat >> field >> field >> field >> parent;
  return parent == std::to_string(::getpid());
}

namespace {

// Relaxed, like the draws below: a failure more or less is chance anyway.
std::atomic<unsigned> one_in{0};  // 0: nothing fails
constinit thread_local bool spared = false;

}  // namespace

Shortage::Shortage(unsigned rate) noexcept {
  spared = true;
  one_in.store(rate, std::memory_order_relaxed);
}

Shortage::~Shortage() {
  one_in.store(0, std::memory_order_relaxed);
  spared = false;
}

}  // namespace pools::soak

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace pools::soak {
namespace {

std::atomic<std::uint64_t> draws{0};

bool fails() noexcept {
  const unsigned rate = one_in.load(std::memory_order_relaxed);
  if (rate == 0) return false;
  std::uint64_t x = draws.fetch_add(1, std::memory_order_relaxed) + 0x9e3779b97f4a7c15;  // SplitMix64's finaliser
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return (x ^ (x >> 31)) % rate == 0;
}

}  // namespace
}  // namespace pools::soak

bool pools::test::fail_allocation() noexcept { return !pools::soak::spared && pools::soak::fails(); }

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  return pools::soak::fails() ? EAGAIN : create(thread, attributes, body, argument);
}

#endif
