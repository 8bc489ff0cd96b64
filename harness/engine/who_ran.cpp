#include "harness/engine/who_ran.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "harness/engine/strategies/strategy.h"

namespace harness {
namespace {

std::string described(const Thread& thread) {
  return "thread " + std::to_string(thread.tid) + " of process " + std::to_string(thread.pid);
}

}  // namespace

std::string misplaced_callback(const Trace& trace, const Cell& cell, const MayRun& may) {
  const CallbackBy by = callback_by(cell.strategy);
  if (by == CallbackBy::nobody) return {};
  const Thread caller = trace.submitter();
  const auto in_main_process = [&](const Thread& thread) { return thread.host == 0 && thread.pid == trace.main_pid; };
  std::set<Thread> workers;
  std::set<std::pair<std::uint64_t, std::int32_t>> worker_processes;
  for (const TaskTrace& task : trace.tasks) {
    workers.insert(task.thread());
    worker_processes.emplace(task.host, task.pid);
  }
  std::optional<Thread> callback_thread;  // the first that it can have been
  std::set<std::int32_t> parsers;

  for (std::size_t index = 0; index < trace.tasks.size(); ++index) {
    const TaskTrace& task = trace.tasks[index];
    const Thread ran = task.callback_thread();
    if (may.attaches_late && ran == caller) continue;
    const auto elsewhere = [&](const std::string& expected) {
      return "the callback of task " + std::to_string(index) + " ran on " + described(ran) + ", which is not " + expected +
             ": it is no '" + cell.strategy + "'";
    };
    switch (by) {
      case CallbackBy::nobody:
        break;
      case CallbackBy::the_worker:
        if (may.any_worker) {
          // In JavaScript who submits is the loop's one thread.
          if (!in_main_process(ran) || (ran == caller && !workers.contains(caller)))
            return elsewhere("a thread of the main process that does not submit");
          break;
        }
        if (const Thread worker = task.thread(); ran != worker) return elsewhere("its task's, " + described(worker));
        break;
      case CallbackBy::callback_thread:
        if (!callback_thread) callback_thread = ran;
        if (ran != *callback_thread) return elsewhere("that of the others, " + described(*callback_thread));
        if (!in_main_process(ran)) return elsewhere("one of the main process");
        if (workers.contains(ran)) return elsewhere("a thread that runs callbacks only");
        break;
      case CallbackBy::parsers:
        parsers.insert(ran.pid);
        if (in_main_process(ran) || worker_processes.contains({ran.host, ran.pid})) return elsewhere("one of a parser process");
        if (parsers.size() > static_cast<std::size_t>(cell.parsers)) {
          return elsewhere("one of " + std::to_string(cell.parsers) + " parsers");
        }
        break;
      case CallbackBy::the_caller:
        if (ran != caller) return elsewhere("the one that submits, " + described(caller));
        break;
    }
  }
  return {};
}

}  // namespace harness
