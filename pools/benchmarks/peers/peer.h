#pragma once

// What takes part in a race: the concept of a peer, which each file of this folder models once, and the table of functions that a
// peer becomes (thread_peer.h makes it), so that a scenario is written once and compiled for every peer without a virtual call per task.

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pools::benchmarks {

// Who may run a task, as the peer's documentation has it. Who did is measured (executions.h).
enum class ExecutedBy {
  workers,          // the pool's threads only
  helping,          // the producer too, while it waits or while it submits
  thread_per_task,  // a new thread each: there are no workers
  caller,           // no pool at all: the work itself, to compare with
};
std::string_view name_of(ExecutedBy executed_by);

// A pool P is constructed with its number of workers, is destroyed when all its tasks have run, and
//   post(f)       runs f() once
//   submit(f)     the same; gives something movable to wait for f()'s int with
//   result(w)     waits for it on the thread that submitted it, which may help; once per submit
//   drain()       on a submitting thread: helps until what this thread has submitted is done, if that is what the pool is
//                 for; else returns at once
//   producers(n, body)   calls body(0) ... body(n - 1), each on a thread that may submit, and returns when all have returned
// These are called by producers only, inside of producers(). f is copyable, at most 16 bytes, and throws nothing.
template <class P>
concept Peer = std::constructible_from<P, int> && requires(P& pool, void (*task)(), int (*valued)()) {
  { P::kName } -> std::convertible_to<std::string_view>;
  { P::kExecutedBy } -> std::convertible_to<ExecutedBy>;
  // post may run the task before it returns, so that a task which waits for the producer would wait for ever.
  { P::kRunsInline } -> std::convertible_to<bool>;
  // More tasks than this at a time are more than it can take.
  { P::kMostTasks } -> std::convertible_to<std::int64_t>;
  pool.post(task);
  { pool.result(pool.submit(valued)) } -> std::same_as<int>;
  pool.drain();
  pool.producers(1, [](int) {});
};

// What most peers have in common.
struct PeerDefaults {
  static constexpr ExecutedBy kExecutedBy = ExecutedBy::workers;
  static constexpr bool kRunsInline = false;
  static constexpr std::int64_t kMostTasks = 1'000'000'000;

  void drain() {}
  // One producer is the calling thread, several are threads of their own.
  void producers(int count, const std::function<void(int)>& body);
};

// How much a scenario is to do.
struct Effort {
  std::int64_t tasks = 1'000'000;  // at most
  double seconds = 0.3;            // about so long; a slow peer does fewer tasks, never fewer than `at_least`
  std::int64_t at_least = 1000;
  // Makes fixed sizes (2000 sleeps, 10,000 pieces of work, one idle second) smaller: 1, or less for a rehearsal.
  double scale = 1;
};

struct Measured {
  double value = 0;           // in the scenario's unit
  std::int64_t tasks = 0;     // that were timed
  double producer_share = 0;  // of the timed tasks: 0 to 1
  double seconds = 0;         // how long the timed part was
};

struct Entry {
  int workers = 1;  // 0: the peer has none
  int producers = 1;
};

// Which pool sizes, and how many producers, a scenario is run with.
enum class Entries {
  sizes_and_producers,   // 1, 2, 4, cores, cores*5 workers, each with 1 and with 4 producers
  sizes,                 // the same sizes, one producer
  cores_and_five_times,  // cores and cores*5 workers, one producer
  five_times,            // cores*5 workers, one producer
  cores,                 // as many workers as cores, one producer
  cores_and_ten_times,   // cores and cores*10 workers, one producer
  two,                   // two workers
};
// The sizes in rising order, each once; a peer without workers has the size 0 only.
std::vector<Entry> entries_of(Entries entries, bool has_workers, int cores);

struct Run {
  std::string_view scenario;
  std::string_view unit;  // of Measured::value: ns per task, bytes, ...
  Entries entries = Entries::cores;
  Measured (*measure)(const Entry&, const Effort&) = nullptr;
};

struct ThreadPeer {
  std::string_view name;
  ExecutedBy executed_by = ExecutedBy::workers;
  std::vector<Run> runs;  // the scenarios it takes part in
  // Runs 1000 tasks of each producer in each way, and says of what was not run exactly once or delivered wrongly, a line each.
  std::vector<std::string> (*check)(const Entry&) = nullptr;
};

}  // namespace pools::benchmarks
