#include "harness/engine/drivers/conformance.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "harness/core/evidence.h"
#include "harness/engine/drivers/protocol.h"
#include "harness/engine/loopback_servers.h"
#include "harness/engine/repetition.h"
#include "harness/engine/session.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/engine/who_ran.h"
#include "os/descriptor.h"

namespace harness::drivers {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kForEver = 3'600'000'000'000;
constexpr std::int64_t kMoment = 2'000'000;
constexpr int kManyTasks = 10'000;                   // their trace is larger than what a pipe or a socket takes
constexpr std::chrono::milliseconds kUnderWay{300};  // a driver that has been asked for a cell runs it by then, or is about to

std::set<pid_t> own_children() {
  std::set<pid_t> children;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(thread.path() / "children");
    for (pid_t child = 0; file >> child;) children.insert(child);
  }
  return children;
}

bool ends_by(pid_t pid, Clock::time_point deadline) {
  const os::Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return true;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd death{.fd = process.get(), .events = POLLIN, .revents = 0};
  return ::poll(&death, 1, static_cast<int>(std::max<std::int64_t>(0, left.count()))) > 0;
}

// What a driver leaves becomes this process's: whatever it did not have before.
class Strays {
 public:
  Strays() : before_(own_children()) {}
  ~Strays() {
    // Who removes what a killed driver has left needs a moment.
    living(-1, Clock::now() + std::chrono::milliseconds(500));
    for (std::set<pid_t> left = others(-1); !left.empty(); left = others(-1)) {
      for (const pid_t pid : left) {
        ::kill(pid, SIGKILL);
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
      }
    }
  }
  Strays(const Strays&) = delete;
  Strays& operator=(const Strays&) = delete;

  // Those but `driver` that still live at the deadline.
  std::size_t living(pid_t driver, Clock::time_point deadline) const {
    const std::set<pid_t> left = others(driver);
    return static_cast<std::size_t>(std::ranges::count_if(left, [&](pid_t pid) { return !ends_by(pid, deadline); }));
  }

 private:
  std::set<pid_t> others(pid_t driver) const {
    std::set<pid_t> others = own_children();
    std::erase_if(others, [&](pid_t pid) { return pid == driver || before_.contains(pid); });
    return others;
  }

  std::set<pid_t> before_;
};

class Examination {
 public:
  Examination(const Command& command, std::chrono::milliseconds within, const std::function<void(const Check&)>& seen)
      : command_(command), within_(within), seen_(seen) {}

  std::vector<Check> take() {
    check("says who it is", [this] {
      driver_ = describe(command_, within_);
      return std::string();
    });
    if (checks_.back().result != Check::Result::pass) return std::move(checks_);
    servers_.require(
        {.echo_server = has_workload("tcp_echo")});  // before the first check, which takes whatever comes for the driver's
    for (const std::string_view workload : protocol_workloads()) check_workload(workload);
    for (const StrategyInfo& strategy : strategies()) check_strategy(strategy.name);
    check_sizes();
    check_arrivals();
    check_refusals();
    check_ends();
    return std::move(checks_);
  }

 private:
  // `examine` gives why the driver does not keep the promise, or nothing.
  template <class Examine>
  void check(std::string promise, Examine examine) {
    Check done{.promise = std::move(promise), .result = Check::Result::pass, .why = {}};
    const Strays strays;
    try {
      done.why = examine();
    } catch (const NoDriverError&) {
      throw;
    } catch (const std::exception& error) {
      done.why = error.what();
    }
    std::ranges::replace_if(
        done.why, [](char c) { return c == '\n' || c == '\r'; }, ' ');
    if (!done.why.empty()) done.result = Check::Result::fail;
    add(std::move(done));
  }
  void skip(std::string promise, std::string why) {
    add({.promise = std::move(promise), .result = Check::Result::skip, .why = std::move(why)});
  }
  void add(Check done) {
    checks_.push_back(std::move(done));
    seen_(checks_.back());
  }

  bool has_workload(std::string_view name) const { return std::ranges::find(driver_.workloads, name) != driver_.workloads.end(); }
  bool has_strategy(std::string_view name) const {
    return std::ranges::find(driver_.strategies, name) != driver_.strategies.end();
  }
  // What to run where it does not matter.
  std::string_view some_workload() const { return has_workload("sleep") ? "sleep" : std::string_view(driver_.workloads.front()); }
  std::string_view some_strategy() const { return has_strategy("none") ? "none" : std::string_view(driver_.strategies.front()); }

