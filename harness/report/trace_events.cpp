#include "harness/report/trace_events.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

namespace harness {
namespace {

using TraceJson = nlohmann::ordered_json;
using ThreadId = std::pair<std::int32_t, std::int32_t>;  // pid, tid
using Spans = std::vector<std::pair<std::int64_t, std::int64_t>>;

constexpr std::int64_t kLongestSubmitNs = 1000;  // how long a submit took is not in the rows: a mark to begin the arrow at

double microseconds(std::int64_t ns) { return static_cast<double>(ns) / 1000; }

// A reader adds ts and dur as they stand, in doubles: his sum is the end or the number below it, never beyond it, so that what touches does not
// overlap for him. Of what lies within another, and may end with it, one number less.
double duration_between(std::int64_t from_ns, std::int64_t to_ns, bool enclosed) {
  const double from = microseconds(from_ns);
  const double to = enclosed && to_ns > from_ns ? std::nextafter(microseconds(to_ns), from) : microseconds(to_ns);
  double duration = to - from;
  while (from + duration < to && from + std::nextafter(duration, to + 1) <= to) duration = std::nextafter(duration, to + 1);
  while (from + duration > to) duration = std::nextafter(duration, 0);
  return duration;
}

// An event with what orders it: by time, then what encloses before what is enclosed, then as it was added.
struct TimedEvent {
  std::int64_t at_ns = 0;
  std::int64_t length_ns = 0;
  TraceJson event;
};

bool before(const TimedEvent& a, const TimedEvent& b) {
  return a.at_ns != b.at_ns ? a.at_ns < b.at_ns : a.length_ns > b.length_ns;
}

class RepetitionEvents {
 public:
  // `next_id` numbers processes, threads, waits and arrows of the whole file.
  RepetitionEvents(const TracedRepetition& repetition, int& next_id) : repetition_(repetition), next_id_(next_id) {
    scheduling_ = next_id_++;
    submitter_ = next_id_++;
  }

  void append_to(TraceJson& events) {
    name_tracks(events);
    for (const TaskRow& row : repetition_.tasks) add_task(row);
    add_submits();
    add_counters();
    std::stable_sort(timed_.begin(), timed_.end(), before);
    for (TimedEvent& timed : timed_) events.push_back(std::move(timed.event));
  }

 private:
  struct Track {
    int pid = 0;
    int tid = 0;
    bool tasks_overlap = false;
    bool callbacks_overlap = false;  // each other, or tasks that are slices
  };

  static TraceJson metadata(std::string_view what, int pid, int tid, TraceJson args) {
    return {{"ph", "M"}, {"name", what}, {"pid", pid}, {"tid", tid}, {"args", std::move(args)}};
  }

  void name_process(TraceJson& events, int pid, const std::string& name) {
    events.push_back(metadata("process_name", pid, 0, {{"name", name}}));
    events.push_back(metadata("process_labels", pid, 0, {{"labels", repetition_.name}}));
    events.push_back(metadata("process_sort_index", pid, 0, {{"sort_index", pid}}));
  }
  static void name_thread(TraceJson& events, int pid, int tid, const std::string& name) {
    events.push_back(metadata("thread_name", pid, tid, {{"name", name}}));
    events.push_back(metadata("thread_sort_index", pid, tid, {{"sort_index", tid}}));
  }

  // Every process and thread that ran something, by the threads' numbers.
  void name_tracks(TraceJson& events) {
    std::map<std::int64_t, ThreadId> threads;
    std::map<ThreadId, Spans> tasks_of;
    std::map<ThreadId, Spans> callbacks_of;
    for (const TaskRow& row : repetition_.tasks) {
      const ThreadId thread(row.trace.pid, row.trace.tid);
      threads[row.worker] = thread;
      tasks_of[thread].emplace_back(row.trace.started_ns, row.trace.finished_ns);
    }
    for (const TaskRow& row : repetition_.tasks) {
      if (row.trace.callback_started_ns == kNoStamp) continue;
      const ThreadId caller(row.trace.callback_pid, row.trace.callback_tid);
      threads.try_emplace(row.callback_worker, caller);
      callbacks_of[caller].emplace_back(row.trace.callback_started_ns, row.trace.callback_finished_ns);
    }
    name_process(events, scheduling_, "scheduling");
    name_thread(events, scheduling_, submitter_, "submitter");
    std::map<std::int32_t, int> processes;
    for (const auto& [number, thread] : threads) {
      const Spans& tasks = tasks_of[thread];
      Spans& callbacks = callbacks_of[thread];
      const bool runs_tasks = !tasks.empty();
      const auto [process, is_new] = processes.try_emplace(thread.first, next_id_);
      if (is_new) {
        ++next_id_;
        name_process(events, process->second, fmt::format("process {}", thread.first));
      }
      const int tid = next_id_++;
      name_thread(events, process->second, tid,
                  fmt::format("{} {} (thread {})", runs_tasks ? "worker" : "callbacks", number, thread.second));
      const bool tasks_overlap = overlap(tasks);
      if (!tasks_overlap) callbacks.insert(callbacks.end(), tasks.begin(), tasks.end());
      tracks_[thread] = {process->second, tid, tasks_overlap, overlap(callbacks)};
      if (runs_tasks) workers_.insert(thread);
    }
  }

