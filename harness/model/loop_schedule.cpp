#include "harness/model/loop_schedule.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/model/arrivals.h"
#include "harness/model/timeline.h"

namespace harness::model {
namespace {

constexpr Fixed kSameInstant = kUnit >> 20;
constexpr std::size_t kNoTask = std::numeric_limits<std::size_t>::max();

enum class LoopStep {
  wait,              // holds nothing
  take_up,           // a loop thread wakes up and turns to it
  compute,           // on a loop thread
  callback_wait,     // `worker`, `fused`: holds nothing
  callback_take_up,  // as of the task
  callback_compute,  // on a loop thread
  serve_wait,        // a callback server, which waits itself
  serve_compute,
  knock  // nothing ends: it is time to look
};

struct LoopActivity {
  Fixed when;
  std::size_t task;
  int stage;   // 1: the loop, 2: a callback server, 0: a knock
  int server;  // loop thread or callback server; -1: none
  LoopStep step;
  bool operator>(const LoopActivity& other) const {
    return std::tie(when, task, stage) > std::tie(other.when, other.task, other.stage);
  }
};

struct Ready {
  Fixed since;
  std::size_t task;
  LoopStep step;  // what a thread begins with: take_up or callback_take_up
  bool operator>(const Ready& other) const { return std::tie(since, task) > std::tie(other.since, other.task); }
};

class Loop {
 public:
  explicit Loop(const Case& c)
      : case_(c),
        n_(c.tasks.size()),
        limit_(c.in_flight == 0 ? n_
                                : static_cast<std::size_t>(std::min<std::int64_t>(c.in_flight, static_cast<std::int64_t>(n_)))),
        on_loop_(c.strategy == Strategy::worker || c.strategy == Strategy::fused),
        served_(has_callbacks(c.strategy) && !on_loop_),
        in_order_(c.strategy == Strategy::collect),
        submitted_(submitted_ns(c)),
        timeline_(c.cores),
        ended_(n_, false) {
    prediction_.tasks.resize(n_);
    const std::size_t threads = std::min(static_cast<std::size_t>(c.workers), n_);
    for (std::size_t thread = 0; thread < threads; ++thread) parked_.emplace(-1, static_cast<int>(thread));
    if (!served_) return;
    const std::size_t servers = c.strategy == Strategy::extra ? std::min(static_cast<std::size_t>(c.parsers), n_) : 1;
    for (std::size_t server = 0; server < servers; ++server) idle_servers_.emplace(0, static_cast<int>(server));
    if (in_order_ || c.strategy == Strategy::as_completed) opens_ = fixed(submitted_.back());
    if (opens_ > 0) knock_at(opens_);
  }

  Prediction run() {
    for (;;) {
      // What ends now, then what starts without a thread; one thread takes one thing up only when neither is left, and callback
      // servers begin only when no thread finds anything.
      if (timeline_.next() < instant_ + kSameInstant) {
        ended(timeline_.take());
      } else if (!start_next() && !take_up_next() && !serve_next()) {
        if (timeline_.next() == kEndOfTime) break;
        for (; !awake_.empty(); awake_.pop()) parked_.emplace(instant_, awake_.top());
        instant_ = timeline_.next();
      }
    }
    prediction_.makespan_ns = rounded(instant_);
    return std::move(prediction_);
  }

 private:
  Fixed now() const { return timeline_.now(); }
  TaskTimes& times_of(std::size_t task) { return prediction_.tasks[task]; }
  Fixed submitted(std::size_t task) const { return fixed(submitted_[task]); }
  void knock_at(Fixed when) { timeline_.at(when, {when, 0, 0, -1, LoopStep::knock}); }
  static LoopActivity on_loop(std::size_t task, int thread, LoopStep step) { return {0, task, 1, thread, step}; }

