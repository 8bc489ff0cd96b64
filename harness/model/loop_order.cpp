#include "harness/model/loop_order.h"

#include <algorithm>
#include <tuple>

namespace harness::model {

LoopOrder::LoopOrder(const Case& c, const std::vector<TaskTimes>& tasks)
    : case_(c),
      tasks_(tasks),
      on_loop_(c.strategy == Strategy::worker || c.strategy == Strategy::fused),
      before_task_(tasks.size()),
      before_callback_(on_loop_ ? tasks.size() : 0) {
  struct Turn {
    int thread;
    std::int64_t start_ns;
    std::int64_t end_ns;
    Piece piece;
    auto key() const { return std::tie(thread, start_ns, end_ns, piece.task, piece.callback); }
  };
  std::vector<Turn> turns;
  turns.reserve((on_loop_ ? 2 : 1) * tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    turns.push_back({tasks[i].worker, tasks[i].resumed_ns, end_ns({i, false}), {i, false}});
    if (!on_loop_ || straight_on(i)) continue;
    turns.push_back({tasks[i].server, tasks[i].callback_resumed_ns, end_ns({i, true}), {i, true}});
  }
  std::ranges::sort(turns, [](const Turn& a, const Turn& b) { return a.key() < b.key(); });
  for (std::size_t t = 1; t < turns.size(); ++t) {
    const Turn& turn = turns[t];
    if (turns[t - 1].thread != turn.thread) continue;
    (turn.piece.callback ? before_callback_ : before_task_)[turn.piece.task] = turns[t - 1].piece;
  }

  if (c.in_flight == 0 || static_cast<std::size_t>(c.in_flight) >= tasks.size()) return;
  left_.reserve(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) left_.emplace_back(left_ns(i), i);
  std::ranges::sort(left_);
}

std::size_t LoopOrder::made_room_for(std::size_t task) const {
  if (left_.empty() || tasks_[task].start_ns == static_cast<std::int64_t>(task + 1) * case_.overheads.submit_ns) return kNobody;
  // A task starts at the instant at which one before it in line leaves.
  const auto after = std::ranges::lower_bound(left_, std::pair(tasks_[task].start_ns, task));
  return after == left_.begin() ? kNobody : std::prev(after)->second;
}

std::int64_t LoopOrder::left_ns(std::size_t task) const {
  return on_loop_ ? tasks_[task].callback_finish_ns : tasks_[task].finish_ns;
}

std::int64_t LoopOrder::end_ns(const Piece& piece) const {
  const TaskTimes& times = tasks_[piece.task];
  return piece.callback || straight_on(piece.task) ? times.callback_finish_ns : times.finish_ns;
}

bool LoopOrder::straight_on(std::size_t task) const {
  return case_.strategy == Strategy::fused && case_.callbacks[task].wait_ns == 0;
}

}  // namespace harness::model
