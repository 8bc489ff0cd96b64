// Pools that follow the cores that there are: resize(automatic).

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "pools/cores.h"
#include "pools/errors.h"
#include "pools/process_pool.h"
#include "pools/src/base/cores_follower.h"
#include "pools/tests/expectations.h"
#include "pools/tests/process_checks.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

bool follows() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(entry.path() / "comm") >> name;
    if (name == "pool_cores") return true;
  }
  return false;
}

class AutomaticSize : public ProcessTest {};

TEST_F(AutomaticSize, is_looked_at_again_and_again_and_told_when_it_has_changed) {
  std::atomic<int> cores{4};
  std::mutex mutex;
  std::vector<int> told;
  std::atomic<int> failures{2};
  detail::CoresFollower follower("pool_cores", [&](int count) {
    if (count == 3 && failures-- > 0) throw std::runtime_error("not now");
    const std::lock_guard lock(mutex);
    told.push_back(count);
  });
  const auto last = [&] {
    const std::lock_guard lock(mutex);
    return told.empty() ? 0 : told.back();
  };
  follower.count = [&] { return cores.load(); };
  follower.period = 1ms;
  follower.start(4);
  for (const int count : {2, 3, 4}) {
    cores = count;
    wait_until([&] { return last() == count; });
  }
  follower.start(4);
  cores = 1;
  wait_until([&] { return last() == 1; });
  follower.stop();
  wait_until([] { return !follows(); });
  cores = 2;
  follower.stop();
  EXPECT_EQ(told, (std::vector<int>{2, 3, 4, 1}));
}

TEST_F(AutomaticSize, is_not_looked_at_any_more_once_the_pool_has_ended) {
  std::atomic<int> cores{4};
  detail::CoresFollower follower("pool_cores", [](int) { throw ShutdownError(); });
  follower.count = [&] { return ++cores; };
  follower.period = 1ms;
  follower.start(4);
  wait_until([] { return !follows(); });
}

// Of all threads of this process.
void run_on(const cpu_set_t& cpus) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    ::sched_setaffinity(std::stoi(entry.path().filename()), sizeof cpus, &cpus);
  }
}

template <class Pool>
void expect_to_follow(int per_core) {
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  const int cores = usable_cores().count;
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  }
  Pool pool{7};
  pool.resize(automatic);
  EXPECT_EQ(pool.workers(), cores * per_core);
  wait_until([] { return follows(); });  // the thread is named by itself
  run_on(one);
  wait_until([&] { return pool.workers() == per_core; });
  run_on(all);
  wait_until([&] { return pool.workers() == cores * per_core; });
  pool.resize(3);
  wait_until([] { return !follows(); });
  EXPECT_EQ(pool.workers(), 3);
  pool.resize(automatic);
  pool.resize(automatic);
  wait_until([] { return follows(); });  // the thread is named by itself
  EXPECT_EQ(pool.workers(), cores * per_core);
  pool.shutdown();
  wait_until([] { return !follows(); });
  EXPECT_THROW(pool.resize(automatic), ShutdownError);
  wait_until([] { return !follows(); });
}

TEST_F(AutomaticSize, of_a_thread_pool_follows_the_affinity_mask) { expect_to_follow<ThreadPool>(5); }
TEST_F(AutomaticSize, of_a_process_pool_follows_the_affinity_mask) { expect_to_follow<ProcessPool>(1); }

}  // namespace
}  // namespace pools::test