  // Works are of few steps, and none waits; seeds have all of their 64 bits.
  PreparedCell prepared(std::string_view workload, std::string_view strategy, int tasks, int workers) {
    Cell cell;
    cell.backend = command_text(command_);
    cell.workload = workload;
    cell.strategy = strategy;
    cell.workers = driver_.workers > 0 ? driver_.workers : workers;
    cell.parsers = has_parsers(strategy) ? 2 : 0;
    cell.chunksize = has_chunks(strategy) ? 2 : 1;
    cell.tasks = tasks;
    cell.task_durations_ns.assign(static_cast<std::size_t>(tasks), 0);
    cell.callback_durations_ns = cell.task_durations_ns;
    PreparedCell made = prepare(cell, {});
    for (auto* works : {&made.tasks, &made.callbacks}) {
      for (std::uint64_t index = 0; workloads::Work & work : *works) {
        work.seed = ~std::uint64_t{0} - index * 0x123456789abcdefULL;
        if (workloads::catalogue()[work.kind]->needs().echo_server) {
          work.bytes = 1000 + static_cast<std::int64_t>(index);
        } else if (computes(work)) {
          work.compute_units = 100 + static_cast<std::int64_t>(index);
        }
        ++index;
      }
    }
    made.context.ports = servers_.require(needs_of(made));
    return made;
  }
  static std::string_view name_of(const workloads::Work& work) { return workloads::catalogue()[work.kind]->name(); }
  static bool computes(const workloads::Work& work) { return name_of(work).ends_with("spin") || name_of(work) == "mixed"; }
  static void make_wait(PreparedCell& cell, std::int64_t wait_ns) {
    for (workloads::Work& work : cell.tasks) work.wait_ns = name_of(work).ends_with("spin") ? 0 : wait_ns;
  }

  Trace run(const PreparedCell& cell) { return run_once(command_, cell, within_); }

  // Why the trace is none of this cell.
  std::string fault_of(const Trace& trace, const PreparedCell& cell) const {
    if (std::string defect = defect_of(trace, cell.cell); !defect.empty()) return defect;
    for (std::size_t i = 0; i < trace.tasks.size(); ++i) {
      const auto differs = [&](const workloads::Work& work, std::uint64_t digest, const char* what) -> std::string {
        const std::uint64_t right = workloads::execute(workloads::without_wait(work), cell.context).digest;
        if (digest == right) return {};
        return fmt::format("the {} {} of seed {} has digest {}, not {}", name_of(work), what, work.seed, digest, right);
      };
      std::string difference = differs(cell.tasks[i], trace.tasks[i].digest, "task");
      if (difference.empty() && !cell.callbacks.empty()) {
        difference = differs(cell.callbacks[i], trace.tasks[i].callback_digest, "callback");
      }
      if (!difference.empty()) return difference;
      const std::int64_t took = trace.tasks[i].finished_ns - trace.tasks[i].started_ns;
      if (took < cell.tasks[i].wait_ns) return fmt::format("task {} waited {} ns, not {}", i, took, cell.tasks[i].wait_ns);
      const bool in_main = trace.tasks[i].pid == trace.main_pid;
      if (in_main != (driver_.start_method == "none")) {
        return fmt::format("task {} ran in {} process, and the start_method is '{}'", i, in_main ? "the main" : "another",
                           driver_.start_method);
      }
    }
    if (std::string elsewhere =
            misplaced_callback(trace, cell.cell, {.attaches_late = driver_.attaches_late, .any_worker = driver_.event_loop});
        !elsewhere.empty()) {
      return elsewhere;
    }
    const Evidence evidence = evidence_of(trace);
    if (evidence.workers > cell.cell.workers) {
      return fmt::format("{} threads or processes ran tasks, of {} workers", evidence.workers, cell.cell.workers);
    }
    if (!driver_.event_loop && evidence.tasks_at_once > cell.cell.workers) {
      return fmt::format("{} tasks ran at once, on {} workers", evidence.tasks_at_once, cell.cell.workers);
    }
    return {};
  }

  void check_workload(std::string_view workload) {
    const std::string promise = fmt::format("does the work of {}", workload);
    if (!has_workload(workload)) return skip(promise, "not claimed");
    check(promise, [&] {
      const PreparedCell cell = prepared(workload, some_strategy(), 5, 2);
      return fault_of(run(cell), cell);
    });
  }

  void check_strategy(std::string_view strategy) {
    const std::string promise = fmt::format("carries out {}", strategy);
    if (!has_strategy(strategy)) {
      const auto reason = driver_.skips.find(strategy);
      return skip(promise, reason == driver_.skips.end() ? "not claimed" : "not claimed: " + reason->second);
    }
    check(promise, [&] {
      PreparedCell cell = prepared(some_workload(), strategy, 6, 2);
      make_wait(cell, kMoment);
      return fault_of(run(cell), cell);
    });
  }

