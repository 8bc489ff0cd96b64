#pragma once

// What a task or a callback does, as data.
//
// A Work is small, trivially copyable and means the same in every process of a run: a thread, a worker process and a
// foreign driver that execute equal Works do equal work and report equal digests. Nothing here knows of pools.
//
// Thread safety: every Workload is stateless and immutable; all const members may be called from any thread.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace workloads {

template <class T>
class Async;      // async.h
class EventLoop;  // event_loop.h
class OnLoop;

// One task or callback. Filled by Workload::make, executed by execute().
struct Work {
  std::uint32_t kind = 0;          // index into catalogue()
  std::uint32_t resource = 0;      // which of what the RunContext holds: a port, or the input of a user's command
  std::int64_t wait_ns = 0;        // time to wait (sleep, server delay), ns; never negative
  std::int64_t compute_units = 0;  // amount of computation in the workload's own unit, see Calibration
  std::int64_t bytes = 0;          // payload, page or file size
  std::uint64_t seed = 0;          // everything random in the work comes from it
};
static_assert(std::is_trivially_copyable_v<Work>);

// How much computation one nanosecond of an otherwise idle core of this machine does, per kind of computation. One
// calibration per run: measured by calibrate(), kept in the context file, sent to nobody (a Work carries the resulting
// units), so that every process does the same work. And how late its clock wakes a sleeper, which no Work makes up for: only
// what the model expects of this machine depends on it.
struct Calibration {
  double spin_units_per_ns = 0;
  double sort_units_per_ns = 0;
  double hash_units_per_ns = 0;
  double json_units_per_ns = 0;        // bytes of JSON parsed
  double html_units_per_ns = 0;        // bytes of HTML scanned
  std::int64_t sleep_lateness_ns = 0;  // by which a sleep ends late, median, ns; 0: not measured
  // What computing costs in another language, by the backend that is written in it.
  struct Foreign {
    double spin_units_per_ns = 0;  // steps of spin there; 0: not measured
    bool one_lock = true;          // the threads of a process compute one at a time (a GIL)
    bool event_loop = false;       // a task that waits holds no thread
  };
  std::map<std::string, Foreign, std::less<>> foreign = {};
  // What an event loop costs, ns, by its backend and the number of its threads.
  struct Loop {
    std::int64_t wake_ns = 0;      // a thread that has found nothing to do, before what it then takes up
    std::int64_t dispatch_ns = 0;  // of whatever it takes up
  };
  std::map<std::pair<std::string, int>, Loop> loops = {};
  // What the way to workers on other hosts costs, by the backend.
  struct Hop {
    std::int64_t latency_ns = 0;  // one way, of a task on its own, with all that handles it
    std::int64_t task_ns = 0;     // each task of many
    double bytes_per_ns = 0;      // of results; 0: not measured
  };
  std::map<std::string, Hop, std::less<>> hops = {};
};

// Takes about `budget` of wall time on an otherwise idle core, a third of it for sleeps.
Calibration calibrate(std::chrono::nanoseconds budget = std::chrono::milliseconds(400));

// What a user wants to have measured: a command, a function or Python's, what it is to work on, and what is then done with what it
// gives. Serialisable by cereal.
struct Subject {
  std::vector<std::string> command = {};  // argv; "{}" in any argument stands for the input
  std::string library = {};               // path of the shared object that holds the function
  std::vector<std::string> inputs = {};   // one per task, from the first again when there are more tasks
  std::string python = {};  // `code` of the drivers' protocol, a JSON object that has its inputs itself; empty: no Python
  std::string entry = {};   // of the library; empty: poolbench_task
  std::vector<std::string> callback_command = {};  // argv likewise; its standard input is what the task has printed
  std::string callback_library = {};               // the shared object that holds the callback
  std::string callback_entry = {};                 // of that; empty: poolbench_callback
  // Fewer tasks than so many inputs are done on such as lie evenly among these; 0: on the first ones. Is not serialised: each task says
  // which input is its own.
  std::int64_t spread_over = 0;

  // Whether somebody is given what a task printed or put into its result.
  bool has_callback() const { return !callback_command.empty() || !callback_library.empty(); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(command, library, inputs, python, entry, callback_command, callback_library, callback_entry);
  }
};

// What the workers of a run share: sent to each of them once, at start. Serialisable by cereal.
struct RunContext {
  std::string scratch_directory = {};     // exists; empty if no workload of the run needs one
  std::vector<std::uint16_t> ports = {};  // loopback TCP ports: [kEchoPort], [kHttpPort]; 0 where no such server runs
  Subject subject = {};                   // of the user's own work; empty elsewhere

  template <class Archive>
  void serialize(Archive& archive) {
    archive(scratch_directory, ports, subject);
  }
};
inline constexpr std::uint32_t kEchoPort = 0;
inline constexpr std::uint32_t kHttpPort = 1;

