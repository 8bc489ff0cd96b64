// The tutorial's formulas and the exact conditions under which they hold.

#include <algorithm>
#include <functional>
#include <queue>

#include "harness/model/closed_forms.h"
#include "harness/model/list_schedule.h"
#include "harness/model/shape.h"
#include "harness/model/simulate.h"
#include "harness/model/wide.h"

namespace harness::model {

Shape::Shape(const Case& c0)
    : n(static_cast<std::int64_t>(c0.tasks.size())), k(c0.workers), q((n + k - 1) / k), last(n - (q - 1) * k) {
  for (const Demand& task : c0.tasks) t.push_back(task.service_ns());
  if (has_callbacks(c0.strategy)) {
    for (const Demand& callback : c0.callbacks) callbacks.push_back(callback.service_ns());
  } else {
    callbacks.assign(t.size(), 0);
  }
  longest = *std::max_element(t.begin(), t.end());
  c = *std::max_element(callbacks.begin(), callbacks.end());
  equal_tasks = std::adjacent_find(t.begin(), t.end(), std::not_equal_to<>()) == t.end();
  equal_callbacks = std::adjacent_find(callbacks.begin(), callbacks.end(), std::not_equal_to<>()) == callbacks.end();
  linear = true;
  for (std::int64_t j = 1; j <= n; ++j) {
    linear = linear && static_cast<Wide>(j) * t.front() == t[static_cast<std::size_t>(j - 1)];
  }
}

std::string Shape::more_tasks_than_workers() const { return "n = " + std::to_string(n) + " > k = " + std::to_string(k); }

std::string Shape::range_of(const std::vector<std::int64_t>& values) const {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return duration_text(*low) + " to " + duration_text(*high);
}

std::string duration_text(std::int64_t ns) {
  struct Unit {
    std::int64_t ns;
    const char* name;
  };
  for (const Unit unit : {Unit{1'000'000'000, " s"}, Unit{1'000'000, " ms"}, Unit{1'000, " us"}, Unit{1, " ns"}}) {
    if (ns != 0 && std::abs(ns) < unit.ns) continue;
    std::string text = std::to_string(ns / unit.ns);
    std::int64_t rest = std::abs(ns % unit.ns);
    if (rest != 0) {
      std::string digits = std::to_string(rest + unit.ns).substr(1);  // keeps the zeros in front
      digits.erase(digits.find_last_not_of('0') + 1);
      text += '.' + digits;
    }
    return text + unit.name;
  }
  return "0 s";
}

namespace {

// The conditions that all of the tutorial's formulas share.
std::string common_conditions(const Case& c, const Shape& s) {
  if (!s.equal_callbacks) return "callbacks differ: " + s.range_of(s.callbacks) + "; the formula knows one c";
  if (shares_cores(c)) return "tasks compute on shared cores or under one lock; the formula knows waiting only";
  const Overheads& o = c.overheads;
  if (o.submit_ns + o.dispatch_ns + o.routing_ns > 0) return "overheads are not 0";
  return "";
}

ClosedForm claim(std::string formula, std::int64_t value_ns, std::string violated) {
  return {.formula = std::move(formula),
          .in_domain = violated.empty(),
          .violated = std::move(violated),
          .value_ns = value_ns,
          .binding_term = "longest task"};
}

Case with_strategy(const Case& c, Strategy strategy) {
  Case other = c;
  other.strategy = strategy;
  return other;
}

}  // namespace

ClosedForm tutorial_thread(const Case& c) {
  check(c);
  const Shape s(c);
  const std::int64_t value = saturated(Wide{s.longest} + s.c);
  std::string violated = common_conditions(c, s);
  if (violated.empty() && s.n > s.k) {
    const std::int64_t actual = simulate(with_strategy(c, Strategy::worker)).makespan_ns;
    if (actual != value) {
      violated = s.more_tasks_than_workers() + ", and the list schedule of t + c takes " + duration_text(actual) + ", not " +
                 duration_text(value);
    }
  }
  return claim("longest + c", value, std::move(violated));
}

ClosedForm tutorial_process_different(const Case& c) {
  check(c);
  const Shape s(c);
  std::string violated = common_conditions(c, s);
  if (violated.empty()) {
    std::vector<std::int64_t> r = finish_times(with_strategy(c, Strategy::main));
    std::sort(r.begin(), r.end());
    if (r.back() != s.longest) {
      violated = s.more_tasks_than_workers() + ": the last task ends at " + duration_text(r.back()) +
                 ", later than max t = " + duration_text(s.longest);
    }
    std::int64_t worst = 0;  // the largest excess names the condition that binds
    for (std::int64_t j = 1; violated.empty() && j <= s.n; ++j) {
      worst = std::max(worst, (s.n - j) * s.c - (r.back() - r[static_cast<std::size_t>(j - 1)]));
    }
    for (std::int64_t j = 1; violated.empty() && worst > 0 && j <= s.n; ++j) {
      const std::int64_t rj = r[static_cast<std::size_t>(j - 1)];
      if ((s.n - j) * s.c - (r.back() - rj) != worst) continue;
      violated = "j = " + std::to_string(j) + ": (n-j)c = " + duration_text((s.n - j) * s.c) +
                 " > r_(n) - r_(j) = " + duration_text(r.back() - rj);
    }
  }
  return claim("longest + c", saturated(Wide{s.longest} + s.c), std::move(violated));
}

ClosedForm tutorial_process_equal(const Case& c) {
  check(c);
  const Shape s(c);
  std::string violated = common_conditions(c, s);
  if (violated.empty() && !s.equal_tasks) violated = "durations differ: " + s.range_of(s.t);
  if (violated.empty() && s.n > s.k && static_cast<Wide>(s.k) * s.c < s.longest) {
    violated = s.more_tasks_than_workers() + " and kc = " + duration_text(s.k * s.c) + " < t = " + duration_text(s.longest);
  }
  return claim("longest + n*c", saturated(s.longest + Wide{s.n} * s.c), std::move(violated));
}

ClosedForm tutorial_remedy(const Case& c) {
  check(c);
  const Shape s(c);
  const std::int64_t serial = simulate(with_strategy(c, Strategy::main)).makespan_ns;
  const std::int64_t rounds = (s.n + c.parsers - 1) / c.parsers;
  const std::int64_t value = saturated(serial - Wide{s.n - rounds} * s.c);
  std::string violated = common_conditions(c, s);
  if (violated.empty()) {
    const std::int64_t actual = simulate(with_strategy(c, Strategy::extra)).makespan_ns;
    if (actual != value) {
      std::vector<std::int64_t> r = finish_times(with_strategy(c, Strategy::main));
      std::sort(r.begin(), r.end());
      std::int64_t gap = r.size() > 1 ? r[1] - r[0] : 0;
      for (std::size_t j = 1; j < r.size(); ++j) gap = std::min(gap, r[j] - r[j - 1]);
      violated = (gap >= s.c && s.n > 1
                      ? "completions are " + duration_text(gap) + " apart or more, not less than c = " + duration_text(s.c)
                  : s.n > s.k ? s.more_tasks_than_workers()
                              : "durations differ: " + s.range_of(s.t)) +
                 "; parsers save " + duration_text(serial - actual);
    }
  }
  return claim("main - (n - ceil(n/m))c", value, std::move(violated));
}

std::int64_t callbacks_as_jobs(const Case& c) {
  check(c);
  const Shape s(c);
  // Jobs in the order in which they are enqueued: all tasks, then callbacks as their tasks end. A callback enters the
  // queue no earlier than it can be taken, so the queue is FIFO by (time, enqueued).
  using Entry = std::pair<std::int64_t, std::size_t>;  // (task's end, task)
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ended;
  Servers threads(c.workers, 2 * s.t.size());
  std::int64_t makespan = 0;
  for (std::size_t i = 0; i < s.t.size(); ++i) {
    const std::int64_t end = threads.take(0, s.t[i]).start_ns + s.t[i];
    ended.emplace(end, i);
    makespan = std::max(makespan, end);
  }
  for (; !ended.empty(); ended.pop()) {
    const auto [end, task] = ended.top();
    makespan = std::max(makespan, threads.take(end, s.callbacks[task]).start_ns + s.callbacks[task]);
  }
  return makespan;
}

}  // namespace harness::model
