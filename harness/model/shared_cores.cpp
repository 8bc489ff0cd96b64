#include "harness/model/shared_cores.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/model/arrivals.h"
#include "harness/model/timeline.h"

namespace harness::model {
namespace {

// What a server does for a task, in this order; a server of stage 2 begins with the callback.
enum class CoreStep { dispatch, wait, compute, callback_wait, callback_compute, end };

// A server at work, or a wake-up call to the dispatchers (server < 0). Ties: by task, then by stage.
struct CoreActivity {
  Fixed when;  // an instant; for computing demands the attained service of their class at which they end
  std::size_t task;
  int stage;  // 1: a pool worker, 2: a callback server, 0: a wake-up
  int server;
  CoreStep step;
  bool operator>(const CoreActivity& other) const {
    return std::tie(when, task, stage, server) > std::tie(other.when, other.task, other.stage, other.server);
  }
};

class Engine {
 public:
  explicit Engine(const Case& c)
      : case_(c),
        n_(c.tasks.size()),
        chunk_(tasks_per_job(c)),
        submitted_(submitted_ns(c)),
        arrived_(arrived_ns(c)),
        jobs_(submitted_.size()),
        on_worker_(c.strategy == Strategy::worker || c.strategy == Strategy::fused),
        staged_(has_callbacks(c.strategy) && !on_worker_),
        in_order_(c.strategy == Strategy::collect || c.strategy == Strategy::map),
        after_submits_(in_order_ || c.strategy == Strategy::as_completed),
        timeline_(c.cores),
        visible_(n_, false) {
    prediction_.tasks.resize(n_);
    const std::size_t workers = std::min(static_cast<std::size_t>(c.workers), jobs_);
    for (std::size_t w = 0; w < workers; ++w) idle_workers_.emplace(0, static_cast<int>(w));
    if (c.queue > 0) submit_from(0);
    if (!staged_) return;
    const std::size_t servers = c.strategy == Strategy::extra ? std::min(static_cast<std::size_t>(c.parsers), n_) : 1;
    for (std::size_t s = 0; s < servers; ++s) idle_servers_.emplace(0, static_cast<int>(s));
    if (after_submits_ && c.queue == 0) opens_ = fixed(submitted_.back());
    if (opens_ > 0) wake_at(opens_);
  }

  Prediction run() {
    dispatch();
    while (timeline_.next() < kEndOfTime) {
      const CoreActivity activity = timeline_.take();
      if (activity.server >= 0) step_done(activity);
      dispatch();
    }
    for (const TaskTimes& times : prediction_.tasks) {  // not now(): answers may be on their way back
      prediction_.makespan_ns = std::max({prediction_.makespan_ns, times.finish_ns, times.callback_finish_ns});
    }
    return std::move(prediction_);
  }

 private:
  Fixed now() const { return timeline_.now(); }
  void wake_at(Fixed when) { timeline_.at(when, {when, 0, 0, -1, CoreStep::end}); }

  void begin(CoreActivity activity, CoreStep step) {
    activity.step = step;
    TaskTimes& times = prediction_.tasks[activity.task];
    switch (step) {
      case CoreStep::dispatch:
        return timeline_.delay(activity, case_.overheads.dispatch_ns);
      case CoreStep::wait:
        times.start_ns = rounded(now());
        times.worker = activity.server;
        return timeline_.delay(activity, case_.tasks[activity.task].wait_ns);
      case CoreStep::compute:
        return timeline_.compute(activity, case_.tasks[activity.task]);
      case CoreStep::callback_wait:
        times.callback_start_ns = rounded(now());
        times.server = activity.server;
        return timeline_.delay(activity, case_.callbacks[activity.task].wait_ns);
      case CoreStep::callback_compute:
        return timeline_.compute(activity, case_.callbacks[activity.task]);
      case CoreStep::end:
        return;
    }
  }

  void step_done(const CoreActivity& activity) {
    TaskTimes& times = prediction_.tasks[activity.task];
    switch (activity.step) {
      case CoreStep::dispatch:
        return begin(activity, CoreStep::wait);
      case CoreStep::wait:
        return begin(activity, CoreStep::compute);
      case CoreStep::compute:
        times.finish_ns = rounded(now());
        if (on_worker_) return begin(activity, CoreStep::callback_wait);
        return task_ended(activity);
      case CoreStep::callback_wait:
        return begin(activity, CoreStep::callback_compute);
      case CoreStep::callback_compute:
        times.callback_finish_ns = rounded(now());
        if (on_worker_) return task_ended(activity);
        idle_servers_.emplace(now(), activity.server);
        return;
      case CoreStep::end:
        return;
    }
  }

  void task_ended(CoreActivity activity) {
    const std::size_t job = activity.task / chunk_;
    const std::size_t last = std::min(n_, (job + 1) * chunk_) - 1;
    if (activity.task < last) {
      ++activity.task;
      return begin(activity, CoreStep::wait);
    }
    if (activity.server == case_.workers) {
      submitter_runs_ = false;
      submit_from(now());
      return answered(job);
    }
    idle_workers_.emplace(now(), activity.server);
    if (!case_.hop.any()) return answered(job);
    const auto tasks = static_cast<std::int64_t>(last + 1 - job * chunk_);
    link_back_ = std::max(link_back_, now()) + fixed(tasks * case_.hop.answer_ns);
    answers_.push({link_back_ + fixed(case_.hop.latency_ns), job});
    wake_at(answers_.back().first);
  }

  // The job's result is here.
  void answered(std::size_t job) {
    if (!staged_) return;
    const std::size_t end = std::min(n_, (job + 1) * chunk_);
    for (std::size_t task = job * chunk_; task < end; ++task) result_visible(task);
  }

