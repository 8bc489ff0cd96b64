#include "harness/model/critical_path.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "harness/model/loop_order.h"
#include "harness/model/simulate.h"

namespace harness::model {
namespace {

constexpr std::size_t kNobody = LoopOrder::kNobody;

// Walks from the makespan backwards. What began upon the end of something began at that very instant, so times are
// compared for equality: with shared cores too, where both were rounded from the same instant. Every step goes to an
// earlier activity: from a callback to its task or to the callback before it on its server, from a task to an earlier one,
// so the walk ends even where everything takes 0 ns.
class Walk {
 public:
  Walk(const Case& c, const Prediction& prediction) : case_(c), tasks_(prediction.tasks), n_(tasks_.size()) {
    serial_ = c.serial || c.strategy == Strategy::sync;
    on_worker_ = serial_ || c.strategy == Strategy::worker || c.strategy == Strategy::fused;
    staged_ = has_callbacks(c.strategy) && !on_worker_;
    in_order_ = c.strategy == Strategy::collect || c.strategy == Strategy::map;
    if (c.executor == Executor::loop) loop_.emplace(c, tasks_);
    chunk_ = c.strategy == Strategy::map ? std::min<std::size_t>(static_cast<std::size_t>(c.chunksize), n_) : 1;
    find_neighbours();
  }

  std::vector<Link> run(std::int64_t makespan_ns) {
    // What ends last: a callback rather than its task, the earliest task of those that tie.
    for (std::size_t i = 0; i < n_ && from_ == kNobody; ++i) {
      if (tasks_[i].callback_finish_ns == makespan_ns) from_ = i;
    }
    if (from_ != kNobody) {
      callback(from_);
    } else {
      for (std::size_t i = 0; i < n_ && from_ == kNobody; ++i) {
        if (tasks_[i].finish_ns == makespan_ns) from_ = i;
      }
      task(from_);
    }
    while (pending_.activity != kDone) step();
    if (makespan_ns > 0) {
      std::erase_if(links_, [](const Link& link) { return link.start_ns == link.finish_ns; });
    }
    std::reverse(links_.begin(), links_.end());
    return std::move(links_);
  }

 private:
  // What to visit next: an activity of a task; a loop instead of recursion, for chains of a million links.
  static constexpr int kDone = -1, kTask = 0, kCallback = 1, kRouting = 2;
  struct Pending {
    int activity = kDone;
    std::size_t task = 0;
  };

  std::int64_t end_on_worker(std::size_t i) const {
    return on_worker_ && has_callbacks(case_.strategy) ? tasks_[i].callback_finish_ns : tasks_[i].finish_ns;
  }
  std::size_t last_of_chunk(std::size_t i) const { return std::min(n_, (i / chunk_ + 1) * chunk_) - 1; }
  std::int64_t visible_ns(std::size_t i) const { return tasks_[last_of_chunk(i)].finish_ns; }
  std::int64_t submitted_all_ns() const {
    return static_cast<std::int64_t>((n_ + chunk_ - 1) / chunk_) * case_.overheads.submit_ns;
  }

  void find_neighbours() {
    before_on_worker_.assign(n_, kNobody);
    std::vector<std::size_t> last(static_cast<std::size_t>(
                                      case_.workers < 1 ? 1 : std::min<std::size_t>(static_cast<std::size_t>(case_.workers), n_)),
                                  kNobody);
    for (std::size_t i = 0; i < n_; ++i) {
      std::size_t& previous = last[static_cast<std::size_t>(tasks_[i].worker)];
      before_on_worker_[i] = previous;
      previous = i;
    }
    if (!staged_) return;
    std::vector<std::size_t> order(n_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (!in_order_) {
      // Of callbacks that begin at one instant those of no length went first, in the order in which they became ready.
      const auto key = [this](std::size_t i) {
        return std::tuple(tasks_[i].callback_start_ns, tasks_[i].callback_finish_ns, visible_ns(i));
      };
      std::stable_sort(order.begin(), order.end(), [&key](std::size_t a, std::size_t b) { return key(a) < key(b); });
    }
    before_on_server_.assign(n_, kNobody);
    before_at_router_.assign(n_, kNobody);
    routed_ns_.assign(n_, 0);
    std::vector<std::size_t> last_served;
    std::size_t previous = kNobody;
    for (const std::size_t i : order) {
      const auto server = static_cast<std::size_t>(tasks_[i].server);
      if (server >= last_served.size()) last_served.resize(server + 1, kNobody);
      before_on_server_[i] = std::exchange(last_served[server], i);
    }
    if (case_.strategy != Strategy::extra) return;
    // The router takes results as they become visible, and callbacks begin in the order in which it handed them over;
    // ties by task.
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      return std::pair(visible_ns(a), tasks_[a].callback_start_ns) < std::pair(visible_ns(b), tasks_[b].callback_start_ns);
    });
    std::int64_t routed = 0;
    for (const std::size_t i : order) {
      routed = std::max(routed, visible_ns(i)) + case_.overheads.routing_ns;
      routed_ns_[i] = routed;
      before_at_router_[i] = std::exchange(previous, i);
    }
  }

