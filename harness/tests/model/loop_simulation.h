#pragma once

// An event loop again, written to be obviously right rather than fast: in exact fractions, looking at every task at every
// instant. Shares no code with harness/model but the Case. For a handful of tasks of a few ns.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "harness/model/case.h"
#include "harness/tests/model/rational_simulation.h"

namespace harness::model::testing {

struct LoopTimes {
  Fraction start, resumed, finish, callback_start, callback_resumed, callback_finish;
};

class LoopSimulation {
 public:
  explicit LoopSimulation(const Case& c)
      : c_(c),
        n_(static_cast<int>(c.tasks.size())),
        tasks_(c.tasks.size()),
        threads_(static_cast<std::size_t>(c.workers)),
        servers_(c.strategy == Strategy::extra ? static_cast<std::size_t>(c.parsers) : 1) {}

  std::vector<LoopTimes> run() {
    while (done_ < n_) {
      settle();
      if (done_ < n_) pass();
    }
    std::vector<LoopTimes> times;
    for (const Task& task : tasks_) times.push_back(task.times);
    return times;
  }
  Fraction end() const { return now_; }
  // Fractions finer than this are not told apart from ties by the simulation under test.
  bool fine() const { return finest_ > (Wide{1} << 20); }

 private:
  enum class Phase { unborn, waiting, ready, on_thread, callback_waiting, callback_ready, with_server, done };
  struct Task {
    Phase phase = Phase::unborn;
    Fraction left;         // of a wait
    Fraction ready_since;  // when the wait ended
    Fraction result_at;    // when its result is at the servers
    bool result = false;   // waits for a server
    LoopTimes times;
  };
  // What a thread or server does: pieces, the front one now.
  struct Piece {
    enum Kind { overhead, compute, callback, wait } kind;
    Fraction left;
    bool locked;
  };
  struct Server {
    int task = -1;
    std::deque<Piece> pieces;
    bool stopped_now = false;  // has ended something at this very instant
  };

  bool on_loop() const { return c_.strategy == Strategy::worker || c_.strategy == Strategy::fused; }
  Task& task(int i) { return tasks_[static_cast<std::size_t>(i)]; }
  static Fraction whole(std::int64_t ns) { return Fraction::of(ns, 1); }
  static bool equal(Fraction a, Fraction b) { return (a - b).zero(); }
  const Demand& demand(int i) const { return c_.tasks[static_cast<std::size_t>(i)]; }
  const Demand& callback(int i) const { return c_.callbacks[static_cast<std::size_t>(i)]; }
  Fraction submit(int i) const { return whole((i + 1) * c_.overheads.submit_ns); }

  // Everything that can happen without time passing, in the order that the model promises.
  void settle() {
    for (;;) {
      if (end_something() || start_something()) continue;
      if (take_up_something()) continue;
      if (hand_over_something() || serve_something()) continue;
      return;
    }
  }

  bool end_something() {
    for (int i = 0; i < n_; ++i) {
      Task& t = task(i);
      if (t.phase == Phase::waiting && t.left.zero()) return become(t, Phase::ready);
      if (t.phase == Phase::callback_waiting && t.left.zero()) return become(t, Phase::callback_ready);
      for (Server& thread : threads_) {
        if (thread.task == i && thread.pieces.front().left.zero()) return piece_ended(thread);
      }
      for (Server& server : servers_) {
        if (server.task == i && server.pieces.front().left.zero()) return served(server);
      }
    }
    return false;
  }

  bool become(Task& t, Phase phase) {
    t.phase = phase;
    t.ready_since = now_;
    return true;
  }

  bool piece_ended(Server& thread) {
    const int i = thread.task;
    Task& t = task(i);
    const Piece::Kind kind = thread.pieces.front().kind;
    thread.pieces.pop_front();
    if (kind == Piece::overhead) {
      (thread.pieces.front().kind == Piece::callback ? t.times.callback_resumed : t.times.resumed) = now_;
      return true;
    }
    if (kind == Piece::callback) {
      t.times.callback_finish = now_;
      t.phase = Phase::done;
      ++done_;
      --in_flight_;
    } else {
      t.times.finish = now_;
      if (on_loop()) {
        t.times.callback_start = now_;
        if (c_.strategy == Strategy::fused && callback(i).wait_ns == 0) {
          t.times.callback_resumed = now_;
          thread.pieces.push_back({Piece::callback, whole(callback(i).compute_ns), callback(i).locked});
          return true;
        }
        t.phase = Phase::callback_waiting;
        t.left = whole(callback(i).wait_ns);
      } else {
        --in_flight_;
        t.phase = has_callbacks(c_.strategy) ? Phase::with_server : Phase::done;
        if (t.phase == Phase::done) ++done_;
        if (t.phase == Phase::with_server) ended_now_.push_back(i);
      }
    }
    thread.task = -1;
    thread.stopped_now = true;
    return true;
  }

  bool served(Server& server) {
    server.pieces.pop_front();
    if (!server.pieces.empty()) return true;
    Task& t = task(server.task);
    t.times.callback_finish = now_;
    t.phase = Phase::done;
    ++done_;
    server.task = -1;
    return true;
  }

