#pragma once

// What is left of a pool when it is gone: nothing.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "pools/src/process/os/spawn.h"
#include "pools/tests/expectations.h"

namespace pools::test {

// A task that ends its process.
inline int die_by(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  return 0;
}

inline std::ptrdiff_t entries_of(const std::string& directory) {
  const std::filesystem::directory_iterator entries(directory);
  return std::distance(begin(entries), end(entries));
}
inline std::ptrdiff_t open_descriptors() { return entries_of("/proc/self/fd"); }
inline std::ptrdiff_t threads() { return entries_of("/proc/self/task"); }
inline pid_t thread_named(std::string_view name) {  // 0: there is none
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string its_name;
    std::ifstream(thread.path() / "comm") >> its_name;
    if (its_name == name) return std::stoi(thread.path().filename().string());
  }
  return 0;
}
inline bool has_thread(std::string_view name) { return thread_named(name) != 0; }

// Neither running nor zombies.
inline bool has_no_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

// Each test leaves as many descriptors, threads and children as it found.
class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    detail::post_to_spawner([] {});  // the thread that spawns stays
    descriptors_ = open_descriptors();
    threads_ = threads();
    ASSERT_TRUE(has_no_children());
  }
  void TearDown() override {
    EXPECT_TRUE(has_no_children());
    EXPECT_EQ(open_descriptors(), descriptors_);
    wait_until([this] { return threads() <= threads_; });  // a joined thread may still be listed for a moment
  }

 private:
  std::ptrdiff_t descriptors_ = 0;
  std::ptrdiff_t threads_ = 0;
};

}  // namespace pools::test
