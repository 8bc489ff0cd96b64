#include "harness/core/one_clock.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <limits>
#include <optional>

namespace harness {
namespace {

constexpr std::int64_t kApart = 250'000'000;  // readings that are nearer are one
constexpr std::int64_t kDriftPerNs = 10'000;  // 100 ppm: a reading is less exact by 1 ns after so many
constexpr std::int64_t kAnyTime = std::numeric_limits<std::int64_t>::max();

// A task that ran on another host, already on this clock but for `move`, which lies between two bounds if all is well.
struct Stamped {
  TaskTrace* task;
  bool with_callback;  // that ran there, too
  std::int64_t bound_ns;
  std::int64_t least;  // so that it starts when it was submitted
  std::int64_t most;   // so that it ends when its answer was here
};

void move(const Stamped& one, std::int64_t by) {
  one.task->started_ns += by;
  one.task->finished_ns += by;
  if (!one.with_callback) return;
  one.task->callback_started_ns += by;
  one.task->callback_finished_ns += by;
}

Stamped stamped(TaskTrace& task, const ClockHistory& clock) {
  Stamped one{&task, task.callback_started_ns != kNoStamp && task.callback_host == task.host, 0, 0, 0};
  const ClockReading then = clock.when_it_was(task.started_ns);
  move(one, -then.offset_ns);
  one.bound_ns = then.bound_ns;
  std::int64_t answered = task.answered_ns == kNoStamp ? kAnyTime : task.answered_ns;
  if (task.callback_started_ns != kNoStamp && !one.with_callback) answered = std::min(answered, task.callback_started_ns);
  one.least = task.submitted_ns - task.started_ns;
  one.most = answered == kAnyTime ? kAnyTime : answered - (one.with_callback ? task.callback_finished_ns : task.finished_ns);
  return one;
}

// The smallest move that suits all of them; nothing: none does.
std::optional<std::int64_t> common_move(const std::vector<Stamped>& tasks) {
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = kAnyTime;
  std::int64_t bound = kAnyTime;
  for (const Stamped& one : tasks) {
    least = std::max(least, one.least);
    most = std::min(most, one.most);
    bound = std::min(bound, one.bound_ns);
  }
  if (least > most) return std::nullopt;
  const std::int64_t by = std::clamp<std::int64_t>(0, least, most);
  return by < -bound || by > bound ? std::nullopt : std::optional(by);
}

// A clock that ran faster or slower than this one makes a task seem longer than it can have been: what sticks out is cut.
void cut_at_its_answer(const Stamped& one, std::int64_t too_long) {
  TaskTrace& task = *one.task;
  for (std::int64_t* const stamp : {&task.finished_ns, one.with_callback ? &task.callback_started_ns : nullptr,
                                    one.with_callback ? &task.callback_finished_ns : nullptr}) {
    if (stamp != nullptr) *stamp = std::max(task.started_ns, *stamp - too_long);
  }
}

std::string beyond(const Trace& trace, const Stamped& one, std::int64_t by, std::string_view what) {
  return fmt::format("by its host's clock, which is known to within {} ns, task {} {} {} ns {}", one.bound_ns,
                     one.task - trace.tasks.data(), by > 0 ? "starts" : "ends", by > 0 ? by : -by, what);
}

std::string place_each(const Trace& trace, const std::vector<Stamped>& tasks) {
  for (const Stamped& one : tasks) {
    const bool sticks_out = one.least > one.most;
    const std::int64_t by = sticks_out ? one.least : std::clamp<std::int64_t>(0, one.least, one.most);
    if (by > one.bound_ns) return beyond(trace, one, by, "before it was submitted");
    if (by < -one.bound_ns) return beyond(trace, one, by, "after its answer was here");
    move(one, by);
    if (!sticks_out) continue;
    const std::int64_t too_long = one.least - one.most;
    if (too_long > 2 * one.bound_ns) return beyond(trace, one, -too_long, "after its answer was here");
    cut_at_its_answer(one, too_long);
  }
  return {};
}

}  // namespace

void ClockHistory::add(const ClockReading& reading) {
  if (readings_.empty() || reading.at_ns - readings_.back().at_ns >= kApart) {
    readings_.push_back(reading);
  } else if (reading.bound_ns < readings_.back().bound_ns) {
    readings_.back() = reading;
  }
}

ClockReading ClockHistory::when_it_was(std::int64_t there_ns) const {
  assert(!empty());
  const auto after = std::find_if(readings_.begin(), readings_.end(),
                                  [&](const ClockReading& reading) { return reading.at_ns + reading.offset_ns >= there_ns; });
  const ClockReading& later = after == readings_.end() ? readings_.back() : *after;
  const ClockReading& earlier = after == readings_.begin() ? later : *(after - 1);
  const std::int64_t at = there_ns - earlier.offset_ns;  // so nearly that drift over the difference is nothing
  if (&earlier == &later || later.at_ns <= earlier.at_ns) {
    const std::int64_t away = at > later.at_ns ? at - later.at_ns : later.at_ns - at;
    return {at, later.offset_ns, later.bound_ns + away / kDriftPerNs};
  }
  const double share = static_cast<double>(at - earlier.at_ns) / static_cast<double>(later.at_ns - earlier.at_ns);
  const auto between = [share](std::int64_t from, std::int64_t to) {
    return from + static_cast<std::int64_t>(share * static_cast<double>(to - from));
  };
  return {at, between(earlier.offset_ns, later.offset_ns),
          std::max(earlier.bound_ns, later.bound_ns) + std::min(at - earlier.at_ns, later.at_ns - at) / kDriftPerNs};
}

std::string put_on_one_clock(Trace& trace, const ClockHistories& clocks) {
  std::map<std::uint64_t, std::vector<Stamped>> by_host;
  for (TaskTrace& task : trace.tasks) {
    if (task.host == 0) continue;
    const auto clock = clocks.find(task.host);
    if (clock == clocks.end() || clock->second.empty()) return "the clock of a host that ran a task is not known";
    by_host[task.host].push_back(stamped(task, clock->second));
  }
  for (const auto& [host, tasks] : by_host) {
    if (const std::optional<std::int64_t> by = common_move(tasks)) {
      for (const Stamped& one : tasks) move(one, *by);
    } else if (std::string why = place_each(trace, tasks); !why.empty()) {
      return why;
    }
  }
  return {};
}

}  // namespace harness
