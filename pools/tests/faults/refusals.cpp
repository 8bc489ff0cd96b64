// What a pool is asked to do and cannot, or can only just: threads that are refused, pools that end on threads of their own, tasks that end
// the program or their thread, places of a bounded queue that are given up at the very moment of the dispatch.

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "pools/process_pool.h"
#include "pools/tests/faults/aftermath.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/gate.h"
#include "pools/thread_pool.h"

namespace pools::faults {
namespace {

std::atomic<int> refused_reports{0};
std::atomic<ThreadPool*> looked_at{nullptr};  // a hook may ask the pool that it hears of
void count_and_look(std::string_view, const std::exception_ptr&) noexcept {
  ++refused_reports;
  if (ThreadPool* const pool = looked_at) static_cast<void>(pool->metrics());
}

// --- threads that cannot be started ---

// From now on this thread starts no other.
void refuse_threads() {
#if defined(__x86_64__)
  constexpr unsigned kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  constexpr unsigned kArchitecture = AUDIT_ARCH_AARCH64;
#else
  throw Skip("the filter is not written for this processor");
#endif
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),  // the C library then tries clone
  };
  const sock_fprog program{.len = std::size(filter), .filter = filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    throw Skip("filters of system calls are not allowed here");
  }
}

// Posts from four threads that cannot start others.
void post_without_threads(ThreadPool& pool, std::atomic<int>& ran, std::atomic<int>& posted, std::atomic<int>& refused) {
  std::vector<std::jthread> submitters;
  std::atomic<bool> skipped{false};
  for (int submitter = 0; submitter < 4; ++submitter) {
    submitters.emplace_back([&] {
      try {
        refuse_threads();
      } catch (const Skip&) {
        skipped = true;
        return;
      }
      for (int task = 0; task < 500; ++task) {
        try {
          pool.post([&] { ++ran; });
          ++posted;
        } catch (const std::system_error&) {
          ++refused;
        }
      }
    });
  }
  submitters.clear();
  if (skipped) throw Skip("filters of system calls are not allowed here");
}

POOLS_FAULT(posts_while_threads_are_refused) {
  refused_reports = 0;
  const ErrorHook before = set_error_hook(&count_and_look);
  std::atomic<int> ran{0};
  std::atomic<int> posted{0};
  std::atomic<int> refused{0};
  {
    ThreadPool pool{3};
    post_without_threads(pool, ran, posted, refused);
    FAULT_EXPECT_EQ(posted, 0);
    FAULT_EXPECT_EQ(refused, 2000);
    FAULT_EXPECT_EQ(pool.metrics().submitted, 0U);
    FAULT_EXPECT_EQ(pool.submit([] { return 3; }).result(), 3);  // from this thread, which may
    looked_at = &pool;
    post_without_threads(pool, ran, posted, refused);
    looked_at = nullptr;
    FAULT_EXPECT_EQ(posted, 2000);  // there is a worker: with fewer than wanted, and reports of that
    FAULT_EXPECT_EQ(refused, 2000);
    pool.shutdown();
    FAULT_EXPECT_EQ(ran, 2000);
    FAULT_EXPECT_EQ(pool.metrics().done, 2001U);
  }
  set_error_hook(before);
}