  void add(Activity activity, std::size_t task, int server, std::int64_t start_ns, std::int64_t finish_ns, std::int64_t alone_ns,
           Released released, std::size_t after = kNobody) {
    links_.push_back({activity, task, server, start_ns, finish_ns, alone_ns, released, after == kNobody ? task : after});
  }
  void callback(std::size_t task) { pending_ = {kCallback, task}; }
  void task(std::size_t task) { pending_ = {kTask, task}; }
  void done() { pending_ = {}; }

  void step() {
    const Pending now = pending_;
    switch (now.activity) {
      case kCallback:
        return visit_callback(now.task);
      case kRouting:
        return visit_routing(now.task);
      default:
        return visit_task(now.task);
    }
  }

  // 0 to `until`: the submitting thread alone.
  void submitting(std::size_t last_task, std::int64_t until_ns) {
    if (until_ns > 0) add(Activity::submit, last_task, 0, 0, until_ns, until_ns, Released::at_once);
    done();
  }

  void visit_callback(std::size_t i) {
    const TaskTimes& times = tasks_[i];
    const auto link = [&](Released released, std::size_t after = kNobody) {
      add(Activity::callback, i, times.server, times.callback_start_ns, times.callback_finish_ns, case_.callbacks[i].service_ns(),
          released, after);
    };
    if (loop_ && on_worker_ && !serial_ && !loop_->straight_on(i)) return visit_on_loop({i, true});
    if (on_worker_) {
      link(Released::by_task);
      return task(i);
    }
    if (case_.strategy == Strategy::extra && case_.overheads.routing_ns > 0) {
      if (times.callback_start_ns == routed_ns_[i]) {
        link(Released::by_task);
        pending_ = {kRouting, i};
        return;
      }
    } else if (times.callback_start_ns == visible_ns(i)) {
      const std::size_t last = last_of_chunk(i);
      link(last == i ? Released::by_task : Released::by_chunk, last);
      return task(last);
    }
    const std::size_t before = before_on_server_[i];
    if (before != kNobody && tasks_[before].callback_finish_ns == times.callback_start_ns) {
      link(Released::by_server, before);
      return callback(before);
    }
    link(Released::by_last_submit);
    submitting(n_ - 1, submitted_all_ns());
  }

  void visit_routing(std::size_t i) {
    const std::int64_t start = routed_ns_[i] - case_.overheads.routing_ns;
    const bool waited = start > visible_ns(i);
    const std::size_t before = before_at_router_[i];
    add(Activity::routing, i, 0, start, routed_ns_[i], case_.overheads.routing_ns,
        waited ? Released::by_router : Released::by_task, waited ? before : kNobody);
    pending_ = {waited ? kRouting : kTask, waited ? before : i};
  }

  // What a loop thread computed, and what that waited for: a thread, or its own wait, which needed none.
  void visit_on_loop(const LoopOrder::Piece& piece) {
    const std::size_t i = piece.task;
    const TaskTimes& times = tasks_[i];
    const Demand& demand = piece.callback ? case_.callbacks[i] : case_.tasks[i];
    const int thread = piece.callback ? times.server : times.worker;
    const std::int64_t start = piece.callback ? times.callback_start_ns : times.start_ns;
    const std::int64_t resumed = piece.callback ? times.callback_resumed_ns : times.resumed_ns;
    const std::int64_t ready = start + demand.wait_ns;
    const LoopOrder::Piece before = serial_ ? LoopOrder::Piece{} : loop_->before(piece);
    const bool waited_for_thread = before.task != kNobody && loop_->end_ns(before) > ready;
    const std::int64_t taken_up = waited_for_thread ? loop_->end_ns(before) : ready;
    const Released released = !waited_for_thread ? Released::by_wait
                              : before.callback  ? Released::by_server
                                                 : Released::by_worker;
    const std::size_t after = waited_for_thread ? before.task : kNobody;
    const bool cost = resumed > taken_up;
    add(piece.callback ? Activity::callback : Activity::task, i, thread, resumed,
        piece.callback ? times.callback_finish_ns : times.finish_ns, demand.compute_ns, cost ? Released::by_dispatch : released,
        cost ? kNobody : after);
    if (cost) add(Activity::dispatch, i, thread, taken_up, resumed, resumed - taken_up, released, after);
    if (waited_for_thread) {
      return before.callback || loop_->straight_on(before.task) ? callback(before.task) : task(before.task);
    }
    if (piece.callback) {
      add(Activity::callback_wait, i, 0, start, ready, demand.wait_ns, Released::by_task);
      return task(i);
    }
    visit_wait(i, ready);
  }