  bool start_next() {
    if (next_ == n_ || in_flight_ == limit_) return false;
    if (submitted(next_) > now()) {
      if (std::exchange(knocks_for_, next_) != next_) knock_at(submitted(next_));
      return false;
    }
    ++in_flight_;
    times_of(next_).start_ns = rounded(instant_);
    timeline_.delay(on_loop(next_, -1, LoopStep::wait), case_.tasks[next_].wait_ns);
    ++next_;
    return true;
  }

  bool take_up_next() {
    if (ready_.empty() || (awake_.empty() && parked_.empty())) return false;
    const Ready next = ready_.top();
    ready_.pop();
    std::int64_t cost = case_.overheads.dispatch_ns;
    int thread = 0;
    if (!awake_.empty()) {
      thread = awake_.top();
      awake_.pop();
    } else {
      thread = parked_.top().second;
      parked_.pop();
      cost += case_.overheads.wake_ns;
    }
    timeline_.delay(on_loop(next.task, thread, next.step), cost);
    return true;
  }

  void ended(const LoopActivity& activity) {
    const std::size_t task = activity.task;
    TaskTimes& times = times_of(task);
    switch (activity.step) {
      case LoopStep::wait:
        return ready_.push({instant_, task, LoopStep::take_up});
      case LoopStep::callback_wait:
        return ready_.push({instant_, task, LoopStep::callback_take_up});
      case LoopStep::take_up:
        times.resumed_ns = rounded(instant_);
        times.worker = activity.server;
        return timeline_.compute(on_loop(task, activity.server, LoopStep::compute), case_.tasks[task]);
      case LoopStep::callback_take_up:
        return compute_callback(task, activity.server);
      case LoopStep::compute:
        times.finish_ns = rounded(instant_);
        return task_ended(task, activity.server);
      case LoopStep::callback_compute:
        times.callback_finish_ns = rounded(instant_);
        awake_.push(activity.server);
        --in_flight_;
        return;
      case LoopStep::serve_wait:
        return timeline_.compute({0, task, 2, activity.server, LoopStep::serve_compute}, case_.callbacks[task]);
      case LoopStep::serve_compute:
        times.callback_finish_ns = rounded(instant_);
        idle_servers_.emplace(now(), activity.server);
        return;
      case LoopStep::knock:
        return;
    }
  }

  void task_ended(std::size_t task, int thread) {
    TaskTimes& times = times_of(task);
    if (on_loop_) {
      times.callback_start_ns = times.finish_ns;
      const std::int64_t wait_ns = case_.callbacks[task].wait_ns;
      if (case_.strategy == Strategy::fused && wait_ns == 0) return compute_callback(task, thread);
      timeline_.delay(on_loop(task, -1, LoopStep::callback_wait), wait_ns);
    } else {
      --in_flight_;
      if (served_) completed_.push(task);
    }
    awake_.push(thread);
  }

  void compute_callback(std::size_t task, int thread) {
    TaskTimes& times = times_of(task);
    times.callback_resumed_ns = rounded(instant_);
    times.server = thread;
    timeline_.compute(on_loop(task, thread, LoopStep::callback_compute), case_.callbacks[task]);
  }

  // The results of this instant, lowest task first, to where the servers take them from.
  void hand_over() {
    for (; !completed_.empty(); completed_.pop()) {
      const std::size_t task = completed_.top();
      ended_[task] = true;
      if (in_order_) continue;
      Fixed there = now();
      if (case_.strategy == Strategy::extra && case_.overheads.routing_ns > 0) {
        routed_ = std::max(routed_, now()) + fixed(case_.overheads.routing_ns);
        there = routed_;
        knock_at(there);
      }
      results_.emplace(there, task);
    }
  }