// What one execution of a Work leaves. Serialisable by cereal. Times are CLOCK_MONOTONIC, ns, comparable between the
// processes of a machine.
struct Outcome {
  std::uint64_t digest = 0;  // proves the work was done; a function of Work and input only, never of time
  std::int64_t started_ns = 0;
  std::int64_t finished_ns = 0;
  std::int64_t cpu_ns = 0;  // CPU time of the executing thread, and of the child processes that it waited for
  std::int64_t delayed_ns =
      0;  // for which these children were ready to compute and had no CPU, as far as the kernel says; never more than that
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  std::uint64_t host = 0;  // which machine that was, where there are several: whoever called execute() fills it in
  std::string body;        // what a callback gets to parse: the page, the JSON text; else empty

  template <class Archive>
  void serialize(Archive& archive) {
    archive(digest, started_ns, finished_ns, cpu_ns, delayed_ns, pid, tid, host, body);
  }
};

// What a cell asks for when it makes a Work.
struct Request {
  std::chrono::nanoseconds duration{0};  // service time aimed at; split into wait and compute as the workload defines
  std::int64_t payload_bytes = 0;        // 0: the workload's own default
  std::uint64_t seed = 0;                // differs per task
  std::uint32_t index = 0;               // of the task among those of its cell
};

// What a Work demands of the machine, for the model: numbers only.
struct Demand {
  std::int64_t wait_ns = 0;
  std::int64_t compute_ns = 0;
  bool process_wide_lock = false;  // computes under one lock per process (a GIL)
  bool blocking = false;           // holds its thread while it waits, on an event loop, too
};

// What a workload needs before it can run; the harness provides it.
struct Needs {
  bool scratch_directory = false;
  bool echo_server = false;
  bool http_server = false;
  bool subject = false;  // RunContext::subject: a command or function that only the user can give
};

// One workload: one file, one line in catalogue.cpp.
class Workload {
 public:
  virtual ~Workload() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view summary() const = 0;  // one line, for `poolbench list workloads`
  virtual Needs needs() const { return {}; }

  // The Work whose service time is about request.duration. `work.kind` is filled in by make_work() below.
  virtual Work make(const Request& request, const Calibration& calibration) const = 0;
  virtual Demand demand(const Work& work, const Calibration& calibration) const = 0;

  // Name of the workload that a callback on this work's outcome runs: parse_html_links for a fetched HTML page, sleep
  // for sleep, ...
  virtual std::string_view callback(const Work& work) const = 0;

  // Does the work. `input` is the body of the task's outcome when this runs as a callback, else empty (a parser then
  // generates its own text from the seed). Returns the digest and, where there is one, the body.
  // Throws std::runtime_error (one clear line) when the work cannot be done: connection refused, disk full.
  struct Product {
    std::uint64_t digest = 0;
    std::string body;
    std::int64_t children_cpu_ns = 0;      // CPU time of processes that it started and waited for
    std::int64_t children_delayed_ns = 0;  // for which they were ready to compute and had no CPU
  };
  virtual Product run(const Work& work, const RunContext& context, std::string_view input) const = 0;

  // The same product and the same errors on an event loop: what waits is awaited, what computes does so on the loop's thread. Without a
  // form of its own it is run(), which is right for what only computes. The arguments outlive it.
  virtual Async<Product> run_on(OnLoop& on, const Work& work, const RunContext& context, std::string_view input) const;

  // The one of the catalogue that runs its works: itself, unless it is one of endlessly many that differ in make() alone (mixed:16).
  virtual const Workload& in_catalogue() const { return *this; }

  // The one whose works are done with what a task gave, where a suite names this one for its callbacks: of the user's own work.
  virtual const Workload& as_callback() const { return *this; }

  // Why it has no form that an event loop could wait on, although it waits; empty where it has one or needs none.
  virtual std::string_view blocks() const { return {}; }
};

// All workloads, in a fixed order: Work::kind indexes it.
std::span<const Workload* const> catalogue();
// nullptr if there is none of that name. Of `mixed:R~J`, R and J any numbers, and of the user's own, `python:MODULE:FUNCTION`,
// `command:...`, `function:...`, one is made at the first mention.
const Workload* find_workload(std::string_view name);
bool needs_subject(std::string_view name);  // whether there is one, and it is work of the user's own

// workload.make() with `kind` filled in.
Work make_work(const Workload& workload, const Request& request, const Calibration& calibration);

// Runs the work on the calling thread and stamps it.
Outcome execute(const Work& work, const RunContext& context, std::string_view input = {});

// The same on an event loop; to be awaited. Started is when it first runs; the thread is the one that it ends on. `context` and the bytes of
// `input` outlive it.
Async<Outcome> execute_on(EventLoop& loop, Work work, const RunContext& context, std::string_view input = {});

// The same work with every wait taken out: what the digest check runs.
Work without_wait(Work work);

// CLOCK_MONOTONIC in ns.
std::int64_t monotonic_ns();

}  // namespace workloads