  bool start_something() {
    if (next_ == n_) return false;
    if (c_.in_flight > 0 && in_flight_ >= c_.in_flight) return false;
    if (now_ < submit(next_)) return false;
    Task& t = task(next_);
    t.phase = Phase::waiting;
    t.left = whole(demand(next_).wait_ns);
    t.times.start = now_;
    ++in_flight_;
    ++next_;
    return true;
  }

  bool take_up_something() {
    int best = -1;
    for (int i = 0; i < n_; ++i) {
      if (task(i).phase != Phase::ready && task(i).phase != Phase::callback_ready) continue;
      if (best < 0 || task(i).ready_since < task(best).ready_since) best = i;
    }
    if (best < 0) return false;
    Server* thread = nullptr;
    for (Server& candidate : threads_) {
      if (candidate.task >= 0) continue;
      if (thread == nullptr || (candidate.stopped_now && !thread->stopped_now)) thread = &candidate;
    }
    if (thread == nullptr) return false;
    const bool is_callback = task(best).phase == Phase::callback_ready;
    const Demand& d = is_callback ? callback(best) : demand(best);
    thread->task = best;
    thread->pieces = {{Piece::overhead, whole(c_.overheads.dispatch_ns + (thread->stopped_now ? 0 : c_.overheads.wake_ns)),
                       false},
                      {is_callback ? Piece::callback : Piece::compute, whole(d.compute_ns), d.locked}};
    task(best).phase = Phase::on_thread;
    thread->stopped_now = false;
    return true;
  }

  bool hand_over_something() {
    if (ended_now_.empty()) return false;
    const auto lowest = std::min_element(ended_now_.begin(), ended_now_.end());
    Task& t = task(*lowest);
    t.result = true;
    t.result_at = now_;
    if (c_.strategy == Strategy::extra) {
      t.result_at = (routed_ < now_ ? now_ : routed_) + whole(c_.overheads.routing_ns);
      routed_ = t.result_at;
    }
    results_.push_back(*lowest);
    ended_now_.erase(lowest);
    return true;
  }

  bool serve_something() {
    const bool caller = c_.strategy == Strategy::collect || c_.strategy == Strategy::as_completed;
    if (caller && now_ < submit(n_ - 1)) return false;
    for (Server& server : servers_) {
      if (server.task >= 0) continue;
      int i = -1;
      if (c_.strategy == Strategy::collect) {
        if (collected_ < n_ && task(collected_).result) i = collected_++;
      } else if (!results_.empty() && !(now_ < task(results_.front()).result_at)) {
        i = results_.front();
        results_.pop_front();
      }
      if (i < 0) return false;
      task(i).times.callback_start = now_;
      server.task = i;
      server.pieces = {{Piece::wait, whole(callback(i).wait_ns), false},
                       {Piece::compute, whole(callback(i).compute_ns), callback(i).locked}};
      return true;
    }
    return false;
  }

  static bool computes(const Piece& piece) {
    return (piece.kind == Piece::compute || piece.kind == Piece::callback) && !piece.left.zero();
  }

  // Time passes until the next thing ends.
  void pass() {
    std::vector<Server*> busy;
    for (std::vector<Server>* const all : {&threads_, &servers_}) {
      for (Server& server : *all) {
        server.stopped_now = false;
        if (server.task >= 0) busy.push_back(&server);
      }
    }
    int unlocked = 0;
    int locked = 0;
    for (const Server* const server : busy) {
      if (computes(server->pieces.front())) ++(server->pieces.front().locked ? locked : unlocked);
    }
    const int running = unlocked + (locked > 0);
    const Fraction rate = c_.cores > 0 && running > c_.cores ? Fraction::of(c_.cores, running) : Fraction{1, 1};
    const auto rate_of = [&](const Piece& piece) {
      if (!computes(piece)) return Fraction{1, 1};
      return piece.locked ? rate / whole(locked) : rate;
    };

    Fraction step{-1, 1};
    const auto at_most = [&step](Fraction time) {
      if (step.over < 0 || time < step) step = time;
    };
    for (const Server* const server : busy) at_most(server->pieces.front().left / rate_of(server->pieces.front()));
    for (const Task& t : tasks_) {
      if (t.phase == Phase::waiting || t.phase == Phase::callback_waiting) at_most(t.left);
      if (t.result && now_ < t.result_at) at_most(t.result_at - now_);
    }
    for (int i = next_; i < n_; ++i) {
      if (now_ < submit(i)) at_most(submit(i) - now_);
    }
    now_ = now_ + step;
    for (Server* const server : busy) {
      Piece& piece = server->pieces.front();
      piece.left = piece.left - step * rate_of(piece);
      finest_ = std::max(finest_, piece.left.under);
    }
    for (Task& t : tasks_) {
      if (t.phase == Phase::waiting || t.phase == Phase::callback_waiting) t.left = t.left - step;
    }
    finest_ = std::max(finest_, now_.under);
  }

  const Case& c_;
  const int n_;
  std::vector<Task> tasks_;
  std::vector<Server> threads_;
  std::vector<Server> servers_;
  std::deque<int> results_;
  std::vector<int> ended_now_;
  Fraction now_;
  Fraction routed_;
  Wide finest_ = 1;
  int next_ = 0;
  int done_ = 0;
  int collected_ = 0;
  std::int64_t in_flight_ = 0;
};

}  // namespace harness::model::testing
