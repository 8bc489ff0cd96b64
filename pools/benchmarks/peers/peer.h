#pragma once

// What takes part in a race: other libraries' pools (contenders/), our own, and the table of functions that each becomes (thread_peer.h
// makes it), so that a scenario is written once and compiled for every peer without a virtual call per task.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contenders/contender.h"

namespace pools::benchmarks {

using contenders::ExecutedBy;
using contenders::name_of;

// A contender, or this project's own pool in its clothes. Its class says what is asked of it.
template <class P>
concept Peer = contenders::Contender<P>;

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