  static bool overlap(Spans spans) {
    std::sort(spans.begin(), spans.end());
    for (std::size_t i = 1; i < spans.size(); ++i) {
      if (spans[i].first < spans[i - 1].second) return true;
    }
    return false;
  }

  void add(std::int64_t at_ns, std::int64_t length_ns, TraceJson event) {
    timed_.push_back({at_ns, length_ns, std::move(event)});
  }

  void slice(const Track& track, std::string_view category, const std::string& name, std::int64_t from_ns, std::int64_t to_ns,
             TraceJson args, bool enclosed = false) {
    add(from_ns, to_ns - from_ns,
        {{"ph", "X"},
         {"cat", category},
         {"name", name},
         {"pid", track.pid},
         {"tid", track.tid},
         {"ts", microseconds(from_ns)},
         {"dur", duration_between(from_ns, to_ns, enclosed)},
         {"args", std::move(args)}});
  }

  void async(int pid, std::string_view category, const std::string& name, std::int64_t from_ns, std::int64_t to_ns,
             const TraceJson& args) {
    const std::string id = fmt::format("{}", next_id_++);
    for (const auto& [phase, at_ns] : {std::pair{"b", from_ns}, std::pair{"e", to_ns}}) {
      TraceJson event{{"ph", phase}, {"cat", category}, {"name", name}, {"id", id}, {"pid", pid}, {"ts", microseconds(at_ns)}};
      if (*phase == 'b') event["args"] = args;
      add(at_ns, 0, std::move(event));
    }
  }

  // `step`: s begins the arrow, t leads it on, f ends it; each is bound to the slice that encloses it.
  void arrow(std::string_view step, int id, const Track& track, std::int64_t at_ns) {
    TraceJson event{{"ph", step},       {"cat", "task"},    {"name", "submit to callback"}, {"id", id},
                    {"pid", track.pid}, {"tid", track.tid}, {"ts", microseconds(at_ns)}};
    if (step == "f") event["bp"] = "e";
    add(at_ns, -1, std::move(event));  // behind the slice that begins at the same time
  }

  void add_task(const TaskRow& row) {
    const TaskTrace& trace = row.trace;
    const bool called = trace.callback_started_ns != kNoStamp;
    const Track& track = tracks_.at({trace.pid, trace.tid});
    const std::string task = fmt::format("task {}", row.task);
    const TraceJson args{{"task", row.task}, {"cell_id", row.cell_id}, {"rep", row.rep}};
    async(scheduling_, "wait", "in the queue", trace.submitted_ns, trace.started_ns, args);

    std::vector<std::pair<const Track*, std::int64_t>> ends;  // where the arrow goes
    const bool nests = called && !track.tasks_overlap && repetition_.strategy == "fused";
    if (track.tasks_overlap) {
      async(track.pid, "task", task, trace.started_ns, trace.finished_ns, args);
    } else {
      slice(track, "task", task, trace.started_ns, nests ? trace.callback_finished_ns : trace.finished_ns, args);
      ends.emplace_back(&track, trace.started_ns);
    }
    if (called) {
      if (trace.callback_started_ns > trace.finished_ns) {
        async(scheduling_, "wait", "callback waits", trace.finished_ns, trace.callback_started_ns, args);
      }
      const Track& caller = tracks_.at({trace.callback_pid, trace.callback_tid});
      const std::string callback = fmt::format("callback {}", row.task);
      if (caller.callbacks_overlap) {
        async(caller.pid, "callback", callback, trace.callback_started_ns, trace.callback_finished_ns, args);
      } else {
        slice(caller, "callback", callback, trace.callback_started_ns, trace.callback_finished_ns, args, nests);
        ends.emplace_back(&caller, trace.callback_started_ns);
      }
    }
    if (ends.empty()) return;
    const int id = next_id_++;
    arrow("s", id, {scheduling_, submitter_}, trace.submitted_ns);
    for (std::size_t i = 0; i < ends.size(); ++i) arrow(i + 1 < ends.size() ? "t" : "f", id, *ends[i].first, ends[i].second);
  }

