#include <algorithm>
#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pools/process_pool.h"
#include "pools/shared_buffer.h"
#include "pools/tests/shared_memory_checks.h"
#include "pools/tests/soak/chaos.h"
#include "pools/tests/soak/misfortunes.h"
#include "pools/tests/soak/process_tasks.h"

namespace pools::soak {
namespace {

using namespace std::chrono_literals;

enum class Kind { add, echo, share, fail, exit, raise, stubborn, spin, overdue, child };

struct Sent {
  Kind kind{};
  std::uint64_t expected = 0;
  std::optional<Future<std::uint64_t>> number;
  std::optional<Future<std::string>> text;
  bool may_be_cancelled = false;
  std::shared_ptr<std::atomic<int>> called;  // how often its callback was

  template <class Use>
  auto with_future(Use use) const {
    return number ? use(*number) : use(*text);
  }
};

class Shaking {
 public:
  Shaking(Random& random, Tally& tally, Violations& violations)
      : random_(random), tally_(tally), violations_(violations), options_(random_options()), pool_(options_) {}

  void run(Clock::time_point until) {
    ++tally_.pools;
    try {
      while (Clock::now() < until) step();
    } catch (const BrokenPoolError& error) {
      broken(error);
    }
    pool_.resume();
    if (chance(random_, 30)) {
      const bool cancel = chance(random_, 50);
      for (Sent& sent : sent_) sent.may_be_cancelled |= cancel;
      pool_.shutdown({.wait = false, .cancel_futures = cancel});
    }
    settle();
    if (chance(random_, 30)) stop_one();  // at nothing: it must not keep the pool from its end
    pool_.shutdown();
    if (const std::size_t held = test::shared_memory_held(); held > 0) {
      violations_.add("processes: shared memory is held " + std::to_string(held) + " times that nobody wants");
    }
    check_ends(pool_.metrics(), ends_, "processes", tally_, violations_);
  }

 private:
  ProcessPoolOptions random_options() {
    ProcessPoolOptions options;
    options.workers = 1 + pick(random_, 4);
    if (chance(random_, 30))
      options.queue = {.limit = static_cast<std::size_t>(50 + pick(random_, 200)), .when_full = WhenFull::reject};
    options.timing = chance(random_, 20);
    options.retry = {.retries = pick(random_, 3), .backoff = 1ms, .max_backoff = 5ms};
    options.crash_limit = 0;  // storms of deaths are what this is about
    options.max_tasks_per_child = chance(random_, 25) ? 20 + pick(random_, 200) : 0;
    options.kill_gap = 10ms;
    options.output = chance(random_, 50) ? WorkerOutput::tagged : WorkerOutput::discarded;
    if (chance(random_, 40)) options.groups = random_groups(random_);
    if (chance(random_, 15)) options.workers = random_bounds(random_);
    return options;
  }

  void step() {
    switch (pick(random_, 14)) {
      case 0:
      case 1:
      case 2:
      case 3:
        for (int tasks = 1 + pick(random_, 40); tasks > 0; --tasks) submit();
        break;
      case 4:
        cancel_some();
        break;
      case 5:
        if (chance(random_, 40)) kill_one();
        break;
      case 6:
        if (chance(random_, 20)) {
          resize_at_random(pool_, random_, 5);
          ++tally_.resizes;
        }
        break;
      case 7:
        if (chance(random_, 20)) {
          pool_.pause();
          ++tally_.pauses;
        }
        break;
      case 8:
        pool_.resume();
        break;
      case 9:
        look();
        break;
      case 10:
        if (!sent_.empty() && !pool_.paused()) {
          const Sent& some = sent_[random_() % sent_.size()];
          some.with_future([](const auto& future) { wait(std::vector{future}, 2ms); });
        }
        break;
      case 11:
        if (sent_.size() > 2000) {
          pool_.resume();
          settle();
        }
        break;
      case 12:
        if (chance(random_, 30)) stop_one();
        if (chance(random_, 30)) let_all_go_on();
        break;
      case 13:
        if (chance(random_, 30) && !sent_.empty()) wait_elsewhere(sent_[random_() % sent_.size()]);
        if (chance(random_, 3)) fork_host();
        if (chance(random_, 3)) starve();
        break;
    }
  }

  // Where every worker is killed that starts, there is no pool. Otherwise nothing of this may break one.
  void broken(const BrokenPoolError& error) {
    if (!broken_) ++tally_.broken;
    broken_ = true;
    if (starved_) return;
    if (tally_.kills == kills_before_ ||
        std::string(error.what()).find("signal 9 (Killed) before it was ready") == std::string::npos) {
      violations_.add(std::string("processes: ") + error.what());
    }
  }

