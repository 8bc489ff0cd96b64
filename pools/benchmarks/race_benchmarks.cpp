// The race: our pools beside their peers, on the same scenarios. A repetition is one iteration, so that a driver can interleave
// the repetitions of all peers: scripts/race runs each in a process of its own, in an order drawn from a seed;
// --benchmark_enable_random_interleaving --benchmark_repetitions=N does it in one process, in an order that cannot be chosen.

#include "pools/benchmarks/race_benchmarks.h"

#include <benchmark/benchmark.h>

#include <exception>
#include <string>

#include "pools/cores.h"

namespace pools::benchmarks {

void register_run(std::string_view peer, ExecutedBy executed_by, const Run& run, const Effort& effort) {
  const bool has_workers = executed_by != ExecutedBy::thread_per_task && executed_by != ExecutedBy::caller;
  for (const Entry& entry : entries_of(run.entries, has_workers, usable_cores().count)) {
    const std::string name = "race/" + std::string(run.scenario) + "/" + std::string(peer) +
                             "/workers:" + std::to_string(entry.workers) + "/producers:" + std::to_string(entry.producers);
    const std::string label =
        R"({"unit": ")" + std::string(run.unit) + R"(", "executed_by": ")" + std::string(name_of(executed_by)) + R"("})";
    const auto measure = [=](benchmark::State& state) {
      try {
        Measured measured;
        for (auto _ : state) {
          measured = run.measure(entry, effort);
          state.SetIterationTime(measured.seconds);
        }
        state.counters["value"] = measured.value;
        state.counters["tasks"] = static_cast<double>(measured.tasks);
        state.counters["producer_share"] = measured.producer_share;
        state.counters["workers"] = entry.workers;
        state.counters["producers"] = entry.producers;
        state.SetLabel(label);
      } catch (const std::exception& error) {
        state.SkipWithError(error.what());
      }
    };
    benchmark::RegisterBenchmark(name.c_str(), measure)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);
  }
}

}  // namespace pools::benchmarks