  // A mark per instant of submission, up to the next one at the longest: submits of one thread do not overlap.
  void add_submits() {
    std::map<std::int64_t, std::vector<std::int64_t>> submits;
    for (const TaskRow& row : repetition_.tasks) submits[row.trace.submitted_ns].push_back(row.task);
    for (auto at = submits.begin(); at != submits.end(); ++at) {
      const auto next = std::next(at);
      const std::int64_t gap = next == submits.end() ? kLongestSubmitNs : next->first - at->first;
      std::string name = fmt::format("submit {}", at->second.front());
      if (at->second.size() > 1) name += fmt::format(" and {} more", at->second.size() - 1);
      slice({scheduling_, submitter_}, "submit", name, at->first, at->first + std::min(gap, kLongestSubmitNs),
            {{"tasks", at->second}});
    }
  }

  struct Change {
    int queued = 0;
    int waiting = 0;
    std::vector<std::pair<ThreadId, int>> busy;
  };

  // One value per instant at which something changed.
  void add_counters() {
    std::map<std::int64_t, Change> changes;
    const auto busy = [&](const ThreadId& thread, std::int64_t from_ns, std::int64_t to_ns) {
      if (!workers_.contains(thread)) return;
      changes[from_ns].busy.emplace_back(thread, 1);
      changes[to_ns].busy.emplace_back(thread, -1);
    };
    for (const TaskRow& row : repetition_.tasks) {
      const TaskTrace& trace = row.trace;
      ++changes[trace.submitted_ns].queued;
      --changes[trace.started_ns].queued;
      busy({trace.pid, trace.tid}, trace.started_ns, trace.finished_ns);
      if (trace.callback_started_ns == kNoStamp) continue;
      ++changes[trace.finished_ns].waiting;
      --changes[trace.callback_started_ns].waiting;
      busy({trace.callback_pid, trace.callback_tid}, trace.callback_started_ns, trace.callback_finished_ns);
    }
    int queued = 0;
    int waiting = 0;
    std::map<ThreadId, int> runs;
    std::int64_t busy_threads = 0;
    for (const auto& [at_ns, change] : changes) {
      queued += change.queued;
      waiting += change.waiting;
      for (const auto& [thread, by] : change.busy) {
        busy_threads -= runs[thread] > 0 ? 1 : 0;
        runs[thread] += by;
        busy_threads += runs[thread] > 0 ? 1 : 0;
      }
      counter("queue length", "tasks", queued, at_ns);
      counter("busy workers", "workers", busy_threads, at_ns);
      counter("callbacks waiting", "callbacks", waiting, at_ns);
    }
  }

  // Left out where it stays as it was.
  void counter(const std::string& name, const std::string& unit, std::int64_t value, std::int64_t at_ns) {
    const auto [last, is_new] = counters_.try_emplace(name, value);
    if (!is_new && last->second == value) return;
    last->second = value;
    add(at_ns, 0, {{"ph", "C"}, {"name", name}, {"pid", scheduling_}, {"ts", microseconds(at_ns)}, {"args", {{unit, value}}}});
  }

  const TracedRepetition& repetition_;
  int& next_id_;
  int scheduling_ = 0;
  int submitter_ = 0;
  std::map<ThreadId, Track> tracks_;
  std::set<ThreadId> workers_;
  std::map<std::string, std::int64_t> counters_;
  std::vector<TimedEvent> timed_;
};

}  // namespace

std::string trace_events(const std::vector<TracedRepetition>& repetitions) {
  TraceJson document{{"displayTimeUnit", "ns"}, {"otherData", TraceJson::object()}, {"traceEvents", TraceJson::array()}};
  int next_id = 1;  // 0 is the idle process to some readers
  for (const TracedRepetition& repetition : repetitions) {
    document["otherData"][fmt::format("process {}", next_id)] = repetition.name;
    RepetitionEvents(repetition, next_id).append_to(document["traceEvents"]);
  }
  return document.dump(-1, ' ', false, TraceJson::error_handler_t::replace) + '\n';
}

}  // namespace harness