  void visit_wait(std::size_t i, std::int64_t ready_ns) {
    const std::int64_t start = tasks_[i].start_ns;
    const auto link = [&](Released released, std::size_t after = kNobody) {
      add(Activity::wait, i, 0, start, ready_ns, case_.tasks[i].wait_ns, released, after);
    };
    if (serial_) {
      const std::int64_t submit = case_.overheads.submit_ns;
      link(i > 0 || submit > 0 ? Released::by_submission : Released::at_once);
      if (submit > 0) {
        add(Activity::submit, i, 0, start - submit, start, submit, i > 0 ? Released::by_server : Released::at_once,
            i > 0 ? i - 1 : kNobody);
      }
      return i > 0 ? callback(i - 1) : done();
    }
    const std::size_t before = loop_->made_room_for(i);
    if (before == kNobody) {
      link(start > 0 ? Released::by_submission : Released::at_once);
      return submitting(i, start);
    }
    link(Released::by_room, before);
    return on_worker_ ? callback(before) : task(before);
  }

  void visit_task(std::size_t i) {
    if (loop_) return visit_on_loop({i, false});
    const TaskTimes& times = tasks_[i];
    const Overheads& o = case_.overheads;
    const bool first_of_job = i % chunk_ == 0;
    const std::int64_t dispatch = first_of_job ? o.dispatch_ns : 0;
    const std::int64_t taken = times.start_ns - dispatch;
    const std::size_t before = before_on_worker_[i];
    Released released = Released::at_once;
    std::size_t after = kNobody;
    if (serial_) {
      released = before != kNobody || o.submit_ns > 0 ? Released::by_submission : Released::at_once;
    } else if (before != kNobody && end_on_worker(before) == taken) {
      released = Released::by_worker;
      after = before;
    } else if (case_.coupled && taken > 0) {
      released = Released::by_refill;
      after = refill_before(i, taken);
    } else if (taken > 0) {
      released = Released::by_submission;
    }
    add(Activity::task, i, times.worker, times.start_ns, times.finish_ns, case_.tasks[i].service_ns(),
        dispatch > 0 ? Released::by_dispatch : released, dispatch > 0 ? kNobody : after);
    if (dispatch > 0) add(Activity::dispatch, i, times.worker, taken, times.start_ns, dispatch, released, after);

    if (serial_) {
      if (o.submit_ns > 0) {
        add(Activity::submit, i, 0, taken - o.submit_ns, taken, o.submit_ns,
            before == kNobody ? Released::at_once : Released::by_worker, before);
      }
      return before == kNobody ? done() : end_of(before);
    }
    switch (released) {
      case Released::by_worker:
        return end_of(after);
      case Released::by_refill:
        return has_callbacks(case_.strategy) ? callback(after) : task(after);
      default:
        return submitting(i, taken);
    }
  }

  // What a worker did last for a task.
  void end_of(std::size_t i) {
    if (on_worker_ && has_callbacks(case_.strategy)) return callback(i);
    task(i);
  }

  // The task whose result the dispatching thread had just dealt with when it refilled the queue: an earlier one, since
  // tasks enter the queue in order.
  std::size_t refill_before(std::size_t i, std::int64_t at_ns) const {
    for (std::size_t j = i; j-- > 0;) {
      const std::int64_t end = has_callbacks(case_.strategy) ? tasks_[j].callback_finish_ns : tasks_[j].finish_ns;
      if (end == at_ns) return j;
    }
    return 0;
  }

  const Case& case_;
  const std::vector<TaskTimes>& tasks_;
  const std::size_t n_;
  std::optional<LoopOrder> loop_;
  bool serial_ = false;     // one thing at a time, on the caller
  bool on_worker_ = false;  // the callback follows its task where that ran
  bool staged_ = false;
  bool in_order_ = false;
  std::size_t chunk_ = 1;
  std::vector<std::size_t> before_on_worker_;
  std::vector<std::size_t> before_on_server_;
  std::vector<std::size_t> before_at_router_;
  std::vector<std::int64_t> routed_ns_;
  std::size_t from_ = kNobody;
  Pending pending_;
  std::vector<Link> links_;
};

}  // namespace

std::string_view name(Activity activity) {
  constexpr std::string_view kNames[] = {"submit", "wait", "dispatch", "task", "routing", "callback_wait", "callback"};
  return kNames[static_cast<std::size_t>(activity)];
}

std::vector<Link> critical_path(const Case& c, const Prediction& prediction) {
  return Walk(c, prediction).run(prediction.makespan_ns);
}

}  // namespace harness::model
