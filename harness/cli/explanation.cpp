#include "harness/cli/explanation.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/base/text_table.h"
#include "harness/cli/gantt.h"
#include "harness/model/bounds.h"
#include "harness/model/closed_forms.h"
#include "harness/model/critical_path.h"

namespace harness {
namespace {

using model::Activity;
using model::Link;
using model::Released;

constexpr std::size_t kShownAtEachEnd = 12;  // links of a long path

std::string exact(std::int64_t ns) { return format_duration(std::chrono::nanoseconds(ns)); }

std::string what(const model::Case& c, const Link& link) {
  const std::size_t task = link.task + 1;
  switch (link.activity) {
    case Activity::submit:
      return link.task == 0 || c.serial || c.strategy == model::Strategy::sync ? fmt::format("submit of task {}", task)
                                                                               : fmt::format("submits of tasks 1 to {}", task);
    case Activity::wait:
      return fmt::format("wait of task {}", task);
    case Activity::dispatch:
      return fmt::format("{} of task {}", c.executor == model::Executor::loop ? "taking up" : "dispatch", task);
    case Activity::task:
      return fmt::format("{} {}", c.executor == model::Executor::loop ? "computing of task" : "task", task);
    case Activity::routing:
      return fmt::format("hand-over of result {}", task);
    case Activity::callback_wait:
      return fmt::format("wait of callback {}", task);
    case Activity::callback:
      break;
  }
  return fmt::format("callback of task {}", task);
}

std::string where(const model::Case& c, const Link& link) {
  switch (link.activity) {
    case Activity::submit:
      return "caller";
    case Activity::dispatch:
    case Activity::task:
      return worker_name(c, link.server);
    case Activity::routing:
      return "main process";
    case Activity::wait:
    case Activity::callback_wait:
      return "nobody";
    case Activity::callback:
      break;
  }
  return callback_server_name(c, link.server);
}

std::string because(const Link& link) {
  const std::size_t after = link.after + 1;
  switch (link.released) {
    case Released::at_once:
      return "at once";
    case Released::by_submission:
      return "submitted then";
    case Released::by_worker:
      return fmt::format("was busy with task {}", after);
    case Released::by_dispatch:
      return "dispatched then";
    case Released::by_task:
      return "its task had just ended";
    case Released::by_chunk:
      return fmt::format("its chunk had ended, with task {}", after);
    case Released::by_server:
      return fmt::format("was busy with callback {}", after);
    case Released::by_router:
      return fmt::format("result {} was handed over first", after);
    case Released::by_last_submit:
      return "all had been submitted";
    case Released::by_wait:
      return "was ready then";
    case Released::by_room:
      return fmt::format("task {} made room then", after);
    case Released::by_refill:
      break;
  }
  return fmt::format("queue not refilled before callback {}", after);
}

std::vector<std::string> cells_of(const model::Case& c, const Link& link) {
  std::string why = because(link);
  if (link.finish_ns - link.start_ns > link.alone_ns + 1) {
    why += fmt::format("; alone {}, the rest waits for a core or the lock", human_ns(link.alone_ns));
  }
  return {human_ns(link.start_ns), human_ns(link.finish_ns), what(c, link), where(c, link), std::move(why)};
}

// "3 tasks 900 ms, 2 callbacks 120 ms": what the path consists of.
std::string composition(const std::vector<Link>& path) {
  struct Part {
    std::size_t count = 0;
    std::int64_t ns = 0;
  };
  std::array<Part, 7> parts;
  std::int64_t stretched = 0;
  for (const Link& link : path) {
    Part& part = parts[static_cast<std::size_t>(link.activity)];
    ++part.count;
    part.ns += link.finish_ns - link.start_ns;
    stretched += std::max<std::int64_t>(0, link.finish_ns - link.start_ns - link.alone_ns);
  }
  constexpr std::array kSingular = {"submitting", "wait", "dispatch", "task", "hand-over", "callback's wait", "callback"};
  constexpr std::array kPlural = {"submitting", "waits", "dispatches", "tasks", "hand-overs", "callbacks' waits", "callbacks"};
  std::string text;
  for (std::size_t a = 0; a < parts.size(); ++a) {
    if (parts[a].count == 0) continue;
    const auto activity = static_cast<Activity>(a);
    if (!text.empty()) text += ", ";
    text += activity == Activity::submit
                ? fmt::format("submitting {}", human_ns(parts[a].ns))
                : fmt::format("{} {} {}", parts[a].count, parts[a].count == 1 ? kSingular[a] : kPlural[a], human_ns(parts[a].ns));
  }
  if (stretched > static_cast<std::int64_t>(path.size())) {
    text += fmt::format("; {} of it waiting for a core or the lock", human_ns(stretched));
  }
  return text;
}

}  // namespace

std::string explanation_text(const model::Case& c, const model::Prediction& prediction, std::size_t page) {
  const model::ClosedForm form = model::closed_form(c);
  const model::Bounds bounds = model::makespan_bounds(c);
  const std::vector<Link> path = model::critical_path(c, prediction);
  std::string out;
  if (form.in_domain) {
    out += hang(fmt::format("formula   {} = {}; the term that binds: {}", form.formula, exact(form.value_ns), form.binding_term),
                10, page);
  } else {
    out += hang(fmt::format("formula   none holds here ({}): simulated", form.violated), 10, page);
  }
  out += hang(fmt::format("bounds    {} to {}, of any case with these sums and extremes", exact(bounds.lower_ns),
                          exact(bounds.upper_ns)),
              10, page);
  out += hang(fmt::format("path      {}", composition(path)), 10, page);
  TextTable links({{"from"},
                   {"to"},
                   {"critical path", TextTable::Column::left},
                   {"where", TextTable::Column::left},
                   {"began because", TextTable::Column::words}});
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path.size() > 2 * kShownAtEachEnd + 1 && i == kShownAtEachEnd) {
      links.line(fmt::format("... {} more links", path.size() - 2 * kShownAtEachEnd));
      i = path.size() - kShownAtEachEnd;
    }
    links.row(cells_of(c, path[i]));
  }
  out += '\n' + links.text(page) + '\n';
  out += gantt(c, prediction, page);
  return out;
}

void append_explanation_json(const model::Case& c, const model::Prediction& prediction, std::string& out) {
  const auto quoted = [](const std::string& text) { return nlohmann::json(text).dump(); };
  const model::ClosedForm form = model::closed_form(c);
  const model::Bounds bounds = model::makespan_bounds(c);
  auto to = std::back_inserter(out);
  fmt::format_to(to,
                 R"({{"formula": {}, "in_domain": {}, "binding": {}, "violated": {}, "lower_bound_ns": {}, )"
                 R"("upper_bound_ns": {}, "critical_path": [)",
                 quoted(form.formula), form.in_domain, quoted(form.binding_term), quoted(form.violated), bounds.lower_ns,
                 bounds.upper_ns);
  bool first = true;
  for (const Link& link : model::critical_path(c, prediction)) {
    const bool nobodys = link.activity == Activity::submit || link.activity == Activity::routing ||
                         link.activity == Activity::wait || link.activity == Activity::callback_wait;
    fmt::format_to(to,
                   R"({}{{"activity": "{}", "task": {}, "server": {}, "start_ns": {}, "finish_ns": {}, )"
                   R"("alone_ns": {}, "because": {}}})",
                   first ? "" : ", ", name(link.activity), link.task + 1, nobodys ? "null" : std::to_string(link.server + 1),
                   link.start_ns, link.finish_ns, link.alone_ns, quoted(because(link)));
    first = false;
  }
  out += "]}";
}

}  // namespace harness