  void submit() {
    Sent sent;
    RemoteTaskOptions options;
    if (chance(random_, 10)) options.priority = pick(random_, 5) - 2;
    if (chance(random_, 5)) options.retries = pick(random_, 3);
    if (chance(random_, 5)) options.cancel_kills = true;
    if (chance(random_, 5)) {
      options.start_by = std::chrono::microseconds(1 + pick(random_, 5000));
      sent.may_be_cancelled = true;
    }
    if (!options_.groups.empty() && chance(random_, 30)) options.group = random_group(options_.groups, random_);
    sent.called = std::make_shared<std::atomic<int>>(0);
    const auto count = [called = sent.called](const auto&) { ++*called; };
    const int kind = pick(random_, 1000);
    try {
      const auto pool = pool_.with(options);
      if (kind < 600) {
        const std::uint64_t a = random_() / 2;
        const std::uint64_t b = random_() / 2;
        sent.kind = Kind::add;
        sent.expected = a + b;
        // Plain ones travel several at a time.
        sent.number =
            chance(random_, 80) ? pool_.submit_with_callback<&add>(count, a, b) : pool.submit_with_callback<&add>(count, a, b);
      } else if (kind < 780) {
        std::string text(random_size(), '\0');
        for (char& c : text) c = static_cast<char>(random_());
        sent.kind = Kind::echo;
        sent.expected = checksum(text);
        sent.text = pool.submit_with_callback<&echo>(count, text);
      } else if (kind < 810) {
        const SharedArray<std::uint64_t> numbers(static_cast<std::size_t>(2 + pick(random_, 200'000)));
        numbers[0] = random_() / 2;
        numbers[numbers.size() - 1] = random_() / 2;
        sent.kind = Kind::share;
        sent.expected = numbers[0] + numbers[numbers.size() - 1];
        sent.number = pool.submit_with_callback<&sum_of_ends>(count, numbers);
      } else if (kind < 880) {
        sent.kind = Kind::fail;
        sent.number = pool.submit_with_callback<&fail>(count, std::string("on purpose"));
      } else if (kind < 960) {
        sent.kind = Kind::spin;
        sent.expected = 7;
        sent.number = pool.submit_with_callback<&spin>(count, pick(random_, 2000));
      } else if (kind < 970) {
        sent.kind = Kind::exit;
        sent.number = pool.submit_with_callback<&leave>(count, pick(random_, 3));
      } else if (kind < 985) {
        constexpr int kSignals[] = {SIGKILL, SIGSEGV, SIGABRT, SIGTERM};
        sent.kind = Kind::raise;
        sent.number = pool.submit_with_callback<&die_by>(count, kSignals[pick(random_, 4)]);
      } else if (kind < 990) {
        options.time_limit = std::chrono::milliseconds(1 + pick(random_, 5));
        sent.kind = Kind::stubborn;
        sent.number = pool_.with(options).template submit_with_callback<&stubborn>(count);
      } else if (kind < 995) {
        options.time_limit = std::chrono::microseconds(500 + pick(random_, 2000));
        sent.kind = Kind::overdue;
        sent.expected = 7;
        sent.number = pool_.with(options).template submit_with_callback<&spin>(count, pick(random_, 3000));
      } else {
        sent.kind = Kind::child;
        sent.expected = 7;
        sent.number = pool.submit_with_callback<&leave_child>(count);
      }
    } catch (const QueueFullError&) {
      ++tally_.refused;
      return;
    } catch (const SharedMemoryError& error) {
      if (!starved_) violations_.add(std::string("processes: ") + error.what());
      return;
    }
    ++ends_.accepted;
    sent_.push_back(std::move(sent));
  }

  std::size_t random_size() {
    const int kind = pick(random_, 100);
    if (kind < 80) return static_cast<std::size_t>(pick(random_, 2000));
    if (kind < 98) return static_cast<std::size_t>(pick(random_, 300'000));
    return static_cast<std::size_t>(pick(random_, 4'000'000));
  }

  void cancel_some() {
    if (sent_.empty()) return;
    for (int tries = 1 + pick(random_, 20); tries > 0; --tries) {
      Sent& some = sent_[sent_.size() - 1 - random_() % std::min<std::size_t>(sent_.size(), 200)];
      if (some.with_future([](const auto& future) { return future.cancel(); })) some.may_be_cancelled = true;
    }
  }

  void kill_one() {
    const std::vector<pid_t> pids = pool_.worker_pids();
    if (pids.empty()) return;
    const pid_t pid = pids[random_() % pids.size()];
    if (!is_child(pid)) return;
    ++tally_.kills;
    if (chance(random_, 20)) {
      ::kill(pid, SIGSTOP);
      std::this_thread::yield();
    }
    ::kill(pid, SIGKILL);
  }

  // A worker, or the guard. What it is at takes as long as it is stopped.
  void stop_one() {
    std::vector<pid_t> pids = chance(random_, 80) ? pool_.worker_pids() : children_named(options_.name_prefix + "_guard");
    if (pids.empty()) return;
    const pid_t pid = pids[random_() % pids.size()];
    if (!is_child(pid)) return;
    ++tally_.stops;
    ::kill(pid, SIGSTOP);
    stopped_.push_back(pid);
  }

  void let_all_go_on() {
    for (const pid_t pid : stopped_) {
      if (is_child(pid)) ::kill(pid, SIGCONT);
    }
    stopped_.clear();
  }

  // The copy of the pool that a forked child has must refuse to work, and harm nobody.
  void fork_host() {
    ++tally_.forks;
    const std::string wrong = in_a_fork([this] {
      try {
        pool_.submit<&add>(std::uint64_t{1}, std::uint64_t{2});
        return false;
      } catch (const QueueFullError&) {
        return false;
      } catch (const Error&) {
      }
      for (const Sent& sent : sent_) {
        if (sent.with_future([](const auto& future) { return future.done(); })) continue;
        try {
          sent.with_future([](const auto& future) { static_cast<void>(future.result()); });
          return false;
        } catch (const Error&) {
          return true;
        }
      }
      return true;
    });
    if (!wrong.empty()) violations_.add("processes: " + wrong);
  }

  // A thread that waits without a limit may supervise the pool meanwhile.
  void wait_elsewhere(const Sent& sent) {
    sent.with_future([this](const auto& future) {
      waiters_.emplace_back([future] {
        try {
          static_cast<void>(future.result());
        } catch (const std::exception&) {  // judged when it has ended
        }
      });
    });
  }

  void starve() {
    ++tally_.shortages;
    starved_ = true;
    const Shortage shortage(20 + static_cast<unsigned>(pick(random_, 300)));
    for (int steps = 1 + pick(random_, 10); steps > 0; --steps) {
      submit();
      if (chance(random_, 10)) kill_one();
      if (chance(random_, 50)) std::this_thread::sleep_for(std::chrono::microseconds(pick(random_, 2000)));
    }
  }

  void look() {
    ++tally_.looks;
    check_balance(pool_.metrics(), "processes", violations_);
    if (!chance(random_, 5)) return;
    for (const pid_t pid : pool_.worker_pids()) {
      std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
      for (std::string line; std::getline(maps, line);) {
        if (line.find("/dev/shm") != std::string::npos) violations_.add("processes: a worker maps " + line);
      }
    }
  }

  // Everything ends, as it should.
  void settle() {
    let_all_go_on();
    for (const Sent& sent : sent_) {
      if (!sent.with_future([](const auto& future) { return wait(std::vector{future}, kLost).not_done.empty(); })) {
        violations_.add("processes: a task of kind " + std::to_string(static_cast<int>(sent.kind)) + " was lost; " +
                        state_of(pool_.metrics()));
        continue;
      }
      sent.with_future([&](const auto& future) { judge(sent, future); });
      const auto limit = Clock::now() + kLost;
      while (*sent.called == 0 && Clock::now() < limit) std::this_thread::yield();
      if (*sent.called != 1) violations_.add("processes: a callback ran " + std::to_string(*sent.called) + " times");
    }
    sent_.clear();
    for (std::thread& waiter : waiters_) waiter.join();
    waiters_.clear();
    look();
  }

  static bool is_right(const Sent& sent, std::uint64_t value) { return value == sent.expected; }
  static bool is_right(const Sent& sent, const std::string& text) { return checksum(text) == sent.expected; }

  template <class T>
  void judge(const Sent& sent, const Future<T>& future) {
    const auto wrong = [&](const std::string& what) {
      violations_.add("processes: a task of kind " + std::to_string(static_cast<int>(sent.kind)) + " " + what);
    };
    try {
      ++ends_.done;
      if (!is_right(sent, future.result())) wrong("has a wrong result");
      if (sent.kind == Kind::fail || sent.kind == Kind::exit || sent.kind == Kind::raise || sent.kind == Kind::stubborn)
        wrong("returned");
      return;
    } catch (const CancelledError&) {
      --ends_.done;
      ++ends_.cancelled;
      if (!sent.may_be_cancelled) wrong("was cancelled by nobody");
      return;
    } catch (const WorkerDied&) {  // of its own doing, by its time limit, or because the soak killed the worker
    } catch (const BrokenPoolError& error) {
      broken(error);
    } catch (const std::bad_alloc&) {
      if (!starved_) wrong("found no memory");
    } catch (const RemoteError& error) {
      if (sent.kind != Kind::fail) wrong(std::string("threw ") + error.type() + ": " + error.what());
    } catch (const std::exception& error) {
      wrong(std::string("failed: ") + error.what());
    }
    --ends_.done;
    ++ends_.failed;
  }

  Random& random_;
  Tally& tally_;
  Violations& violations_;
  ProcessPoolOptions options_;
  ProcessPool pool_;
  std::vector<Sent> sent_;
  Ends ends_;
  bool broken_ = false;
  bool starved_ = false;  // there was a shortage
  std::vector<pid_t> stopped_;
  std::vector<std::thread> waiters_;
  const std::uint64_t kills_before_ = tally_.kills;
};

}  // namespace

void shake_processes(Random& random, Clock::time_point until, Tally& tally, Violations& violations) {
  Shaking(random, tally, violations).run(until);
}

}  // namespace pools::soak
