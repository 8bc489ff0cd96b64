// What a prediction costs: a million tasks on 64 workers, every strategy, different durations (the worst case of the
// sorts and heaps); the promise is less than a second each. Arguments: tasks, strategy.

#include <benchmark/benchmark.h>

#include <random>

#include "harness/model/arrivals.h"
#include "harness/model/closed_forms.h"
#include "harness/model/critical_path.h"
#include "harness/model/parsers.h"
#include "harness/model/simulate.h"

namespace {

namespace model = harness::model;

model::Case random_case(std::int64_t tasks, model::Strategy strategy, bool compute) {
  std::mt19937_64 random(20240607);
  model::Case c;
  c.strategy = strategy;
  c.workers = 64;
  c.parsers = 8;
  c.overheads = {.submit_ns = 300, .dispatch_ns = 200, .routing_ns = 500};
  for (std::int64_t i = 0; i < tasks; ++i) {
    const auto wait = static_cast<std::int64_t>(random() % 1'000'000);
    const auto computation = compute ? static_cast<std::int64_t>(random() % 20'000) : 0;
    c.tasks.push_back({.wait_ns = wait, .compute_ns = computation, .locked = false});
    c.callbacks.push_back({.wait_ns = static_cast<std::int64_t>(random() % 20'000), .compute_ns = 0, .locked = false});
  }
  c.cores = compute ? 2 : 0;
  return c;
}

void simulate(benchmark::State& state) {
  const model::Case c = random_case(state.range(0), static_cast<model::Strategy>(state.range(1)), false);
  for (auto _ : state) benchmark::DoNotOptimize(model::simulate(c));
  state.SetLabel(std::string(model::name(c.strategy)));
}
BENCHMARK(simulate)->ArgsProduct({{1'000, 1'000'000}, benchmark::CreateDenseRange(0, 8, 1)})->Unit(benchmark::kMillisecond);

void simulate_shared_cores(benchmark::State& state) {
  const model::Case c = random_case(state.range(0), model::Strategy::main, true);
  for (auto _ : state) benchmark::DoNotOptimize(model::simulate(c));
}
BENCHMARK(simulate_shared_cores)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// Arrivals at nine tenths of what the workers bear.
void simulate_arrivals(benchmark::State& state) {
  model::Case c = random_case(state.range(0), model::Strategy::main, state.range(1) != 0);
  std::mt19937_64 random(1);
  std::int64_t now = 0;
  for (std::size_t i = 0; i < c.tasks.size(); ++i) c.arrivals_ns.push_back(now += static_cast<std::int64_t>(random() % 17'400));
  for (auto _ : state) benchmark::DoNotOptimize(model::summarise_sojourns(model::sojourns_ns(c, model::simulate(c))));
  state.SetLabel(state.range(1) != 0 ? "sharing cores" : "waiting");
}
BENCHMARK(simulate_arrivals)->ArgsProduct({{1'000'000}, {0, 1}})->Unit(benchmark::kMillisecond);

void closed_form(benchmark::State& state) {
  const model::Case c = random_case(state.range(0), model::Strategy::main, false);
  for (auto _ : state) benchmark::DoNotOptimize(model::closed_form(c));
}
BENCHMARK(closed_form)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void critical_path(benchmark::State& state) {
  const model::Case c = random_case(state.range(0), model::Strategy::main, false);
  const model::Prediction prediction = model::simulate(c);
  for (auto _ : state) benchmark::DoNotOptimize(model::critical_path(c, prediction));
}
BENCHMARK(critical_path)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void enough_parsers(benchmark::State& state) {
  const model::Case c = random_case(state.range(0), model::Strategy::extra, false);
  for (auto _ : state) benchmark::DoNotOptimize(model::enough_parsers(c));
}
BENCHMARK(enough_parsers)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
