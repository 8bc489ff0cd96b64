#include "harness/model/shared_cores.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/model/wide.h"

namespace harness::model {
namespace {

using Fixed = Wide;  // units of 2^-32 ns
constexpr Fixed kUnit = Fixed{1} << 32;
constexpr Fixed kEndOfTime = Fixed{1} << 126;  // beyond any sum that check() lets pass, with room to add

Fixed fixed(std::int64_t ns) { return Fixed{ns} * kUnit; }
std::int64_t rounded(Fixed time) { return static_cast<std::int64_t>((time + kUnit / 2) / kUnit); }

// What a server does for a task, in this order; a server of stage 2 begins with the callback.
enum class Step { dispatch, wait, compute, callback_wait, callback_compute, end };

// A server at work, or a wake-up call to the dispatchers (server < 0). Ties: by task, then by stage.
struct Activity {
  Fixed when;  // an instant; for computing demands the attained service of their class at which they end
  std::size_t task;
  int stage;  // 1: a pool worker, 2: a callback server, 0: a wake-up
  int server;
  Step step;
  bool operator>(const Activity& other) const {
    return std::tie(when, task, stage, server) > std::tie(other.when, other.task, other.stage, other.server);
  }
};
template <class T>
using MinHeap = std::priority_queue<T, std::vector<T>, std::greater<>>;

// One class of computing demands: all of its members are served at the same rate num/den, so what each has attained is
// one clock for the whole class.
struct SharedClass {
  Fixed attained = 0;
  MinHeap<Activity> members;
  std::int64_t num = 1;
  std::int64_t den = 1;

  Fixed next_end(Fixed now) const {
    if (members.empty()) return kEndOfTime;
    const Fixed remaining = members.top().when - attained;
    return num == den ? now + remaining : now + (remaining * den + num - 1) / num;
  }
  void advance(Fixed elapsed) { attained += num == den ? elapsed : elapsed * num / den; }
};

class Engine {
 public:
  explicit Engine(const Case& c)
      : case_(c),
        n_(c.tasks.size()),
        chunk_(c.strategy == Strategy::map
                   ? static_cast<std::size_t>(std::min<std::int64_t>(c.chunksize, static_cast<std::int64_t>(n_)))
                   : 1),
        jobs_((n_ + chunk_ - 1) / chunk_),
        on_worker_(c.strategy == Strategy::worker || c.strategy == Strategy::fused),
        staged_(has_callbacks(c.strategy) && !on_worker_),
        in_order_(c.strategy == Strategy::collect || c.strategy == Strategy::map),
        visible_(n_, false) {
    prediction_.tasks.resize(n_);
    const std::size_t workers = std::min(static_cast<std::size_t>(c.workers), jobs_);
    for (std::size_t w = 0; w < workers; ++w) idle_workers_.emplace(0, static_cast<int>(w));
    if (!staged_) return;
    const std::size_t servers = c.strategy == Strategy::extra ? std::min(static_cast<std::size_t>(c.parsers), n_) : 1;
    for (std::size_t s = 0; s < servers; ++s) idle_servers_.emplace(0, static_cast<int>(s));
    const bool after_submits = in_order_ || c.strategy == Strategy::as_completed;
    opens_ = after_submits ? Fixed{static_cast<std::int64_t>(jobs_)} * fixed(c.overheads.submit_ns) : 0;
    if (opens_ > 0) wake_at(opens_);
  }

  Prediction run() {
    dispatch();
    while (advance_to_next_event()) dispatch();
    prediction_.makespan_ns = rounded(now_);
    return std::move(prediction_);
  }

 private:
  void wake_at(Fixed when) { timed_.push({when, 0, 0, -1, Step::end}); }

  // Takes one event; false when none is left. Of the events of an instant the one of the lowest task is taken first.
  bool advance_to_next_event() {
    const Fixed timed = timed_.empty() ? kEndOfTime : timed_.top().when;
    const Fixed next = std::min({timed, free_.next_end(now_), locked_.next_end(now_)});
    if (next == kEndOfTime) return false;
    const bool free_due = free_.next_end(now_) == next;
    const bool locked_due = locked_.next_end(now_) == next;
    free_.advance(next - now_);
    locked_.advance(next - now_);
    now_ = next;

    MinHeap<Activity>* source = nullptr;
    const auto consider = [&source](MinHeap<Activity>& heap) {
      if (!source) source = &heap;
      const Activity& a = heap.top();
      const Activity& b = source->top();
      if (std::tie(a.task, a.stage) < std::tie(b.task, b.stage)) source = &heap;
    };
    if (timed == next) consider(timed_);
    if (free_due) consider(free_.members);
    if (locked_due) consider(locked_.members);
    const Activity activity = source->top();
    source->pop();
    if (source == &free_.members) free_.attained = std::max(free_.attained, activity.when);
    if (source == &locked_.members) locked_.attained = std::max(locked_.attained, activity.when);
    if (source != &timed_) set_rates();
    if (activity.server >= 0) step_done(activity);
    return true;
  }

  void set_rates() {
    const auto unlocked = static_cast<std::int64_t>(free_.members.size());
    const auto waiting = static_cast<std::int64_t>(locked_.members.size());
    const std::int64_t running = unlocked + (waiting > 0 ? 1 : 0);
    const bool short_of_cores = case_.cores > 0 && running > case_.cores;
    free_.num = short_of_cores ? case_.cores : 1;
    free_.den = short_of_cores ? running : 1;
    locked_.num = free_.num;
    locked_.den = free_.den * std::max<std::int64_t>(1, waiting);
  }

