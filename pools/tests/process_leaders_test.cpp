// Which threads lead a process pool while they wait, what the pool's own inherit of them, and completions on other threads amidst which a leader
// is told.

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/leader.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

class ProcessLeaders : public ProcessTest {};

int next_of(int value) { return value + 1; }

// The callback thread starts with the first callback, whoever completes that task.
TEST_F(ProcessLeaders, a_thread_of_the_pool_inherits_nothing_of_the_leader) {
  const auto is_blocked = [] {
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    return ::sigismember(&blocked, SIGUSR1) == 1;
  };
  ProcessPool pool({.workers = 2});
  Gate gate;
  std::atomic<int> blocked{-1};
  std::thread waiter([&] {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    const auto first = pool.submit_with_callback<&next_of>([&](const auto&) { blocked = is_blocked(); }, 1);
    EXPECT_EQ(pool.submit<&pass_and_return>(gate.name(), 1).result(), 1);
  });
  gate.await();
  wait_until([&] { return blocked != -1; });
  gate.open();
  waiter.join();
  EXPECT_EQ(blocked, 0);
}

// Waits for a task on a thread that `prepare` was run on, and expects that it does not lead.
void expect_no_leader(const std::function<void()>& prepare, const pthread_attr_t* attributes = nullptr) {
  ProcessPool pool({.workers = 1});
  Gate gate;
  struct Waiter {
    const std::function<void()>& prepare;
    Future<int> future;
    std::atomic<pid_t> id{0};
    int value = 0;
  } waiter{.prepare = prepare, .future = pool.submit<&pass_and_return>(gate.name(), 3)};
  gate.await();
  const pid_t asleep = supervisor();
  wait_until([&] { return sleeps_on_events(asleep); });
  pthread_t thread{};
  const auto body = [](void* argument) -> void* {
    auto& self = *static_cast<Waiter*>(argument);
    self.prepare();
    self.id = ::gettid();
    self.value = self.future.result();
    return nullptr;
  };
  ASSERT_EQ(::pthread_create(&thread, attributes, body, &waiter), 0);
  wait_until([&] { return waiter.id != 0 && sleeps_on_a_word(waiter.id); });
  gate.open();
  ::pthread_join(thread, nullptr);
  EXPECT_EQ(waiter.value, 3);
}

TEST_F(ProcessLeaders, is_not_for_threads_that_others_would_have_to_wait_for) {
  expect_no_leader([] {
    const sched_param none{};
    EXPECT_EQ(::sched_setscheduler(0, SCHED_IDLE, &none), 0);
  });
  expect_no_leader([] { EXPECT_EQ(::setpriority(PRIO_PROCESS, 0, 19), 0); });
}

TEST_F(ProcessLeaders, is_not_for_threads_with_little_stack) {
  pthread_attr_t small;
  ::pthread_attr_init(&small);
  ASSERT_EQ(::pthread_attr_setstacksize(&small, std::size_t{128} << 10), 0);
  expect_no_leader([] {}, &small);
  ::pthread_attr_destroy(&small);
}

// What encodes an argument cancels what a leader waits for, and goes on when that has returned.
struct CancelsWhenEncoded {
  template <class Archive>
  void save(Archive& archive) const {
    if (cancel) (*cancel)();
    archive(0);
  }
  template <class Archive>
  void load(Archive& archive) {
    int nothing = 0;
    archive(nothing);
  }
  const std::function<void()>* cancel = nullptr;
};
int ignore(const CancelsWhenEncoded&) { return 7; }

TEST_F(ProcessLeaders, ends_when_somebody_completes_the_task_amidst_a_continuation) {
  ProcessPool parsers({.workers = 1});
  ProcessPool pool({.workers = 1, .name_prefix = "led"});
  pool.start_all();
  pool.pause();
  const auto awaited = pool.submit<&next_of>(1);
  std::atomic<pid_t> id{0};
  std::atomic<bool> returned{false};
  std::thread waiter([&] {
    id = ::gettid();
    EXPECT_THROW(awaited.result(), CancelledError);
    returned = true;
  });
  wait_until([&] { return id != 0 && (sleeps_on_events(id) || sleeps_on_a_word(id)); });
  const std::function<void()> cancel = [&] {
    EXPECT_TRUE(awaited.cancel());
    wait_until([&] { return returned.load(); });
  };
  Promise<CancelsWhenEncoded> promise;
  const auto parsed = promise.future().then_in<&ignore>(parsers);
  promise.set_value(CancelsWhenEncoded{.cancel = &cancel});
  EXPECT_EQ(parsed.result(), 7);
  waiter.join();
}

}  // namespace
}  // namespace pools::test
