#include "harness/model/list_schedule.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

#include "harness/model/arrivals.h"

namespace harness::model {

Servers::Servers(int count, std::size_t jobs) {
  const std::size_t kept = std::max<std::size_t>(1, std::min(static_cast<std::size_t>(count), jobs));
  heap_.reserve(kept);
  for (std::size_t i = 0; i < kept; ++i) heap_.push_back({0, static_cast<int>(i)});  // ascending: already a heap
}

Servers::Slot Servers::take(std::int64_t ready_ns, std::int64_t service_ns) {
  const Server next = heap_.front();
  const std::int64_t start = std::max(ready_ns, next.free_ns);
  const Server moved{start + service_ns, next.number};
  const auto before = [](const Server& a, const Server& b) {
    return a.free_ns != b.free_ns ? a.free_ns < b.free_ns : a.number < b.number;
  };
  std::size_t hole = 0;  // sift down from the root
  const std::size_t size = heap_.size();
  for (std::size_t child = 1; child < size; child = 2 * hole + 1) {
    if (child + 1 < size && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], moved)) break;
    heap_[hole] = heap_[child];
    hole = child;
  }
  heap_[hole] = moved;
  return {start, next.number};
}

namespace {

// d, e, t and c one after another on the caller.
Prediction run_serially(const Case& c) {
  Prediction prediction;
  prediction.tasks.resize(c.tasks.size());
  const bool callbacks = has_callbacks(c.strategy);
  std::int64_t now = 0;
  for (std::size_t i = 0; i < c.tasks.size(); ++i) {
    TaskTimes& times = prediction.tasks[i];
    if (!c.arrivals_ns.empty()) now = std::max(now, c.arrivals_ns[i]);
    now += c.overheads.submit_ns + c.hop.request_ns + c.hop.latency_ns + c.overheads.dispatch_ns;
    times.start_ns = now;
    times.finish_ns = now += c.tasks[i].service_ns();
    if (callbacks) {
      now += c.hop.answer_ns + c.hop.latency_ns;
      times.callback_start_ns = now;
      times.callback_finish_ns = now += c.callbacks[i].service_ns();
    }
  }
  prediction.makespan_ns = now;
  return prediction;
}

class TwoStages {
 public:
  explicit TwoStages(const Case& c) : case_(c), n_(c.tasks.size()), submitted_(submitted_ns(c)) {
    chunk_ = tasks_per_job(c);
    arrived_ = c.hop.any() ? arrived_ns(c) : submitted_;
    jobs_ = submitted_.size();
    prediction_.tasks.resize(n_);
    visible_ns_.resize(n_);
    opens_ = submitted_.back();
  }

  Prediction run() {
    if (case_.queue > 0) {
      run_bounded();
    } else {
      run_tasks();
    }
    switch (case_.strategy) {
      case Strategy::none:
      case Strategy::worker:
      case Strategy::fused:
      case Strategy::sync:  // never here
        break;
      case Strategy::main:
        serve(by_completion(), 1, 0, 0);
        break;
      case Strategy::extra:
        serve(by_completion(), case_.parsers, 0, case_.overheads.routing_ns);
        break;
      case Strategy::as_completed:
        serve(by_completion(), 1, opens_, 0);
        break;
      case Strategy::collect:
      case Strategy::map:
        serve(by_submission(), 1, opens_, 0);
        break;
    }
    for (const TaskTimes& times : prediction_.tasks) {
      prediction_.makespan_ns = std::max({prediction_.makespan_ns, times.finish_ns, times.callback_finish_ns});
    }
    return std::move(prediction_);
  }

 private:
  void run_tasks() {
    Servers workers(case_.workers, jobs_);
    for (std::size_t job = 0; job < jobs_; ++job) {
      const std::int64_t now = run_job(job, workers.take(std::max(arrived_[job], permitted(job)), service_ns(job)));
      if (case_.hop.any()) {
        ended_.emplace(now, job);
      } else {
        set_visible(job, now);
      }
    }
    while (!ended_.empty()) answer_next();
  }

  // Tasks that arrive, of which so many may wait. They begin in the order in which they were admitted.
  void run_bounded() {
    Servers workers(case_.workers, n_);
    std::deque<std::int64_t> begin;  // of those that wait
    std::int64_t free = 0;           // who submits
    for (std::size_t i = 0; i < n_; ++i) {
      const std::int64_t now = std::max(case_.arrivals_ns[i], free) + case_.overheads.submit_ns;
      free = now;
      while (!begin.empty() && begin.front() <= now) begin.pop_front();
      if (static_cast<std::int64_t>(begin.size()) < case_.queue) {
        const Servers::Slot slot = workers.take(now, service_ns(i));
        begin.push_back(slot.start_ns);
        set_visible(i, run_job(i, slot));
      } else if (case_.when_full == WhenFull::caller_runs) {
        free = run_job(i, {now, case_.workers});
        set_visible(i, free);
      } else {
        prediction_.tasks[i].start_ns = prediction_.tasks[i].finish_ns = kNever;
      }
    }
    opens_ = free;
  }

