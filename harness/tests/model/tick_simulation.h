#pragma once

// The model again, written to be obviously right rather than fast: a clock that ticks 1 ns at a time, and at every tick
// everything that can happen happens, in task order. Shares no code with harness/model but the Case. For the property
// tests; durations of a few ns.
//
// Computing demands have a core each here; rational_simulation.h is the oracle for shared cores.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "harness/model/case.h"

namespace harness::model::testing {

class TickSimulation {
 public:
  explicit TickSimulation(const Case& c) : c_(c), n_(static_cast<int>(c.tasks.size())), tasks_(c.tasks.size()) {
    if (c.strategy != Strategy::map)
      s_ = 1;
    else
      s_ = static_cast<int>(std::min<std::int64_t>(c.chunksize, n_));
    jobs_ = (n_ + s_ - 1) / s_;
    workers_.assign(serial() ? 1 : static_cast<std::size_t>(c.workers), {});
    parsers_.assign(c.strategy == Strategy::extra ? static_cast<std::size_t>(c.parsers) : 1, {});
  }

  Prediction run() {
    for (;; ++now_) {
      while (settle()) {
      }
      if (all_done()) break;
      tick();
    }
    Prediction prediction;
    for (const Task& task : tasks_) {
      prediction.tasks.push_back({task.start, task.finish, task.callback_start, task.callback_finish, 0, 0});
      prediction.makespan_ns = std::max({prediction.makespan_ns, task.finish, task.callback_finish});
    }
    return prediction;
  }

 private:
  struct Task {
    std::int64_t start = kNever, finish = kNever, callback_start = kNever, callback_finish = kNever;
    bool visible = false, queued = false;
    std::int64_t routed_at = kNever;
  };
  // What a server still has to do, in ticks.
  enum class Piece { overhead, task, callback };
  struct Item {
    Piece piece;
    int task;
    std::int64_t idle;
    std::int64_t compute;
  };
  using Server = std::deque<Item>;

  bool serial() const { return c_.serial || c_.strategy == Strategy::sync; }
  bool callbacks_with_task() const { return serial() || c_.strategy == Strategy::worker || c_.strategy == Strategy::fused; }

  bool settle() {
    bool changed = false;
    // Ends, in task order.
    for (int task = -1; task < n_; ++task) {
      for (Server* server : servers()) {
        if (server->empty() || server->front().task != task) continue;
        Item& item = server->front();
        begin(item);
        if (item.idle > 0 || item.compute > 0) continue;
        end(item);
        server->pop_front();
        if (!server->empty()) begin(server->front());
        changed = true;
      }
    }
    return give_jobs() || route() || give_callbacks() || changed;
  }

  std::vector<Server*> servers() {
    std::vector<Server*> all;
    for (Server& server : workers_) all.push_back(&server);
    for (Server& server : parsers_) all.push_back(&server);
    return all;
  }

  void begin(const Item& item) {
    if (item.task < 0) return;
    Task& task = tasks_[static_cast<std::size_t>(item.task)];
    if (item.piece == Piece::task && task.start == kNever) task.start = now_;
    if (item.piece == Piece::callback && task.callback_start == kNever) task.callback_start = now_;
  }

  void end(const Item& item) {
    Task& task = tasks_[static_cast<std::size_t>(item.task)];
    if (item.piece == Piece::callback) task.callback_finish = now_;
    if (item.piece != Piece::task) return;
    task.finish = now_;
    const int job = item.task / s_;
    const int last = std::min(n_, (job + 1) * s_) - 1;
    if (item.task != last) return;
    for (int i = job * s_; i <= last; ++i) {
      tasks_[static_cast<std::size_t>(i)].visible = true;
      completions_.push_back(i);
    }
  }

  bool give_jobs() {
    if (next_job_ == jobs_) return false;
    if (!serial() && (next_job_ + 1) * c_.overheads.submit_ns > now_) return false;
    for (Server& server : workers_) {
      if (!server.empty()) continue;
      const int first = next_job_ * s_;
      const std::int64_t submit = serial() ? c_.overheads.submit_ns : 0;
      server.push_back({Piece::overhead, first, submit + c_.overheads.dispatch_ns, 0});
      for (int i = first; i < std::min(n_, first + s_); ++i) {
        const auto at = static_cast<std::size_t>(i);
        server.push_back({Piece::task, i, c_.tasks[at].wait_ns, c_.tasks[at].compute_ns});
        if (callbacks_with_task() && has_callbacks(c_.strategy)) {
          server.push_back({Piece::callback, i, c_.callbacks[at].wait_ns, c_.callbacks[at].compute_ns});
        }
      }
      ++next_job_;
      return true;
    }
    return false;
  }

  // The main process hands one result at a time to the parsers.
  bool route() {
    if (c_.strategy != Strategy::extra) return false;
    if (routing_ >= 0) {
      if (routing_until_ > now_) return false;
      parse_queue_.push_back(routing_);
      routing_ = -1;
      return true;
    }
    if (completions_.empty()) return false;
    routing_ = completions_.front();
    routing_until_ = now_ + c_.overheads.routing_ns;
    completions_.pop_front();
    return true;
  }

  bool give_callbacks() {
    if (!has_callbacks(c_.strategy) || callbacks_with_task()) return false;
    const bool caller = c_.strategy == Strategy::collect || c_.strategy == Strategy::map || c_.strategy == Strategy::as_completed;
    if (caller && now_ < jobs_ * c_.overheads.submit_ns) return false;
    for (Server& server : parsers_) {
      if (!server.empty()) continue;
      int task = -1;
      if (c_.strategy == Strategy::collect || c_.strategy == Strategy::map) {
        if (collected_ < n_ && tasks_[static_cast<std::size_t>(collected_)].visible) task = collected_++;
      } else {
        std::deque<int>& queue = c_.strategy == Strategy::extra ? parse_queue_ : completions_;
        if (!queue.empty()) {
          task = queue.front();
          queue.pop_front();
        }
      }
      if (task < 0) return false;
      const Demand& demand = c_.callbacks[static_cast<std::size_t>(task)];
      server.push_back({Piece::callback, task, demand.wait_ns, demand.compute_ns});
      return true;
    }
    return false;
  }

  void tick() {
    for (Server* server : servers()) {
      if (server->empty()) continue;
      Item& item = server->front();
      if (item.idle > 0)
        --item.idle;
      else if (item.compute > 0)
        --item.compute;
    }
  }

  bool all_done() const {
    for (const Task& task : tasks_) {
      if (task.finish == kNever || (has_callbacks(c_.strategy) && task.callback_finish == kNever)) return false;
    }
    return true;
  }

  const Case& c_;
  const int n_;
  int s_ = 1;
  int jobs_ = 1;
  std::int64_t now_ = 0;
  std::vector<Task> tasks_;
  std::vector<Server> workers_;
  std::vector<Server> parsers_;
  std::deque<int> completions_;  // in order of completion, not yet handed on
  std::deque<int> parse_queue_;
  int next_job_ = 0;
  int collected_ = 0;
  int routing_ = -1;
  std::int64_t routing_until_ = 0;
};

}  // namespace harness::model::testing
