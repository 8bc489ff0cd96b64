#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/tests/soak/chaos.h"
#include "pools/tests/soak/misfortunes.h"
#include "pools/thread_pool.h"

namespace pools::soak {
namespace {

using namespace std::chrono_literals;

struct Sent {
  Future<std::uint64_t> future;
  std::uint64_t expected = 0;
  bool throws = false;
  bool may_be_cancelled = false;
  std::shared_ptr<std::atomic<int>> called;
};

class Shaking {
 public:
  Shaking(Random& random, Tally& tally, Violations& violations)
      : random_(random), tally_(tally), violations_(violations), options_(random_options()), pool_(options_) {}

  void run(Clock::time_point until) {
    ++tally_.pools;
    while (Clock::now() < until) step();
    pool_.resume();
    if (chance(random_, 30)) {
      const bool cancel = chance(random_, 50);
      for (Sent& sent : sent_) sent.may_be_cancelled |= cancel;
      cancelled_posts_ = cancel;
      closed_ = true;
      pool_.shutdown({.wait = false, .cancel_futures = cancel});
    }
    settle();
    pool_.shutdown();
    const PoolMetrics m = pool_.metrics();
    // Tasks that the soak has no futures of: posted ones, and those that tasks submitted.
    ends_.accepted += posted_ + inner_;
    ends_.cancelled += m.cancelled - ends_.cancelled;
    ends_.done += ran_ + inner_done_;
    if (ran_ + inner_done_ > posted_ + inner_) violations_.add("threads: more tasks ran than were submitted");
    check_ends(m, ends_, "threads", tally_, violations_);
  }

 private:
  ThreadPoolOptions random_options() {
    ThreadPoolOptions options;
    options.workers = 1 + pick(random_, 6);
    options.callbacks = chance(random_, 30) ? CallbackOn::callback_thread : CallbackOn::worker;
    if (chance(random_, 40)) {
      constexpr WhenFull kFull[] = {WhenFull::reject, WhenFull::caller_runs};
      options.queue = {.limit = static_cast<std::size_t>(1 + pick(random_, 100)), .when_full = kFull[pick(random_, 2)]};
    }
    options.timing = chance(random_, 20);
    if (chance(random_, 40)) options.groups = random_groups(random_);
    if (chance(random_, 15)) options.workers = random_bounds(random_);
    return options;
  }

