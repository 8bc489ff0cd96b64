#include "harness/cli/gantt.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/model/wide.h"

namespace harness {
namespace {

constexpr std::string_view kSymbols = "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::size_t kMostRows = 40;
constexpr int kLabel = 14;  // columns in front of the picture

using model::Wide;  // time x columns may not fit 64 bits

// Of the picture, on a page so wide.
int width_on(std::size_t page) { return static_cast<int>(page) - kLabel - 2; }

// Whether the callback follows its task where that ran: on a pool on the same worker, on an event loop on any of its threads.
bool on_worker(const model::Case& c) {
  if (c.strategy == model::Strategy::worker || c.strategy == model::Strategy::fused) return true;
  return c.executor == model::Executor::pool && (c.serial || c.strategy == model::Strategy::sync);
}

struct Bar {
  std::int64_t start_ns;
  std::int64_t finish_ns;
  std::size_t task;
  bool callback;
};

// The picture is `width` columns wide, each as long as makespan / width.
std::string row_of(const std::vector<Bar>& bars, std::int64_t makespan_ns, int width) {
  std::string row(static_cast<std::size_t>(width), '.');
  std::vector<Wide> most(static_cast<std::size_t>(width), 0);
  for (const Bar& bar : bars) {
    const Wide from = Wide{bar.start_ns} * width;
    const Wide to = Wide{bar.finish_ns} * width;
    const auto first = static_cast<int>(std::min<Wide>(from / makespan_ns, width - 1));
    bool labelled = false;
    for (int x = first; x < width && Wide{x} * makespan_ns < to; ++x) {
      const Wide overlap = std::min(to, Wide{x + 1} * makespan_ns) - std::max(from, Wide{x} * makespan_ns);
      auto& best = most[static_cast<std::size_t>(x)];
      if (overlap <= best) continue;
      best = overlap;
      row[static_cast<std::size_t>(x)] = bar.callback && labelled ? '-' : kSymbols[bar.task];
      labelled = true;
    }
  }
  return row;
}

// "0           150ms           300ms", under the picture.
std::string axis(std::int64_t makespan_ns, int width) {
  std::string line(static_cast<std::size_t>(width), ' ');
  const auto put = [&line, width](std::int64_t ns, int at, bool right) {
    const std::string text = human_duration(std::chrono::nanoseconds(ns));
    const auto size = static_cast<int>(text.size());
    const int from = std::clamp(right ? at - size : at, 0, width - size);
    line.replace(static_cast<std::size_t>(from), text.size(), text);
  };
  put(0, 0, false);
  put(makespan_ns / 2, width / 2, false);
  put(makespan_ns, width, true);
  return fmt::format("{:{}}|{}|\n", "", kLabel, line);
}

// On an event loop a task keeps a thread busy only from its resumption on.
std::int64_t busy_from(std::int64_t start_ns, std::int64_t resumed_ns) {
  return resumed_ns == model::kNever ? start_ns : resumed_ns;
}

// When a task is not in flight any more.
std::int64_t left_ns(const model::Case& c, const model::TaskTimes& times) {
  return on_worker(c) && times.callback_finish_ns != model::kNever ? times.callback_finish_ns : times.finish_ns;
}

// What a level of 0..1 looks like in one character: tenths, full is '#'.
char level(double share) {
  if (share >= 0.9999) return '#';
  if (share <= 0.0001) return '.';
  return static_cast<char>('0' + static_cast<int>(share * 10));
}

// Mean of a step function over each column, as a share of `capacity`: +1 at each start, -1 at each finish.
class Occupancy {
 public:
  Occupancy(std::int64_t makespan_ns, int width)
      : makespan_ns_(makespan_ns),
        width_(width),
        part_(static_cast<std::size_t>(width) + 1, 0),
        whole_(static_cast<std::size_t>(width) + 1, 0) {}

  void add(std::int64_t start_ns, std::int64_t finish_ns) {
    const double scale = static_cast<double>(width_) / static_cast<double>(makespan_ns_);
    const double from = static_cast<double>(start_ns) * scale;
    const double to = static_cast<double>(finish_ns) * scale;
    const int first = std::clamp(static_cast<int>(from), 0, width_ - 1);
    const int last = std::clamp(static_cast<int>(to), 0, width_ - 1);
    if (first == last) {
      part_[static_cast<std::size_t>(first)] += to - from;
      return;
    }
    part_[static_cast<std::size_t>(first)] += first + 1 - from;
    part_[static_cast<std::size_t>(last)] += to - last;
    whole_[static_cast<std::size_t>(first) + 1] += 1;  // the columns between the two
    whole_[static_cast<std::size_t>(last)] -= 1;
  }

  std::string row(double capacity) const {
    std::string row;
    double between = 0;
    for (std::size_t x = 0; x < static_cast<std::size_t>(width_); ++x) {
      between += whole_[x];
      row += level((part_[x] + between) / capacity);
    }
    return row;
  }
  double most() const {
    double most = 0;
    double between = 0;
    for (std::size_t x = 0; x < static_cast<std::size_t>(width_); ++x) {
      between += whole_[x];
      most = std::max(most, part_[x] + between);
    }
    return most;
  }

