#include "harness/recommend/python_report.h"

#include <fmt/core.h>

#include <algorithm>

#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/recommend/python_snippet.h"

namespace harness::recommend {
namespace {

std::string mebibytes(std::int64_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20)); }

std::string cost_of_a_process(const Question& question, const PoolProfile& process) {
  const Seen& seen = question.python->seen;
  std::string text =
      fmt::format("starts in {}, and {} more for each", human_ns(process.start_ns), human_ns(process.start_per_worker_ns));
  text += fmt::format("; has {} of its own, if it imports the module itself", mebibytes(seen.memory_bytes + seen.bare_bytes));
  text += fmt::format("; a result is {} bytes, pickled in {}", seen.result_bytes, human_ns(seen.pickle_ns));
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> python_facts(const Question& question, const Profile& profile,
                                                              std::string_view times) {
  const PythonQuestion& python = *question.python;
  const Seen& seen = python.seen;
  std::vector<std::pair<std::string, std::string>> facts;
  facts.emplace_back("python", fmt::format("{}{}; {}", python.interpreter, python.one_lock ? "" : ", without a GIL", times));
  if (seen.unpicklable.empty()) {
    facts.emplace_back("a process", cost_of_a_process(question, profile.process));
  } else {
    facts.emplace_back("processes", "fall out: " + seen.unpicklable);
  }
  if (constexpr std::int64_t kSlowImport = 100'000'000; seen.import_ns > kSlowImport) {
    facts.emplace_back("import",
                       fmt::format("takes {}, and is in no time here but of processes that are not forked: these import again",
                                   human_ns(seen.import_ns)));
  }
  if (seen.is_async) facts.emplace_back("async", "the function is asynchronous; in a pool each call has a loop of its own");
  for (const auto& [name, value] : python.work.environment) {
    facts.emplace_back(
        "set", fmt::format("{}={}: a library starts threads of its own inside a task, and would have them for each worker", name,
                           value));
  }
  if (const int threads = std::max(seen.threads, seen.threads_started); python.work.environment.empty() && threads > 0) {
    facts.emplace_back("but",
                       fmt::format("a task starts {} of its own, which no known variable bounds", counted(threads, "thread")));
  }
  if (seen.prints) facts.emplace_back("but", "it prints: lines of several workers mix; what it printed here is not shown");
  return facts;
}

std::string python_executor(const Choice& choice) {
  switch (choice.pool) {
    case Pool::loop:
      return fmt::format("asyncio, with an asyncio.Semaphore({}) around each call", choice.workers);
    case Pool::to_thread:
      return fmt::format("asyncio.to_thread, with ThreadPoolExecutor(max_workers={}) as the loop's executor", choice.workers);
    case Pool::thread:
      return fmt::format("ThreadPoolExecutor(max_workers={})", choice.workers);
    default:
      return fmt::format("ProcessPoolExecutor(max_workers={})", choice.workers);
  }
}

std::string program_text(const Question& question, const Recommendation& r) {
  if (r.program.main_ns.empty()) {
    const bool failed = !r.program.failure.empty();  // which is a note
    return question.python->run_program && !failed ? "nothing: the budget has no room for a run of the program below" : "";
  }
  if (r.program.main_ns.size() == 1) {
    return "the program below takes " + human_ns(r.program.main_ns.front()) + ", without Python's own start: one run of it";
  }
  const model::Interval interval = model::median_interval(r.program.main_ns);
  return fmt::format("the program below takes {} [{}, {}], without Python's own start: the median of {} runs of it",
                     human_ns(model::median(r.program.main_ns)), human_ns(interval.lower), human_ns(interval.upper),
                     r.program.main_ns.size());
}

std::string python_code(const Question& question, const Recommendation& r) {
  return python_snippet(question.python->work, question.python->seen, choice_of(r), question.tasks);
}

std::string python_backend(const Question& question, const Choice& choice) {
  return is_sequential(choice) ? "sequential" : backend_of(question, choice);
}

}  // namespace harness::recommend
