#pragma once

// A pool under simulation: workers whose tasks wait and compute in turn, computing on P cores that share themselves equally among all that compute
// (rate min(1, P / a) each), and a backlog that never ends, or as many tasks as there are. Exact: events, no steps of time.

#include <cmath>
#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <vector>

#include "pools/src/base/self_size.h"

namespace pools::test {

// In seconds.
struct Load {
  enum class Shape {
    constant,
    exponential,
    heavy_tailed
  };  // heavy_tailed: Pareto with shape 2.2, its variance is 2.3 times its mean's square
  double wait = 0;
  double compute = 0;
  Shape shape = Shape::exponential;
  int pieces = 2;  // waits and computations of a task, in turn
};

class PoolSimulation {
 public:
  static constexpr std::uint64_t kEndless = std::uint64_t{1} << 40U;

  PoolSimulation(int cores, int size, const Load& load, unsigned seed, std::uint64_t tasks = kEndless)
      : cores_(cores), load_(load), queued_(tasks), random_(seed) {
    resize(size);
  }

  double now() const { return now_; }
  std::uint64_t ended() const { return ended_; }
  double computed() const { return computed_; }
  int cores() const { return cores_; }
  int size() const { return size_; }
  int running() const { return running_; }
  std::uint64_t queued() const { return queued_; }
  // Of tasks that begin from now on.
  void change(const Load& load) { load_ = load; }
  // `count` tasks begin at once, on workers of their own, which never end and never compute.
  void get_stuck(int count) { stuck_ += count; }
  // Workers too many end after their task.
  void resize(int size) {
    size_ = size;
    begin_tasks();
  }

  void run_until(double end) {
    for (;;) {
      const double computation = computing_.empty() ? HUGE_VAL : now_ + (computing_.top().at - virtual_now_) / rate();
      const double wait = waiting_.empty() ? HUGE_VAL : waiting_.top().at;
      const double next = std::min(computation, wait);
      if (next > end) return pass(end);
      pass(next);
      if (wait <= computation) {
        const Entry entry = waiting_.top();
        waiting_.pop();
        computing_.push({virtual_now_ + draw(entry.task.compute), entry.task});
      } else {
        Task task = computing_.top().task;
        computing_.pop();
        if (--task.pieces > 0) {
          wait_for(task);
          continue;
        }
        --running_;
        ++ended_;
        begin_tasks();
      }
    }
  }

  // What has been since the last sample. `tells_delays`: whether the kernel does.
  detail::WorkSample sample(bool tells_delays = true) {
    const auto nanoseconds = [](double seconds) { return std::chrono::nanoseconds(std::llround(seconds * 1e9)); };
    detail::WorkSample sample{.length = nanoseconds(now_ - sampled_.now),
                              .busy = nanoseconds(busy_ - sampled_.busy),
                              .computed = nanoseconds(computed_ - sampled_.computed),
                              .delayed = nanoseconds(tells_delays ? delayed_ - sampled_.delayed : 0),
                              .ended = ended_ - sampled_.ended,
                              .running = running_ + stuck_,
                              .queued = queued_};
    sampled_ = {now_, busy_, computed_, delayed_, ended_};
    return sample;
  }

 private:
  struct Task {
    double wait = 0;  // means, of each piece
    double compute = 0;
    int pieces = 0;
  };
  struct Entry {
    double at = 0;  // time; of those that compute virtual time, which goes at the rate of each
    Task task;
    bool operator<(const Entry& other) const { return at > other.at; }
  };

  double rate() const {
    const auto at = static_cast<double>(computing_.size());
    return at <= cores_ ? 1 : cores_ / at;
  }
  double draw(double mean) {
    switch (load_.shape) {
      case Load::Shape::constant:
        return mean;
      case Load::Shape::exponential:
        return std::exponential_distribution<>(1)(random_) * mean;
      case Load::Shape::heavy_tailed:
        break;
    }
    constexpr double kShape = 2.2;
    return mean * (kShape - 1) / kShape * std::pow(1 - std::uniform_real_distribution<>()(random_), -1 / kShape);
  }
  void wait_for(const Task& task) { waiting_.push({now_ + draw(task.wait), task}); }
  void begin_tasks() {
    while (queued_ > 0 && running_ + stuck_ < size_) {
      --queued_;
      ++running_;
      wait_for({load_.wait / load_.pieces, load_.compute / load_.pieces, load_.pieces});
    }
  }
  void pass(double until) {
    const double time = until - now_;
    const auto at = static_cast<double>(computing_.size());
    const double computing = std::min<double>(cores_, at);
    busy_ += time * (running_ + stuck_);
    computed_ += time * computing;
    delayed_ += time * (at - computing);
    virtual_now_ += time * rate();
    now_ = until;
  }