  void step() {
    switch (pick(random_, 12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        for (int tasks = 1 + pick(random_, 60); tasks > 0; --tasks) submit();
        break;
      case 4:
        for (int tries = pick(random_, 20); tries > 0 && !sent_.empty(); --tries) {
          Sent& some = sent_[random_() % sent_.size()];
          if (some.future.cancel()) some.may_be_cancelled = true;
        }
        break;
      case 5:
        if (chance(random_, 30)) {
          resize();
        }
        break;
      case 6:
        // Where a full queue makes the submitter wait for the end of the pause, nobody would end it.
        if (chance(random_, 30)) {
          pool_.pause();
          ++tally_.pauses;
          pool_.resume();
        }
        break;
      case 7:
        look();
        break;
      case 8:
        if (!sent_.empty()) wait(std::vector{sent_[random_() % sent_.size()].future}, 1ms);
        break;
      case 9:
      case 10:
        if (sent_.size() > 5000) settle();
        break;
      case 11:
        if (chance(random_, 2)) fork_host();
        if (chance(random_, 2)) starve();
        break;
    }
  }

  void resize() {
    ++tally_.resizes;
    try {
      resize_at_random(pool_, random_, 8);
    } catch (const std::system_error& error) {
      if (!starved_) violations_.add(std::string("threads: a resize failed: ") + error.what());
    }
  }

  // The copy of the pool that a forked child has must refuse to work, and harm nobody.
  void fork_host() {
    ++tally_.forks;
    const std::string wrong = in_a_fork([this] {
      try {
        pool_.post([] {});
        return false;
      } catch (const QueueFullError&) {
        return false;
      } catch (const Error&) {
        return true;
      }
    });
    if (!wrong.empty()) violations_.add("threads: " + wrong);
  }

  void starve() {
    ++tally_.shortages;
    starved_ = true;
    const Shortage shortage(20 + static_cast<unsigned>(pick(random_, 300)));
    for (int steps = 1 + pick(random_, 20); steps > 0; --steps) {
      submit();
      if (chance(random_, 10)) resize();
      if (chance(random_, 30)) std::this_thread::sleep_for(std::chrono::microseconds(pick(random_, 1000)));
    }
  }

  void submit() {
    Sent sent;
    sent.called = std::make_shared<std::atomic<int>>(0);
    const auto count = [called = sent.called](const auto&) { ++*called; };
    const std::uint64_t a = random_() / 4;
    const std::uint64_t b = random_() / 4;
    sent.expected = a + b;
    TaskOptions options;
    if (chance(random_, 20)) options.priority = pick(random_, 5) - 2;
    if (!options_.groups.empty() && chance(random_, 30)) return submit_to_group(std::move(sent), options);
    const int kind = pick(random_, 100);
    try {
      const auto pool = pool_.with(options);
      if (kind < 50) {
        const auto work = [a, b] { return a + b; };
        sent.future = chance(random_, 80) ? pool_.submit_with_callback(count, work) : pool.submit_with_callback(count, work);
      } else if (kind < 60) {
        sent.throws = true;
        sent.future = pool.submit_with_callback(count, []() -> std::uint64_t { throw std::runtime_error("on purpose"); });
      } else if (kind < 75) {
        // Waits for tasks of its own pool: it has to help, or a full pool stands still.
        sent.future = pool.submit_with_callback(count, [this, a, b] {
          const auto first = try_submit([a] { return a; });
          const auto second = try_submit([b] { return b; });
          const auto value = [](const std::optional<Future<std::uint64_t>>& future, std::uint64_t otherwise) {
            return future ? future->result() : otherwise;
          };
          return value(first, a) + value(second, b);
        });
      } else if (kind < 85) {
        options.start_by = std::chrono::microseconds(1 + pick(random_, 300));
        sent.may_be_cancelled = true;
        sent.future = pool_.with(options).submit_with_callback(count, [a, b] { return a + b; });
      } else if (kind < 92) {
        const auto work = std::chrono::microseconds(pick(random_, 300));
        sent.future = pool.submit_with_callback(count, [a, b, work] {
          std::this_thread::sleep_for(work);
          return a + b;
        });
      } else {
        pool.post([this] { ++ran_; });
        ++posted_;
        return;
      }
    } catch (const QueueFullError&) {
      ++tally_.refused;
      return;
    }
    ++ends_.accepted;
    sent_.push_back(std::move(sent));
  }

  // Never more of them at a time than the group's limit.
  void submit_to_group(Sent sent, TaskOptions options) {
    const std::size_t index = random_() % options_.groups.size();
    const ConcurrencyGroup& group = options_.groups[index];
    options.group = group.name;
    sent.may_be_cancelled = chance(random_, 10);
    if (sent.may_be_cancelled) options.start_by = std::chrono::microseconds(1 + pick(random_, 300));
    const std::chrono::microseconds takes(pick(random_, 100));
    try {
      sent.future =
          pool_.with(options).submit_with_callback([called = sent.called](const auto&) { ++*called; },
                                                   [this, index, limit = group.limit, takes, value = sent.expected] {
                                                     if (++at_work_[index] > limit)
                                                       violations_.add("threads: more of a group are at work than its limit");
                                                     std::this_thread::sleep_for(takes);
                                                     --at_work_[index];
                                                     return value;
                                                   });
    } catch (const QueueFullError&) {
      ++tally_.refused;
      return;
    }
    ++ends_.accepted;
    sent_.push_back(std::move(sent));
  }

  // By a task. None after a shutdown.
  template <class Work>
  std::optional<Future<std::uint64_t>> try_submit(Work work) {
    try {
      auto future = pool_.submit([this, work] {
        ++inner_done_;
        return work();
      });
      ++inner_;
      return future;
    } catch (const ShutdownError&) {
      return std::nullopt;
    }
  }

  void settle() {
    for (const Sent& sent : sent_) {
      if (!wait(std::vector{sent.future}, kLost).not_done.empty()) {
        violations_.add("threads: a task was lost; " + state_of(pool_.metrics()));
        continue;
      }
      judge(sent);
      const auto limit = Clock::now() + kLost;
      while (*sent.called == 0 && Clock::now() < limit) std::this_thread::yield();
      if (*sent.called != 1) violations_.add("threads: a callback ran " + std::to_string(*sent.called) + " times");
    }
    sent_.clear();
    look();
  }

  void look() {
    ++tally_.looks;
    check_balance(pool_.metrics(), "threads", violations_);
  }

  void judge(const Sent& sent) {
    try {
      const std::uint64_t value = sent.future.result();
      ++ends_.done;
      if (value != sent.expected || sent.throws) violations_.add("threads: a wrong result");
    } catch (const CancelledError&) {
      // By the soak, or one that a helping task waited for at a shutdown that cancels.
      if (sent.future.cancelled()) {
        ++ends_.cancelled;
        if (!sent.may_be_cancelled) violations_.add("threads: a task was cancelled by nobody");
      } else {
        ++ends_.failed;
        if (!cancelled_posts_) violations_.add("threads: a task found another cancelled by nobody");
      }
    } catch (const std::bad_alloc&) {
      ++ends_.failed;
      if (!starved_) violations_.add("threads: a task found no memory");
    } catch (const std::exception& error) {
      ++ends_.failed;
      if (!sent.throws) violations_.add(std::string("threads: a task threw: ") + error.what());
    }
  }

  Random& random_;
  Tally& tally_;
  Violations& violations_;
  ThreadPoolOptions options_;
  std::vector<Sent> sent_;
  Ends ends_;
  std::uint64_t posted_ = 0;
  bool cancelled_posts_ = false;
  bool closed_ = false;
  bool starved_ = false;                 // there was a shortage
  std::atomic<std::uint64_t> ran_{0};    // posted tasks
  std::atomic<std::uint64_t> inner_{0};  // submitted by tasks
  std::atomic<std::uint64_t> inner_done_{0};
  std::array<std::atomic<int>, kMostGroups> at_work_{};  // of each group
  ThreadPool pool_;                                      // last: its tasks use the rest
};

}  // namespace

void shake_threads(Random& random, Clock::time_point until, Tally& tally, Violations& violations) {
  Shaking(random, tally, violations).run(until);
}

}  // namespace pools::soak
