#include "harness/tests/engine/backends.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "harness/engine/frame.h"
#include "harness/engine/internal_entry.h"
#include "harness/tests/engine/entries.h"
#include "os/descriptor.h"
#include "pools/process_pool.h"

namespace harness::testing_engine {
namespace {

class Misbehaving final : public Backend {
 public:
  using Run = std::function<Trace(const PreparedCell&)>;

  Misbehaving(std::string_view name, Run run) : name_(name), run_(std::move(run)) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return "misbehaves"; }
  std::string skip_reason(std::string_view) const override { return {}; }
  int tasks_at_once(const Factors&) const override { return 1; }
  Trace run(const PreparedCell& prepared) const override { return run_(prepared); }

 private:
  std::string_view name_;
  Run run_;
};

// Not a fault that a sanitizer would turn into an exit code of its own.
[[noreturn]] void crash() {
  ::signal(SIGSEGV, SIG_DFL);
  ::raise(SIGSEGV);
  std::abort();
}

Trace run_inline(const PreparedCell& prepared) { return find_backend("inline").run(prepared); }

// Leaks the pool: its processes are to be the runner's problem.
void start_workers() {
  auto* pool = new pools::ProcessPool(2);
  pool->start_all();
  std::fprintf(stderr, "workers");
  for (const pid_t pid : pool->worker_pids()) std::fprintf(stderr, " %d", static_cast<int>(pid));
  std::fprintf(stderr, "\n");
}

Trace hang(const PreparedCell& prepared) {
  start_workers();
  if (prepared.cell.workers_spec.starts_with("/")) ::open(prepared.cell.workers_spec.c_str(), O_WRONLY | O_CLOEXEC);
  while (true) ::pause();
}

Trace abandon(const PreparedCell& prepared) {
  os::DescriptorPair stream = os::make_stream_pair();
  static pools::Child* const abandoned =  // never destroyed: that would kill it
      new pools::Child(spawn_internal(kOwnerEntry, {"nothing"}, stream.theirs.get()));
  stream.theirs.reset();
  receive_frame(stream.ours.get());  // from now on it survives this process
  return abandoned->pid() > 0 ? run_inline(prepared) : Trace();
}

const Misbehaving kMisbehaving[] = {
    {"segfault",
     [](const PreparedCell&) -> Trace {
       std::fprintf(stderr, "something is\n  rotten\n");
       crash();
     }},
    {"exit", [](const PreparedCell&) -> Trace { ::_exit(3); }},
    {"silent_exit", [](const PreparedCell&) -> Trace { ::_exit(0); }},
    {"hang", hang},
    {"orphans",
     [](const PreparedCell&) -> Trace {
       start_workers();
       crash();
     }},
    {"abandon", abandon},
    {"throw", [](const PreparedCell&) -> Trace { throw std::runtime_error("first line\nsecond line"); }},
    {"throw_int", [](const PreparedCell&) -> Trace { throw 7; }},
    {"wrong_digest",
     [](const PreparedCell& prepared) {
       Trace trace = run_inline(prepared);
       trace.tasks.back().digest ^= 1;
       return trace;
     }},
    {"wrong_callback_digest",
     [](const PreparedCell& prepared) {
       Trace trace = run_inline(prepared);
       trace.tasks.back().callback_digest ^= 1;
       return trace;
     }},
    // As an adapter does that does not look at where callbacks are to run.
    {"callbacks_elsewhere",
     [](const PreparedCell& prepared) {
       PreparedCell fused = prepared;
       fused.cell.strategy = "fused";
       return run_inline(fused);
     }},
    {"half_a_trace",
     [](const PreparedCell& prepared) {
       Trace trace = run_inline(prepared);
       trace.tasks.back().finished_ns = kNoStamp;
       return trace;
     }},
    {"litter",
     [](const PreparedCell& prepared) -> Trace {
       std::ofstream(prepared.context.scratch_directory + "/litter") << "left behind";
       crash();
     }},
    {"shout",
     [](const PreparedCell& prepared) {
       const std::string line(1023, 'x');
       for (int i = 0; i < 1024; ++i) std::fprintf(i % 2 == 0 ? stdout : stderr, "%s\n", line.c_str());
       return run_inline(prepared);
     }},
};

}  // namespace

std::span<const Backend* const> backends_for_tests() {
  static const std::vector<const Backend*> kBackends = [] {
    std::vector<const Backend*> all(backend_catalogue().begin(), backend_catalogue().end());
    for (const Misbehaving& backend : kMisbehaving) all.push_back(&backend);
    return all;
  }();
  return kBackends;
}

}  // namespace harness::testing_engine