  void delay(Activity activity, std::int64_t ns) {
    activity.when = now_ + fixed(ns);
    timed_.push(activity);
  }

  void compute(Activity activity, const Demand& demand) {
    if (demand.compute_ns == 0) return delay(activity, 0);
    SharedClass& shared = demand.locked ? locked_ : free_;
    activity.when = shared.attained + fixed(demand.compute_ns);
    shared.members.push(activity);
    set_rates();
  }

  void begin(Activity activity, Step step) {
    activity.step = step;
    TaskTimes& times = prediction_.tasks[activity.task];
    switch (step) {
      case Step::dispatch:
        return delay(activity, case_.overheads.dispatch_ns);
      case Step::wait:
        times.start_ns = rounded(now_);
        times.worker = activity.server;
        return delay(activity, case_.tasks[activity.task].wait_ns);
      case Step::compute:
        return compute(activity, case_.tasks[activity.task]);
      case Step::callback_wait:
        times.callback_start_ns = rounded(now_);
        times.server = activity.server;
        return delay(activity, case_.callbacks[activity.task].wait_ns);
      case Step::callback_compute:
        return compute(activity, case_.callbacks[activity.task]);
      case Step::end:
        return;
    }
  }

  void step_done(const Activity& activity) {
    TaskTimes& times = prediction_.tasks[activity.task];
    switch (activity.step) {
      case Step::dispatch:
        return begin(activity, Step::wait);
      case Step::wait:
        return begin(activity, Step::compute);
      case Step::compute:
        times.finish_ns = rounded(now_);
        if (on_worker_) return begin(activity, Step::callback_wait);
        return task_ended(activity);
      case Step::callback_wait:
        return begin(activity, Step::callback_compute);
      case Step::callback_compute:
        times.callback_finish_ns = rounded(now_);
        if (on_worker_) return task_ended(activity);
        idle_servers_.emplace(now_, activity.server);
        return;
      case Step::end:
        return;
    }
  }

  void task_ended(Activity activity) {
    const std::size_t job = activity.task / chunk_;
    const std::size_t last = std::min(n_, (job + 1) * chunk_) - 1;
    if (activity.task < last) {
      ++activity.task;
      return begin(activity, Step::wait);
    }
    idle_workers_.emplace(now_, activity.server);
    if (!staged_) return;
    for (std::size_t task = job * chunk_; task <= last; ++task) result_visible(task);
  }

  void result_visible(std::size_t task) {
    if (in_order_) {
      visible_[task] = true;
      return;
    }
    Fixed ready = now_;
    if (case_.strategy == Strategy::extra && case_.overheads.routing_ns > 0) {
      routed_ = std::max(routed_, now_) + fixed(case_.overheads.routing_ns);
      ready = routed_;
      wake_at(ready);
    }
    results_.push({ready, task});
  }

  bool next_result(std::size_t& task) {
    if (now_ < opens_) return false;
    if (in_order_) {
      if (collected_ == n_ || !visible_[collected_]) return false;
      task = collected_++;
      return true;
    }
    if (results_.empty() || results_.front().first > now_) return false;
    task = results_.front().second;
    results_.pop();
    return true;
  }

  // Everything that can start at this instant.
  void dispatch() {
    while (next_job_ < jobs_ && !idle_workers_.empty()) {
      const Fixed ready = Fixed{static_cast<std::int64_t>(next_job_ + 1)} * fixed(case_.overheads.submit_ns);
      if (ready > now_) {
        if (wakes_for_ != next_job_) wake_at(ready);
        wakes_for_ = next_job_;
        break;
      }
      const int worker = idle_workers_.top().second;
      idle_workers_.pop();
      begin({now_, next_job_ * chunk_, 1, worker, Step::dispatch}, Step::dispatch);
      ++next_job_;
    }
    for (std::size_t task = 0; !idle_servers_.empty() && next_result(task);) {
      const int server = idle_servers_.top().second;
      idle_servers_.pop();
      begin({now_, task, 2, server, Step::callback_wait}, Step::callback_wait);
    }
  }

  const Case& case_;
  const std::size_t n_;
  const std::size_t chunk_;
  const std::size_t jobs_;
  const bool on_worker_;  // callbacks run where the task ran
  const bool staged_;     // callbacks run on servers of their own
  const bool in_order_;   // in submission order; else in order of completion

  Fixed now_ = 0;
  MinHeap<Activity> timed_;
  SharedClass free_;
  SharedClass locked_;
  MinHeap<std::pair<Fixed, int>> idle_workers_;  // since when, number
  MinHeap<std::pair<Fixed, int>> idle_servers_;
  std::size_t next_job_ = 0;
  std::size_t wakes_for_ = std::numeric_limits<std::size_t>::max();  // the job that a wake-up is already set for
  std::queue<std::pair<Fixed, std::size_t>> results_;                // when at the parsers, task; in order of completion
  Fixed routed_ = 0;
  Fixed opens_ = 0;  // when the caller has submitted everything and turns to the results
  std::vector<bool> visible_;
  std::size_t collected_ = 0;
  Prediction prediction_;
};

}  // namespace

Prediction share_cores(const Case& c) { return Engine(c).run(); }

}  // namespace harness::model