  bool serve_next() {
    hand_over();
    if (idle_servers_.empty() || now() < opens_) return false;
    std::size_t task = 0;
    if (in_order_) {
      if (collected_ == n_ || !ended_[collected_]) return false;
      task = collected_++;
    } else {
      if (results_.empty() || results_.front().first > now()) return false;
      task = results_.front().second;
      results_.pop();
    }
    const int server = idle_servers_.top().second;
    idle_servers_.pop();
    TaskTimes& times = times_of(task);
    times.callback_start_ns = rounded(instant_);
    times.server = server;
    timeline_.delay({0, task, 2, server, LoopStep::serve_wait}, case_.callbacks[task].wait_ns);
    return true;
  }

  const Case& case_;
  const std::size_t n_;
  const std::size_t limit_;
  const bool on_loop_;   // callbacks are the loop's
  const bool served_;    // callbacks have servers of their own
  const bool in_order_;  // they are served in submission order; else in order of completion
  const std::vector<std::int64_t> submitted_;

  Timeline<LoopActivity> timeline_;
  Fixed instant_ = 0;  // what is within kSameInstant of it belongs to it
  std::size_t next_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t knocks_for_ = kNoTask;  // the task whose submit is waited for
  MinHeap<Ready> ready_;
  MinHeap<int> awake_;                     // threads that have ended something at this instant
  MinHeap<std::pair<Fixed, int>> parked_;  // since when, number
  MinHeap<std::size_t> completed_;         // tasks that have ended at this instant
  MinHeap<std::pair<Fixed, int>> idle_servers_;
  std::queue<std::pair<Fixed, std::size_t>> results_;  // when at the servers, task
  Fixed routed_ = 0;
  Fixed opens_ = 0;  // when the caller has submitted everything and turns to the results
  std::vector<bool> ended_;
  std::size_t collected_ = 0;
  Prediction prediction_;
};

// `sync`: the loop has parked whenever a task is submitted or becomes ready.
Prediction one_after_another(const Case& c) {
  Prediction prediction;
  prediction.tasks.resize(c.tasks.size());
  std::int64_t now = 0;
  for (std::size_t i = 0; i < c.tasks.size(); ++i) {
    TaskTimes& times = prediction.tasks[i];
    times.start_ns = now += c.overheads.submit_ns;
    times.resumed_ns = now += c.tasks[i].wait_ns + c.overheads.wake_ns + c.overheads.dispatch_ns;
    times.finish_ns = now += c.tasks[i].compute_ns;
    times.callback_start_ns = now;
    times.callback_finish_ns = now += c.callbacks[i].service_ns();
  }
  prediction.makespan_ns = now;
  return prediction;
}

}  // namespace

Prediction schedule_loop(const Case& c) { return c.strategy == Strategy::sync ? one_after_another(c) : Loop(c).run(); }

std::string loop_contention(const Case& c) {
  if (c.strategy == Strategy::sync) return "";
  const auto n = static_cast<std::int64_t>(c.tasks.size());
  const std::int64_t flight = c.in_flight == 0 ? n : std::min(c.in_flight, n);
  const bool on_loop = c.strategy == Strategy::worker || c.strategy == Strategy::fused;
  const std::int64_t threads = std::min<std::int64_t>(c.workers, flight);
  const std::int64_t servers = c.strategy == Strategy::extra ? std::min<std::int64_t>(c.parsers, n) : 1;
  // How many demands of this kind may be computed at once.
  const auto at_once = [&](const auto& kind) {
    std::int64_t count = std::ranges::any_of(c.tasks, kind) ? threads : 0;
    if (!has_callbacks(c.strategy) || std::ranges::none_of(c.callbacks, kind)) return count;
    return on_loop ? threads : count + servers;
  };
  const std::int64_t locked = at_once([](const Demand& demand) { return demand.locked && demand.compute_ns > 0; });
  if (locked > 1) return std::to_string(locked) + " compute at once under one lock";
  const std::int64_t all = at_once([](const Demand& demand) { return demand.compute_ns > 0; });
  if (c.cores == 0 || all <= c.cores) return "";
  return std::to_string(all) + " compute at once on " + std::to_string(c.cores) + (c.cores == 1 ? " core" : " cores");
}

}  // namespace harness::model
