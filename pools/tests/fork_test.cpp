// What is left of pools and futures in a fork: it can read what is done, is refused what would wait for ever, and has nothing to clean up.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "pools/detail/forks.h"
#include "pools/process_pool.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/gate.h"
#include "pools/tests/in_fork.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}
#define IN_FORK(condition) expect((condition), #condition " does not hold")

template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  throw std::runtime_error("it was not refused");
}

template <class Pool>
class InAFork : public testing::Test {};
using Pools = testing::Types<ThreadPool, ProcessPool>;
TYPED_TEST_SUITE(InAFork, Pools);

template <class Do>
void expect_in_fork(Do&& does) {
  EXPECT_EQ(exit_status(fork_that(does)), EXIT_SUCCESS);
}

TYPED_TEST(InAFork, a_pool_says_whose_it_is_and_takes_nothing) {
  TypeParam pool{1};
  pool.start_all();
  const std::string owner = std::to_string(::getpid());
  expect_in_fork([&] {
    const std::string words = refusal([&] { pool.template submit<&square>(2); });
    IN_FORK(words.find("belongs to process " + owner) != std::string::npos);
    IN_FORK(words.find("this is process " + std::to_string(::getpid())) != std::string::npos);
    refusal([&] { pool.with({.priority = 1}).template submit<&square>(2); });
    refusal([&] { pool.template submit_with_callback<&square>([](const Future<int>&) {}, 2); });
    refusal([&] { return pool.template map<&square>(std::vector<int>{1, 2}); });
    refusal([&] { pool.start_all(); });
    refusal([&] { pool.pause(); });
    refusal([&] { pool.resume(); });
    refusal([&] { pool.resize(2); });
  });
  EXPECT_EQ(pool.template submit<&square>(2).result(), 4);
}

TYPED_TEST(InAFork, a_pool_shows_nothing_and_its_end_is_no_work) {
  ControlledPool<TypeParam> controlled;  // its worker is busy: a shutdown that waits would do so for ever
  auto pool = std::make_unique<TypeParam>(1);
  pool->template submit<&square>(1).result();
  expect_in_fork([&] {
    IN_FORK(controlled.pool.metrics().submitted == 0);
    IN_FORK(controlled.pool.workers() == 0);
    controlled.pool.shutdown();
    controlled.pool.shutdown({.wait = true, .cancel_futures = true});
    pool.reset();
  });
  EXPECT_EQ(pool->template submit<&square>(2).result(), 4);
  EXPECT_EQ(pool->metrics().crashed, 0U);
}

TYPED_TEST(InAFork, a_future_that_is_done_can_be_read) {
  TypeParam pool{1};
  const auto value = pool.template submit<&repeat>("ab", 2);
  const auto failure = pool.template submit<&fail>("no");
  value.result();
  EXPECT_NE(failure.exception(), nullptr);
  expect_in_fork([&] {
    IN_FORK(value.result() == "abab");
    IN_FORK(failure.exception() != nullptr);
    int called = 0;
    value.add_done_callback([&](const Future<std::string>&) { ++called; });
    IN_FORK(called == 1);
    IN_FORK(wait(std::vector{value}).done.size() == 1);
    for (const auto& each : as_completed(std::vector{value})) IN_FORK(each.result() == "abab");
    IN_FORK(!value.cancel());
  });
}

TYPED_TEST(InAFork, a_future_that_is_not_done_refuses_to_be_waited_for) {
  ControlledPool<TypeParam> controlled;
  const Future<int> queued = controlled.pool.template submit<&square>(3);
  auto all = as_completed(std::vector{controlled.blocker, queued});
  expect_in_fork([&] {
    for (const Future<int>& future : {controlled.blocker, queued}) {
      IN_FORK(refusal([&] { future.result(); }).find("forked") != std::string::npos);
      refusal([&] { future.result(0s); });
      refusal([&] { future.exception(); });
      refusal([&] { wait(std::vector{future}); });
      refusal([&] { wait(std::vector{future}, ReturnWhen::first_completed); });
      refusal([&] { future.add_done_callback([](const Future<int>&) {}); });
      IN_FORK(!future.done() && !future.cancel() && !future.cancelled());
    }
    IN_FORK(!queued.running());
    refusal([&] { all.begin(); });
  });
  controlled.gate.open();
  EXPECT_EQ(queued.result(), 9);
}

TEST(InAForkAlso, then_in_is_refused_into_a_pool_of_the_parent_and_from_a_future_that_is_not_done) {
  ControlledPool<ThreadPool> controlled;
  ProcessPool pool{1};
  const auto done = pool.submit<&square>(2);
  done.result();
  expect_in_fork([&] {
    refusal([&] { return done.then_in<&square>(pool); });
    refusal([&] { return controlled.blocker.then_in<&square>(pool); });
  });
}

TEST(InAForkAlso, promises_belong_to_whoever_has_them) {
  const Promise<int> promise;
  const Future<int> future = promise.future();
  expect_in_fork([&] {
    int called = 0;
    future.add_done_callback([&](const Future<int>& done) { called = done.result(); });
    promise.set_value(5);
    IN_FORK(future.result() == 5 && called == 5);
  });
  EXPECT_FALSE(future.done());
}

TEST(InAForkAlso, descriptors_of_the_pools_are_closed_and_their_numbers_free) {
  detail::DescriptorPair pipe = detail::make_pipe();
  const int number = pipe.second.get();
  expect_in_fork([&] {
    IN_FORK(!pipe.first && !pipe.second);
    IN_FORK(::fcntl(number, F_GETFD) < 0);
    const detail::DescriptorPair own = detail::make_pipe();  // takes the same numbers
    pipe = {};
    IN_FORK(own.second.get() == number && ::fcntl(number, F_GETFD) >= 0);
  });
  EXPECT_GE(::fcntl(number, F_GETFD), 0);
}

// What a fork wrote there the parent would take for a worker's answer.
TEST(InAForkAlso, the_memory_of_the_channels_is_not_there) {
  ProcessPool pool{1};
  pool.start_all();
  const auto channels = [] {
    std::ifstream maps("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find("pools-channel") != std::string::npos;
    return count;
  };
  EXPECT_GT(channels(), 0);
  expect_in_fork([&] { IN_FORK(channels() == 0); });
}

TEST(InAForkAlso, each_process_has_a_number_of_its_own_whatever_made_it) {
  const detail::ProcessNumber here = detail::this_process();
  const detail::OwningProcess owner;
  expect_in_fork([&] {
    IN_FORK(!owner.is_this() && !detail::is_this_process(here));
    const detail::ProcessNumber own = detail::this_process();
    IN_FORK(own > here && detail::is_this_process(own) && !owner.is_this());
    IN_FORK(exit_status(fork_that([&] { IN_FORK(!detail::is_this_process(own) && detail::this_process() > own); })) ==
            EXIT_SUCCESS);
  });
  const auto child = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child == 0) ::_exit(owner.is_this() ? EXIT_FAILURE : EXIT_SUCCESS);
  EXPECT_EQ(exit_status(child), EXIT_SUCCESS);
  EXPECT_TRUE(owner.is_this());
}

}  // namespace
}  // namespace pools::test