  // Whether the window has a place for the next job, and the permission has arrived.
  bool permitted() {
    const auto window = static_cast<std::size_t>(case_.hop.window);
    if (!case_.hop.any() || window == 0) return true;
    while (!permissions_.empty() && permissions_.front() <= now()) {
      permissions_.pop();
      ++places_;
    }
    return next_job_ < window + places_;
  }
  void take_answers() {
    while (!answers_.empty() && answers_.front().first <= now()) {
      answered(answers_.front().second);
      answers_.pop();
      if (case_.hop.window == 0) continue;
      permissions_.push(now() + fixed(case_.hop.latency_ns));
      wake_at(permissions_.back());
    }
  }

  void result_visible(std::size_t task) {
    if (in_order_) {
      visible_[task] = true;
      return;
    }
    Fixed ready = now();
    if (case_.strategy == Strategy::extra && case_.overheads.routing_ns > 0) {
      routed_ = std::max(routed_, now()) + fixed(case_.overheads.routing_ns);
      ready = routed_;
      wake_at(ready);
    }
    results_.push({ready, task});
  }

  bool next_result(std::size_t& task) {
    if (now() < opens_ || (after_submits_ && case_.queue > 0 && (next_job_ < n_ || submitter_runs_))) return false;
    if (in_order_) {
      while (collected_ < n_ && prediction_.tasks[collected_].rejected()) ++collected_;
      if (collected_ == n_ || !visible_[collected_]) return false;
      task = collected_++;
      return true;
    }
    if (results_.empty() || results_.front().first > now()) return false;
    task = results_.front().second;
    results_.pop();
    return true;
  }

  void give_to_worker(std::size_t job) {
    const int worker = idle_workers_.top().second;
    idle_workers_.pop();
    begin({now(), job * chunk_, 1, worker, CoreStep::dispatch}, CoreStep::dispatch);
  }

  // Of a bounded queue: who submits has been free since then, and submits the next task when it is there.
  void submit_from(Fixed free) {
    if (next_job_ == n_) return;
    submits_at_ = std::max(free, fixed(case_.arrivals_ns[next_job_])) + fixed(case_.overheads.submit_ns);
    wake_at(submits_at_);
  }
  // When all that ends at this instant has ended: a worker that becomes free takes a task that waits before another comes.
  bool submits_now() const { return next_job_ < n_ && !submitter_runs_ && submits_at_ <= now() && timeline_.next() > now(); }
  void submit_next() {
    const std::size_t task = next_job_++;
    if (static_cast<std::int64_t>(waiting_.size()) < case_.queue) {
      waiting_.push(task);
    } else if (case_.when_full == WhenFull::caller_runs) {
      submitter_runs_ = true;
      return begin({now(), task, 1, case_.workers, CoreStep::dispatch}, CoreStep::dispatch);
    } else {
      prediction_.tasks[task].start_ns = prediction_.tasks[task].finish_ns = kNever;
    }
    submit_from(now());
  }
  void take_waiting() {
    for (; !waiting_.empty() && !idle_workers_.empty(); waiting_.pop()) give_to_worker(waiting_.front());
  }

  // Everything that can start at this instant.
  void dispatch() {
    take_answers();
    if (case_.queue > 0) {
      take_waiting();
      while (submits_now()) {
        submit_next();
        take_waiting();
      }
    }
    while (case_.queue == 0 && next_job_ < jobs_ && !idle_workers_.empty() && permitted()) {
      const Fixed ready = fixed(arrived_[next_job_]);
      if (ready > now()) {
        if (wakes_for_ != next_job_) wake_at(ready);
        wakes_for_ = next_job_;
        break;
      }
      give_to_worker(next_job_++);
    }
    for (std::size_t task = 0; !idle_servers_.empty() && next_result(task);) {
      const int server = idle_servers_.top().second;
      idle_servers_.pop();
      begin({now(), task, 2, server, CoreStep::callback_wait}, CoreStep::callback_wait);
    }
  }

  const Case& case_;
  const std::size_t n_;
  const std::size_t chunk_;
  const std::vector<std::int64_t> submitted_;  // by job
  const std::vector<std::int64_t> arrived_;    // by job: where the workers are
  const std::size_t jobs_;
  const bool on_worker_;      // callbacks run where the task ran
  const bool staged_;         // callbacks run on servers of their own
  const bool in_order_;       // in submission order; else in order of completion
  const bool after_submits_;  // by who has submitted everything

  Timeline<CoreActivity> timeline_;
  MinHeap<std::pair<Fixed, int>> idle_workers_;  // since when, number
  MinHeap<std::pair<Fixed, int>> idle_servers_;
  std::size_t next_job_ = 0;
  // Of a bounded queue: who waits in it, when the next task is submitted, and whether who submits runs one of them.
  std::queue<std::size_t> waiting_;
  Fixed submits_at_ = 0;
  bool submitter_runs_ = false;
  std::size_t wakes_for_ = std::numeric_limits<std::size_t>::max();  // the job that a wake-up is already set for
  std::queue<std::pair<Fixed, std::size_t>> results_;                // when at the parsers, task; in order of completion
  // Of a hop: when the link back is free; answers on their way, and permissions: when they are there; places that answers have made.
  Fixed link_back_ = 0;
  std::queue<std::pair<Fixed, std::size_t>> answers_;
  std::queue<Fixed> permissions_;
  std::size_t places_ = 0;
  Fixed routed_ = 0;
  Fixed opens_ = 0;  // when the caller has submitted everything and turns to the results
  std::vector<bool> visible_;
  std::size_t collected_ = 0;
  Prediction prediction_;
};

}  // namespace

Prediction share_cores(const Case& c) { return Engine(c).run(); }

}  // namespace harness::model
