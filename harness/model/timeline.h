#pragma once

// What will happen in an event simulation, and when: activities that take a fixed time, and computing demands that share P
// cores. shared_cores.h has the rates and says what fixed point costs.
//
// With a unlocked demands computing and b locked ones, each class is served at one rate, so what each of its members has
// attained is one clock for the whole class.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <tuple>
#include <vector>

#include "harness/model/case.h"
#include "harness/model/wide.h"

namespace harness::model {

using Fixed = Wide;  // units of 2^-32 ns
inline constexpr Fixed kUnit = Fixed{1} << 32;
inline constexpr Fixed kEndOfTime = Fixed{1} << 126;  // beyond any sum that check() lets pass, with room to add

inline Fixed fixed(std::int64_t ns) { return Fixed{ns} * kUnit; }
inline std::int64_t rounded(Fixed time) { return static_cast<std::int64_t>((time + kUnit / 2) / kUnit); }

template <class T>
using MinHeap = std::priority_queue<T, std::vector<T>, std::greater<>>;

// An Activity has `when` (an instant; of computing demands the attained service of their class at which they end), `task`
// and `stage`, and is ordered by them with operator>.
template <class Activity>
class Timeline {
 public:
  // cores: 0: as many as anyone could use.
  explicit Timeline(int cores) : cores_(cores) {}

  Fixed now() const { return now_; }

  // When the next activity ends; kEndOfTime when none is left.
  Fixed next() const {
    return std::min({timed_.empty() ? kEndOfTime : timed_.top().when, free_.next_end(now_), locked_.next_end(now_)});
  }

  void at(Fixed when, Activity activity) {
    activity.when = when;
    timed_.push(activity);
  }
  void delay(Activity activity, std::int64_t ns) { at(now_ + fixed(ns), activity); }
  void compute(Activity activity, const Demand& demand) {
    if (demand.compute_ns == 0) return delay(activity, 0);
    SharedClass& shared = demand.locked ? locked_ : free_;
    activity.when = shared.attained + fixed(demand.compute_ns);
    shared.members.push(activity);
    set_rates();
  }

  // Goes on to next() and takes one activity that ends there: of those of an instant that of the lowest task, then of the
  // lowest stage. REQUIRES: next() < kEndOfTime.
  Activity take() {
    const Fixed next = this->next();
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
    if (!timed_.empty() && timed_.top().when == next) consider(timed_);
    if (free_due) consider(free_.members);
    if (locked_due) consider(locked_.members);
    const Activity activity = source->top();
    source->pop();
    if (source == &free_.members) free_.attained = std::max(free_.attained, activity.when);
    if (source == &locked_.members) locked_.attained = std::max(locked_.attained, activity.when);
    if (source != &timed_) set_rates();
    return activity;
  }

 private:
  // One class of computing demands, all served at the rate num/den.
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

  void set_rates() {
    const auto unlocked = static_cast<std::int64_t>(free_.members.size());
    const auto waiting = static_cast<std::int64_t>(locked_.members.size());
    const std::int64_t running = unlocked + (waiting > 0 ? 1 : 0);
    const bool short_of_cores = cores_ > 0 && running > cores_;
    free_.num = short_of_cores ? cores_ : 1;
    free_.den = short_of_cores ? running : 1;
    locked_.num = free_.num;
    locked_.den = free_.den * std::max<std::int64_t>(1, waiting);
  }

  const std::int64_t cores_;
  Fixed now_ = 0;
  MinHeap<Activity> timed_;
  SharedClass free_;
  SharedClass locked_;
};

}  // namespace harness::model