  void check_sizes() {
    const auto of_size = [this](const char* promise, int tasks, int workers, std::int64_t wait_ns) {
      check(promise, [&] {
        PreparedCell cell = prepared(some_workload(), some_strategy(), tasks, workers);
        make_wait(cell, wait_ns);
        return fault_of(run(cell), cell);
      });
    };
    of_size("runs one task on one worker", 1, 1, 0);
    of_size("runs one task on four workers", 1, 4, 0);
    of_size("runs twenty tasks on three workers", 20, 3, kMoment);
    of_size("leaves a trace of 10000 tasks", kManyTasks, 2, 0);
    const std::string promise = "says how fast it computes";
    if (!has_workload("spin") && !has_workload("gil_spin") && !has_workload("mixed")) return skip(promise, "it computes nothing");
    check(promise, [&] {
      spin_rate(command_, within_);
      return std::string();
    });
  }

  void check_arrivals() {
    const std::string promise = "submits tasks when they arrive";
    const auto fits = std::ranges::find_if(driver_.strategies, [](const std::string& name) { return no_arrivals(name).empty(); });
    if (!driver_.arrivals || fits == driver_.strategies.end()) return skip(promise, "not claimed");
    check(promise, [&] {
      PreparedCell cell = prepared(some_workload(), *fits, 5, 2);
      cell.cell.arrivals = "explicit";
      for (std::int64_t i = 0; i < 5; ++i) cell.cell.arrivals_ns.push_back(i / 2 * kMoment);
      return fault_of(run(cell), cell);
    });
  }

  void check_refusals() {
    const auto refuses = [this](const char* promise, const std::string& line) {
      check(promise, [&]() -> std::string {
        const std::string answer = ask(command_, line, kMostBytesOfWords, within_);
        const auto object = nlohmann::json::parse(answer, nullptr, false);
        const std::string shown = shortened(answer);
        if (!object.is_object() || !object.contains("error")) return "it answers " + shown;
        if (!object["error"].is_string() || object["error"].get<std::string>().empty()) return "its error is no text: " + shown;
        if (object["error"].get<std::string>().find_first_of("\r\n") != std::string::npos) return "its error has several lines";
        return {};
      });
    };
    refuses("refuses a line that is no JSON", "]{ garbage \x01\xff");
    refuses("refuses a question that is no object", "[1]");
    refuses("refuses a question without a command", "{}");
    refuses("refuses a command that there is not", R"({"command": "dance"})");
    PreparedCell cell = prepared(some_workload(), some_strategy(), 1, 1);
    auto question = nlohmann::json::parse(run_question(cell));
    question["strategy"] = "later";
    refuses("refuses a strategy that there is not", question.dump());
    question["strategy"] = cell.cell.strategy;
    question["tasks"][0][0] = "dance";
    refuses("refuses a workload that there is not", question.dump());
  }

  void check_ends() {
    const auto ends = [this](const char* promise, const std::string& question) {
      check(promise, [&]() -> std::string {
        const Strays strays;
        DriverProcess driver(command_);
        if (!question.empty()) {
          driver.tell(question);
          try {
            driver.answer(kMostBytesOfWords, kUnderWay);
            return "it has answered before its tasks can have ended";
          } catch (const LateError&) {
          }
        }
        if (!driver.leave(within_)) return fmt::format("it runs on {} ms after the end of its input", within_.count());
        const std::size_t left = strays.living(driver.pid(), Clock::now() + within_);
        return left == 0 ? std::string() : fmt::format("{} of its processes run on", left);
      });
    };
    ends("ends with its input, unasked", "");
    const std::string promise = "ends with its input in the middle of a cell, with all of its processes";
    const bool waits = has_workload("sleep") || has_workload("blocking_sleep") || has_workload("mixed");
    if (!waits) return skip(promise, "none of its works waits");
    const std::string_view workload = has_workload("sleep") ? "sleep" : has_workload("mixed") ? "mixed" : "blocking_sleep";
    PreparedCell cell = prepared(workload, has_strategy("extra") ? "extra" : some_strategy(), 4, 2);
    make_wait(cell, kForEver);
    ends(promise.c_str(), run_question(cell));
  }

  const Command& command_;
  const std::chrono::milliseconds within_;
  const std::function<void(const Check&)>& seen_;
  Description driver_;
  LoopbackServers servers_;
  std::vector<Check> checks_;
};

}  // namespace

std::string_view to_string(Check::Result result) {
  return result == Check::Result::pass ? "pass" : result == Check::Result::fail ? "fail" : "skip";
}

std::vector<Check> check_conformance(const Command& command, std::chrono::milliseconds within,
                                     const std::function<void(const Check&)>& seen) {
  adopt_orphans();
  return Examination(command, within, seen).take();
}

}  // namespace harness::drivers