POOLS_FAULT(threads_refused_and_given_by_turns) {
  refused_reports = 0;
  const ErrorHook before = set_error_hook(&count_and_look);
  for (int round = 0; round < 10; ++round) {
    std::atomic<int> ran{0};
    std::atomic<int> posted{0};
    std::atomic<int> refused{0};
    {
      ThreadPool pool({.workers = 2, .queue = {.limit = 100'000}});
      std::jthread other([&] {
        for (int task = 0; task < 50; ++task) pool.post([&] { ++ran; });
      });
      post_without_threads(pool, ran, posted, refused);
    }
    FAULT_EXPECT_EQ(posted + refused, 2000);
    FAULT_EXPECT_EQ(ran, posted + 50);
  }
  set_error_hook(before);
}

// --- exit() on a pool's own thread ---

int nothing_of(int value) { return value; }

// Each has a static pool at work and ends the program with status 7 from the inside, once it has been given everything: a pool that is
// about to end takes no more.
std::latch given{1};
void exit_with_status() {
  given.wait();
  std::exit(7);
}

POOLS_ACTOR(exits_on_a_worker) {
  static ThreadPool pool({.workers = std::stoi(arguments.at(0))});
  static std::latch never{1};
  for (int task = 1; task < pool.workers(); ++task) pool.post([] { never.wait(); });
  pool.post(exit_with_status);
  for (int task = 0; task < 10; ++task) pool.post([] {});
  given.count_down();
  pool.shutdown();
  return 1;
}
POOLS_ACTOR(exits_in_an_initializer) {
  static ThreadPool pool({.workers = 2, .initializer = [] { std::exit(7); }});
  try {
    pool.post([] {});
  } catch (const ShutdownError&) {  // the worker is started before the job is queued, and has come that far already
  }
  for (;;) ::pause();
}
POOLS_ACTOR(exits_on_the_callback_thread_of_threads) {
  static ThreadPool pool({.workers = 2, .callbacks = CallbackOn::callback_thread});
  for (int task = 0; task < 10; ++task) pool.submit_with_callback([](const Future<void>&) { exit_with_status(); }, [] {});
  given.count_down();
  for (;;) ::pause();
}
POOLS_ACTOR(exits_on_the_thread_of_start_by) {
  static ThreadPool pool{1};
  std::latch go_on{1};
  pool.post([&] { go_on.wait(); });
  pool.with({.start_by = std::chrono::nanoseconds(1)})
      .submit_with_callback(
          [&](const Future<void>&) {
            go_on.count_down();
            std::exit(7);
          },
          [] {});
  for (;;) ::pause();
}
POOLS_ACTOR(exits_on_the_callback_thread_of_processes) {
  static ProcessPool pool{2};
  for (int task = 0; task < 100; ++task)
    pool.submit_with_callback<&nothing_of>([](const Future<int>&) { exit_with_status(); }, task);
  given.count_down();
  for (;;) ::pause();
}

POOLS_FAULT(exit_on_a_thread_of_a_static_pool) {
  for (const Arguments& arguments : {Arguments{"1"}, Arguments{"3"}}) {
    FAULT_EXPECT_EQ(start_actor("exits_on_a_worker", arguments).wait().exit_code.value_or(-1), 7);
  }
  for (const char* actor : {"exits_in_an_initializer", "exits_on_the_callback_thread_of_threads",
                            "exits_on_the_thread_of_start_by", "exits_on_the_callback_thread_of_processes"}) {
    const ExitStatus status = start_actor(actor).wait();
    if (status.exit_code != 7) throw Failure(std::string(actor) + " " + status.description());
  }
}

// --- pools that end on a thread of their own ---

POOLS_FAULT(thread_pool_destroyed_by_its_own_task) {
  std::atomic<int> ran{0};
  auto pool = std::make_unique<ThreadPool>(3);
  std::latch queued{1};
  const auto destroyed = pool->submit([&] {
    queued.wait();
    pool.reset();
    return true;
  });
  std::vector<Future<void>> others;
  for (int task = 0; task < 100; ++task) others.push_back(pool->submit([&] { ++ran; }));
  queued.count_down();
  FAULT_EXPECT(destroyed.result());
  for (const auto& other : others) other.result();
  FAULT_EXPECT_EQ(ran, 100);
}

POOLS_FAULT(process_pool_destroyed_in_its_own_callback) {
  auto pool = std::make_unique<ProcessPool>(2);
  std::atomic<int> called{0};
  std::latch queued{1};
  std::vector<Future<int>> futures;
  const auto first = pool->submit_with_callback<&nothing_of>(
      [&](const Future<int>&) {
        queued.wait();
        pool.reset();  // waits for the tasks, and for the workers' end
        ++called;
      },
      1);
  for (int task = 0; task < 50; ++task) {
    futures.push_back(pool->submit_with_callback<&nothing_of>([&](const Future<int>&) { ++called; }, task));
  }
  queued.count_down();
  for (int task = 0; task < 50; ++task) FAULT_EXPECT_EQ(futures[static_cast<std::size_t>(task)].result(), task);
  wait_until([&] { return called == 51; });  // those behind it run, too
}

// --- what is refused, and in which words ---

// What the actor says on its standard error, and how it ends.
std::pair<std::string, ExitStatus> last_words(const std::string& actor) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const detail::FileDescriptor ours(ends[0]);
  detail::FileDescriptor theirs(ends[1]);
  Child child = spawn({.arguments = {kActorArgument, actor}, .stderr_fd = theirs.get()});
  theirs.reset();
  std::string words;
  char buffer[1024];
  for (ssize_t got = 0; (got = ::read(ours.get(), buffer, sizeof buffer)) != 0;) {
    if (got > 0) words.append(buffer, static_cast<std::size_t>(got));
  }
  return {words, child.wait()};
}

void expect_refusal(const std::string& actor, const std::string& words) {
  const auto [said, status] = last_words(actor);
  reap_all();  // of a pool of the actor's
  if (status.signal != SIGABRT && status.success()) throw Failure("the actor " + actor + " " + status.description());
  if (said.find("pools: ") == std::string::npos || said.find(words) == std::string::npos) throw Failure(actor + " said: " + said);
}

int end_the_thread(int) { ::pthread_exit(nullptr); }

POOLS_ACTOR(ends_the_thread_of_a_worker) {
  ThreadPool pool{1};
  pool.submit([] { ::pthread_exit(nullptr); }).exception();
  return 0;
}
POOLS_ACTOR(ends_the_thread_of_a_callback) {
  ProcessPool pool{1};
  pool.submit_with_callback<&nothing_of>([](const Future<int>&) { ::pthread_exit(nullptr); }, 1);
  pool.shutdown();
  return 0;
}
POOLS_ACTOR(destroys_a_process_pool_in_an_observer) {
  struct Destroyer final : PoolObserver {
    void finished(std::uint64_t, int, Outcome) noexcept override { pool.reset(); }
    std::unique_ptr<ProcessPool> pool;
  };
  const auto destroyer = std::make_shared<Destroyer>();
  destroyer->pool = std::make_unique<ProcessPool>(ProcessPoolOptions{.workers = 1, .observer = destroyer});
  destroyer->pool->submit<&nothing_of>(1).result();
  for (;;) ::pause();
}

POOLS_FAULT(pthread_exit_in_a_task) {
  expect_refusal("ends_the_thread_of_a_worker", "a task has ended its thread");
  expect_refusal("ends_the_thread_of_a_callback", "a done callback has ended its thread");
  BusyPool pool({.output = WorkerOutput::tagged});
  const auto died = thrown_by<WorkerDied>([&] { pool->submit<&end_the_thread>(0).result(); });
  FAULT_EXPECT(mentions(died, "a task has ended its thread"));
  pool.finish();
}

POOLS_FAULT(process_pool_destroyed_in_an_observer) {
  expect_refusal("destroys_a_process_pool_in_an_observer", "is destroyed by a thread of its own");
}

struct ThrowsAtItsEnd {
  ThrowsAtItsEnd() = default;
  ThrowsAtItsEnd(ThrowsAtItsEnd&& from) noexcept : armed(std::exchange(from.armed, false)) {}
  ~ThrowsAtItsEnd() noexcept(false) {
    if (armed) throw std::runtime_error("cannot be closed");
  }
  bool armed = true;
};

POOLS_FAULT(capture_whose_destructor_throws) {
  refused_reports = 0;
  const ErrorHook before = set_error_hook(&count_and_look);
  {
    ThreadPool threads{2};
    FAULT_EXPECT(mentions(thrown_by<std::runtime_error>([&] { threads.submit([held = ThrowsAtItsEnd()] {}).result(); }),
                          "cannot be closed"));
    threads.post([held = ThrowsAtItsEnd()] {});
    ProcessPool processes{1};
    processes.submit_with_callback<&nothing_of>([held = ThrowsAtItsEnd()](const Future<int>&) {}, 1);
    processes.shutdown();
    threads.shutdown();
  }
  set_error_hook(before);
  FAULT_EXPECT_EQ(refused_reports, 2);
}

// --- the places of a bounded queue ---

POOLS_FAULT(cancellations_racing_the_dispatch_of_a_bounded_queue) {
  test::Gate gate;
  ProcessPool pool({.workers = 2, .queue = {.limit = 2, .when_full = WhenFull::reject}});
  pool.start_all();
  const struct Opener {
    ~Opener() { gate.open(); }
    test::Gate& gate;
  } opener{gate};                      // the pool's destructor waits for its tasks
  std::atomic<std::uint64_t> step{0};  // odd: the future there is to be cancelled
  Future<int> future;
  constexpr std::uint64_t kRaces = 3000;
  std::jthread canceller([&] {
    for (std::uint64_t race = 0; race < kRaces; ++race) {
      while (step != 2 * race + 1) std::this_thread::yield();
      future.cancel();
      step = 2 * race + 2;
    }
  });
  for (std::uint64_t race = 0; race < kRaces; ++race) {
    const Promise<int> promise;
    future = promise.future().then_in<&nothing_of>(pool);
    step = 2 * race + 1;
    promise.set_value(7);  // dispatched here
    while (step != 2 * race + 2) std::this_thread::yield();
    wait(std::vector{future});
  }
  canceller.join();
  for (int worker = 0; worker < 2; ++worker) pool.submit<&test::pass_and_return>(gate.name(), 0);
  gate.await(2);
  const auto submit = [&] { pool.submit<&nothing_of>(1); };
  for (int place = 0; place < 2; ++place) submit();
  thrown_by<QueueFullError>(submit);
  gate.open();
  pool.shutdown();
  expect_balance(pool);
}

}  // namespace
}  // namespace pools::faults