  const int cores_;
  Load load_;
  int size_ = 0;
  int running_ = 0;
  int stuck_ = 0;
  std::uint64_t queued_;
  std::mt19937_64 random_;
  double now_ = 0;
  double virtual_now_ = 0;
  std::priority_queue<Entry> waiting_;
  std::priority_queue<Entry> computing_;
  double busy_ = 0;
  double computed_ = 0;
  double delayed_ = 0;
  std::uint64_t ended_ = 0;
  struct {
    double now = 0, busy = 0, computed = 0, delayed = 0;
    std::uint64_t ended = 0;
  } sampled_;
};

// A load from an instant on.
struct Step {
  double from = 0;
  Load load;
};

// The cores compute for 95 % of the time, and a worker less than the size would do for 99.9 %: or there are no fewer than cores.
inline bool is_right(int size, int cores, const Load& load) {
  const double ratio = load.wait / load.compute;
  return detail::utilisation(size, cores, ratio) >= 0.95 &&
         size <= std::max(cores + 1, detail::least_size(cores, ratio, 0.999, 1000));
}

struct SimulatedRun {
  std::vector<double> computed;   // by the pool, in each step
  std::vector<double> settled;    // s from the step's begin until the size is right, and stays so; infinite if it never is
  std::vector<int> late_changes;  // of the size, from 2 s after the step's begin on
  std::vector<int> sizes;         // at the step's end
};

// `control(simulation)` is called at the times that it returns, and resizes.
inline SimulatedRun simulate(PoolSimulation& pool, const std::vector<Step>& steps, double end,
                             const std::function<double(PoolSimulation&)>& control) {
  SimulatedRun run;
  double next = control ? control(pool) : HUGE_VAL;
  for (std::size_t index = 0; index < steps.size(); ++index) {
    const double until = index + 1 < steps.size() ? steps[index + 1].from : end;
    const double before = pool.computed();
    pool.change(steps[index].load);
    int late = 0;
    std::vector<std::pair<double, int>> sizes{{0.0, pool.size()}};
    while (pool.now() < until) {
      pool.run_until(std::min(next, until));
      if (pool.now() < next) break;
      const int size = pool.size();
      next = control(pool);
      if (pool.size() == size) continue;
      sizes.emplace_back(pool.now() - steps[index].from, pool.size());
      late += pool.now() > steps[index].from + 2;
    }
    double settled = 0;
    for (std::size_t change = 1; change < sizes.size(); ++change) {
      if (!is_right(sizes[change - 1].second, pool.cores(), steps[index].load)) settled = sizes[change].first;
    }
    if (!is_right(pool.size(), pool.cores(), steps[index].load)) settled = HUGE_VAL;
    run.computed.push_back(pool.computed() - before);
    run.settled.push_back(settled);
    run.late_changes.push_back(late);
    run.sizes.push_back(pool.size());
  }
  return run;
}

// Sizes itself, looking as often as a pool does.
class SelfSizingControl {
 public:
  SelfSizingControl(const SelfSizing& bounds, int cores, bool tells_delays = true)
      : size_(bounds, cores), cores_(cores), tells_delays_(tells_delays) {}
  double operator()(PoolSimulation& pool) {
    if (pool.now() > 0) {
      const int size = size_.next(pool.sample(tells_delays_), cores_);
      if (size != pool.size()) pool.resize(size);
    }
    return pool.now() + 0.05 * (1 + size_.size() / 64);
  }

 private:
  detail::SelfSize size_;
  int cores_;
  bool tells_delays_;
};

// What the best fixed size computes in the same time, of all sizes up to `most`.
inline double best_fixed(int cores, int most, const std::vector<Step>& steps, double end, unsigned seed, int* best = nullptr) {
  double most_computed = 0;
  for (int size = cores;; size = std::min(most, size + std::max(1, size / 5))) {
    PoolSimulation pool(cores, size, steps.front().load, seed);
    double computed = 0;
    for (const double each : simulate(pool, steps, end, {}).computed) computed += each;
    if (computed > most_computed) {
      most_computed = computed;
      if (best != nullptr) *best = size;
    }
    if (size == most) return most_computed;
  }
}

}  // namespace pools::test
