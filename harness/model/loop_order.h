#pragma once

// Who came before whom on an event loop, read off a prediction: what a loop thread computed before, and which task left the
// flight so that the next could start. For the critical path.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

class LoopOrder {
 public:
  static constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

  // What a thread computes without a pause: a task, or a callback on the loop. One of `fused` that goes straight on is part of
  // its task's.
  struct Piece {
    std::size_t task = kNobody;
    bool callback = false;
  };

  // REQUIRES: `tasks` are simulate(c)'s, c.executor == Executor::loop.
  LoopOrder(const Case& c, const std::vector<TaskTimes>& tasks);

  // Computed before on the same thread; nobody's if it was the first there.
  Piece before(const Piece& piece) const { return (piece.callback ? before_callback_ : before_task_)[piece.task]; }

  // The task that made room for this one; kNobody if there was room all along.
  std::size_t made_room_for(std::size_t task) const;

  // When a task is not in flight any more.
  std::int64_t left_ns(std::size_t task) const;
  std::int64_t end_ns(const Piece& piece) const;
  bool straight_on(std::size_t task) const;  // its callback is computed behind it without a pause

 private:
  const Case& case_;
  const std::vector<TaskTimes>& tasks_;
  const bool on_loop_;  // callbacks are the loop's
  std::vector<Piece> before_task_;
  std::vector<Piece> before_callback_;
  std::vector<std::pair<std::int64_t, std::size_t>> left_;  // when, task; ascending; empty where B bounds nothing
};

}  // namespace harness::model
