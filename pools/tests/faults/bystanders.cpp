#include "pools/tests/faults/bystanders.h"

#include <deque>

#include "pools/tests/faults/fault.h"

namespace pools::faults {
namespace {

std::string reversed(const std::string& text) { return {text.rbegin(), text.rend()}; }

// Deterministic; from nothing to more than a ring holds.
std::string text_of(std::uint64_t number) {
  std::size_t length = number % 50;
  if (number % 16 == 7) length = 100'000 + number % 1000;
  if (number % 128 == 31) length = 2'500'000;
  std::string text(length, '\0');
  std::uint64_t state = number * 0x9e3779b97f4a7c15 + 1;
  for (char& each : text) {
    state = state * 6364136223846793005 + 1442695040888963407;
    each = static_cast<char>(state >> 56);
  }
  return text;
}

}  // namespace

Bystanders::Bystanders(ProcessPool& pool, int at_a_time) : pool_(pool), thread_([this, at_a_time] { run(at_a_time); }) {}

Bystanders::~Bystanders() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Bystanders::run(int at_a_time) {
  struct Flight {
    Future<std::string> future;
    std::string expected;
  };
  std::deque<Flight> flights;
  bool open = true;
  for (std::uint64_t number = 0; (!stop_ && open && problem_.empty()) || !flights.empty();) {
    while (open && !stop_ && flights.size() < static_cast<std::size_t>(at_a_time)) {
      const std::string text = text_of(number++);
      try {
        flights.push_back({pool_.submit<&reversed>(text), reversed(text)});
      } catch (const Error&) {  // shut down, broken
        ++outcome_.refused;
        open = false;
      }
    }
    if (flights.empty()) break;
    take(flights.front().future, flights.front().expected);
    flights.pop_front();
  }
  results_ += kOver;
  results_.notify_all();
}

void Bystanders::take(Future<std::string>& future, const std::string& expected) {
  try {
    if (future.result() == expected) {
      ++outcome_.right;
      ++results_;
      results_.notify_all();
    } else {
      problem_ = "a bystander got a wrong result";
    }
  } catch (const WorkerDied&) {
    ++outcome_.died;
  } catch (const CancelledError&) {
    ++outcome_.cancelled;
  } catch (const BrokenPoolError&) {
    ++outcome_.refused;
  } catch (const std::exception& error) {
    problem_ = std::string("a bystander failed: ") + error.what();
  }
}

void Bystanders::await(std::uint64_t results) {
  std::uint64_t now = results_;
  for (const std::uint64_t until = now + results; now < until; now = results_) results_.wait(now);
  if (now >= kOver) {
    if (thread_.joinable()) thread_.join();
    throw Failure("the bystanders have stopped" + (problem_.empty() ? std::string() : ": " + problem_));
  }
}

Bystanders::Outcome Bystanders::finish() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  if (!problem_.empty()) throw Failure(problem_);
  return outcome_;
}

BusyPool::BusyPool(ProcessPoolOptions options, int at_a_time)
    : pool_([&] {
        if (!options.workers) options.workers = 3;
        return std::move(options);
      }()),
      others_(pool_, at_a_time) {
  pool_.start_all();
  others_.await(1);
}

void BusyPool::finish(std::uint64_t most_lost) {
  others_.await(30);
  const Bystanders::Outcome outcome = others_.finish();
  FAULT_EXPECT_EQ(outcome.cancelled + outcome.refused, 0U);
  if (outcome.died > most_lost) {
    throw Failure(std::to_string(outcome.died) + " bystanders were lost; at most " + std::to_string(most_lost) + " may be");
  }
  FAULT_EXPECT(pool_.submit<&reversed>(std::string("still there")).result() == "ereht llits");
  pool_.shutdown();
  expect_balance(pool_);
}

void expect_balance(const ProcessPool& pool) {
  const PoolMetrics metrics = pool.metrics();
  FAULT_EXPECT_EQ(metrics.queued, 0U);
  FAULT_EXPECT_EQ(metrics.running, 0U);
  FAULT_EXPECT_EQ(metrics.done + metrics.failed + metrics.cancelled, metrics.submitted);
}

}  // namespace pools::faults