 private:
  std::int64_t makespan_ns_;
  int width_;
  std::vector<double> part_;   // of intervals that fill a column in part
  std::vector<double> whole_;  // differences of the number that fill it
};

std::string detailed(const model::Case& c, const model::Prediction& prediction,
                     const std::vector<std::pair<std::string, std::vector<Bar>>>& rows, std::size_t page) {
  const int width = width_on(page);
  std::string out;
  for (const auto& [label, bars] : rows) {
    out += fmt::format("{:<{}}|{}|\n", label, kLabel, row_of(bars, prediction.makespan_ns, width));
  }
  const bool loop = c.executor == model::Executor::loop;
  Occupancy flight(prediction.makespan_ns, width);
  for (const model::TaskTimes& times : prediction.tasks) flight.add(times.start_ns, left_ns(c, times));
  if (loop) out += fmt::format("{:<{}}|{}|\n", "in flight", kLabel, flight.row(std::max(1.0, flight.most())));
  out += axis(prediction.makespan_ns, width);
  out += hang(fmt::format("{:{}}{} = task{}; . = idle{}", "", kLabel, prediction.tasks.size() > 9 ? "1..9a..zA..Z" : "1..9",
                          model::has_callbacks(c.strategy) ? ", 1--- = its callback" : "",
                          loop ? fmt::format("; in flight: tenths of {:.0f}", flight.most()) : ""),
              kLabel, page);
  return out;
}

std::string summarised(const model::Case& c, const model::Prediction& prediction, std::size_t servers, std::size_t page) {
  const int width = width_on(page);
  const bool staged = model::has_callbacks(c.strategy) && !on_worker(c);
  Occupancy workers(prediction.makespan_ns, width);
  Occupancy callbacks(prediction.makespan_ns, width);
  Occupancy waiting(prediction.makespan_ns, width);
  Occupancy results(prediction.makespan_ns, width);
  Occupancy flight(prediction.makespan_ns, width);
  for (std::size_t i = 0; i < prediction.tasks.size(); ++i) {
    const model::TaskTimes& times = prediction.tasks[i];
    waiting.add(0, times.start_ns);
    workers.add(busy_from(times.start_ns, times.resumed_ns), times.finish_ns);
    flight.add(times.start_ns, left_ns(c, times));
    if (times.callback_start_ns == model::kNever) continue;
    (staged ? callbacks : workers).add(busy_from(times.callback_start_ns, times.callback_resumed_ns), times.callback_finish_ns);
    if (staged) results.add(times.finish_ns, times.callback_start_ns);
  }
  std::string out;
  const auto line = [&out](std::string_view label, const std::string& row) {
    out += fmt::format("{:<{}}|{}|\n", label, kLabel, row);
  };
  const auto backlog = [&](std::string_view label, const Occupancy& of) { line(label, of.row(std::max(1.0, of.most()))); };
  const auto workers_used = std::min<std::size_t>(static_cast<std::size_t>(c.workers), prediction.tasks.size());
  const bool loop = c.executor == model::Executor::loop;
  line(fmt::format("{} {}{}", workers_used, loop ? "loop" : "worker", workers_used == 1 ? "" : "s"),
       workers.row(static_cast<double>(workers_used)));
  if (loop) backlog("in flight", flight);
  backlog("tasks wait", waiting);
  if (staged) {
    line(c.strategy == model::Strategy::extra ? fmt::format("{} parser{}", servers, servers == 1 ? "" : "s")
                                              : callback_server_name(c, 0),
         callbacks.row(static_cast<double>(servers)));
    backlog("results wait", results);
  }
  out += axis(prediction.makespan_ns, width);
  out += hang(fmt::format("{:{}}# = all busy, 0 to 9 = tenths of that, . = idle; waiting: tenths of the most, {:.0f} tasks{}{}",
                          "", kLabel, waiting.most(), loop ? fmt::format(", {:.0f} in flight", flight.most()) : "",
                          staged ? fmt::format(" and {:.0f} results", results.most()) : ""),
              kLabel, page);
  return out;
}

}  // namespace

std::string worker_name(const model::Case& c, int worker) {
  if (c.executor == model::Executor::loop) return fmt::format("loop {}", worker + 1);
  return c.serial || c.strategy == model::Strategy::sync ? "caller" : fmt::format("worker {}", worker + 1);
}

std::string callback_server_name(const model::Case& c, int server) {
  if (c.serial) return "caller";
  switch (c.strategy) {
    case model::Strategy::worker:
    case model::Strategy::fused:
      return worker_name(c, server);
    case model::Strategy::main:
      return "main process";
    case model::Strategy::extra:
      return fmt::format("parser {}", server + 1);
    default:
      return "caller";
  }
}

std::string gantt(const model::Case& c, const model::Prediction& prediction, std::size_t page) {
  if (prediction.makespan_ns == 0) return "nothing takes any time\n";
  std::map<std::pair<int, int>, std::vector<Bar>> bars;  // (stage, server)
  std::size_t servers = 1;
  for (std::size_t i = 0; i < prediction.tasks.size(); ++i) {
    const model::TaskTimes& times = prediction.tasks[i];
    servers = std::max(servers, static_cast<std::size_t>(times.server) + 1);
    if (prediction.tasks.size() > kSymbols.size()) continue;
    bars[{1, times.worker}].push_back({busy_from(times.start_ns, times.resumed_ns), times.finish_ns, i, false});
    if (times.callback_start_ns == model::kNever) continue;
    bars[{on_worker(c) ? 1 : 2, times.server}].push_back(
        {busy_from(times.callback_start_ns, times.callback_resumed_ns), times.callback_finish_ns, i, true});
  }
  if (prediction.tasks.size() > kSymbols.size() || bars.size() > kMostRows) return summarised(c, prediction, servers, page);
  std::vector<std::pair<std::string, std::vector<Bar>>> rows;
  for (auto& [at, row] : bars) {
    const auto [stage, server] = at;
    rows.emplace_back(stage == 2 ? callback_server_name(c, server) : worker_name(c, server), std::move(row));
  }
  return detailed(c, prediction, rows, page);
}

}  // namespace harness