  bool with_callback() const { return case_.strategy == Strategy::worker || case_.strategy == Strategy::fused; }

  // For so long it holds its worker.
  std::int64_t service_ns(std::size_t job) const {
    std::int64_t service = case_.overheads.dispatch_ns;
    for (std::size_t i = job * chunk_; i < std::min(n_, (job + 1) * chunk_); ++i) {
      service += case_.tasks[i].service_ns() + (with_callback() ? case_.callbacks[i].service_ns() : 0);
    }
    return service;
  }

  // Returns when its worker is free again.
  std::int64_t run_job(std::size_t job, const Servers::Slot& slot) {
    std::int64_t now = slot.start_ns + case_.overheads.dispatch_ns;
    for (std::size_t i = job * chunk_; i < std::min(n_, (job + 1) * chunk_); ++i) {
      TaskTimes& times = prediction_.tasks[i];
      times.worker = slot.server;
      times.start_ns = now;
      times.finish_ns = now += case_.tasks[i].service_ns();
      if (!with_callback()) continue;
      times.server = slot.server;
      times.callback_start_ns = now;
      times.callback_finish_ns = now += case_.callbacks[i].service_ns();
    }
    return now;
  }

  void set_visible(std::size_t job, std::int64_t at) {
    const auto first = static_cast<std::ptrdiff_t>(job * chunk_);
    const auto last = static_cast<std::ptrdiff_t>(std::min(n_, (job + 1) * chunk_));
    std::fill(visible_ns_.begin() + first, visible_ns_.begin() + last, at);
  }

  // The result of the job that has ended first is carried back.
  void answer_next() {
    const auto [ended, job] = ended_.top();
    ended_.pop();
    const auto tasks = static_cast<std::int64_t>(std::min(n_, (job + 1) * chunk_) - job * chunk_);
    link_back_ = std::max(link_back_, ended) + tasks * case_.hop.answer_ns;
    answered_ = link_back_ + case_.hop.latency_ns;
    ++answers_;
    set_visible(job, answered_);
  }

  // When that many answers were here that the window has a place for it, and the permission was there. Only jobs before it can have ended by
  // then: those that follow are permitted after it.
  std::int64_t permitted(std::size_t job) {
    const auto window = static_cast<std::size_t>(case_.hop.window);
    if (!case_.hop.any() || window == 0 || job < window) return 0;
    while (answers_ < job - window + 1) answer_next();
    return answered_ + case_.hop.latency_ns;
  }

  std::vector<std::uint32_t> by_submission() const {
    std::vector<std::uint32_t> order(n_);
    std::iota(order.begin(), order.end(), 0U);
    return order;
  }

  std::vector<std::uint32_t> by_completion() const {
    std::vector<std::uint32_t> order = by_submission();
    std::stable_sort(order.begin(), order.end(),
                     [this](std::uint32_t a, std::uint32_t b) { return visible_ns_[a] < visible_ns_[b]; });
    return order;
  }

  // Callbacks in this order on `servers` servers that open at `open_ns`; each result passes a serial router first.
  void serve(const std::vector<std::uint32_t>& order, int servers, std::int64_t open_ns, std::int64_t routing_ns) {
    Servers callback_servers(servers, n_);
    std::int64_t routed = open_ns;
    for (const std::uint32_t i : order) {
      if (prediction_.tasks[i].rejected()) continue;
      routed = std::max(routed, visible_ns_[i]) + routing_ns;
      const std::int64_t service = case_.callbacks[i].service_ns();
      const Servers::Slot slot = callback_servers.take(routed, service);
      TaskTimes& times = prediction_.tasks[i];
      times.server = slot.server;
      times.callback_start_ns = slot.start_ns;
      times.callback_finish_ns = slot.start_ns + service;
    }
  }

  const Case& case_;
  std::size_t n_;
  const std::vector<std::int64_t> submitted_;  // by job
  std::vector<std::int64_t> arrived_;          // by job: where the workers are
  std::size_t chunk_ = 1;
  std::size_t jobs_ = 1;
  std::int64_t opens_ = 0;                // when the caller has submitted everything and turns to the results
  std::vector<std::int64_t> visible_ns_;  // when the caller can know: the task's end, or its chunk's; after a hop its answer
  // Of a hop: when and which job has ended, and is not answered; when the link back is free; when the last answer was here; how many were.
  using Ended = std::pair<std::int64_t, std::size_t>;
  std::priority_queue<Ended, std::vector<Ended>, std::greater<>> ended_;
  std::int64_t link_back_ = 0;
  std::int64_t answered_ = 0;
  std::size_t answers_ = 0;
  Prediction prediction_;
};

}  // namespace

Prediction schedule_lists(const Case& c) {
  if (c.serial || c.strategy == Strategy::sync) return run_serially(c);
  return TwoStages(c).run();
}

}  // namespace harness::model
