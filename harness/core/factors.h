#pragma once

// The factors of a cell: what is varied, and what a row says was varied. The table below is the only list of them: the
// columns of results.csv, cell_id, --filter, JSON documents and the frame that carries a cell to a child are made from it.
//
// Thread safety: values, constant data and pure functions.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace harness {

struct Factors {
  std::string backend;  // "thread", "process", ...
  int workers = 1;
  std::string workers_spec;  // as the suite wrote it: "cores*5"
  int cores = 1;             // what this process may use
  std::string workload;
  std::string strategy;
  int parsers = 0;  // 0 unless the strategy is `extra`
  int tasks = 1;
  std::string distribution;      // equal, linear, uniform, exponential, heavy_tailed, or "explicit"
  std::int64_t task_ns = 0;      // the distribution's scale; of an explicit case the longest
  std::int64_t callback_ns = 0;  // of an explicit case the longest
  std::int64_t payload_bytes = 0;
  int chunksize = 1;
  std::string start_method;  // "exec" or "fork" on processes, "none" elsewhere
  std::uint64_t seed = 0;
  int in_flight = 0;                     // tasks that are under way at once at most, on an event loop; 0: any number
  std::string arrivals = "closed";       // when tasks come (plan/arrivals.h); closed: all at once
  std::string arrivals_spec = "closed";  // as the suite wrote it: "poisson:0.8*capacity"
  int queue = 0;                         // tasks that may wait for a worker, where they arrive; 0: any number
  std::string when_full =
      "none";  // what becomes of one that finds them waiting: block, reject, caller_runs; none without a bound
  std::string callback_workload =
      {};                        // what is done with the result of work of the user's own; empty: what the workload itself has
  std::string inputs = {};       // what such work is done on, as the suite wrote it: a file, "1..60"; empty: of no other work
  std::int64_t deadline_ns = 0;  // a client who was there for longer is late, where tasks arrive; 0: nobody is

  friend bool operator==(const Factors&, const Factors&) = default;
};

inline bool runs_in_processes(const Factors& factors) { return factors.start_method != "none"; }

enum class InCellId { always, never, unless_default };

struct Factor {
  std::string_view name;
  std::string_view unit;         // "ns", "bytes", "count", "" for names
  std::string_view description;  // one sentence, for the data dictionary
  std::variant<std::string Factors::*, int Factors::*, std::int64_t Factors::*, std::uint64_t Factors::*> field;
  InCellId in_cell_id = InCellId::always;
  int since = 0;  // the first layout of results.csv that has it (core/sample.h); in files of earlier ones it has its default
};

// In the order of the columns of results.csv. Changing the order changes every cell_id (see cell.cpp); so does appending one, unless its
// default is what all were before.
std::span<const Factor> all_factors();

// Whether it is what a Factors that nobody has touched has.
bool is_default(const Factor& factor, const Factors& factors);

// The factors of arrivals are decided: tasks do not come all at once.
bool arrives(const Factors& factors);

// The same for a batch.
Factors without_arrivals(Factors factors);

// Calls visit(const Factor&, value) for each, in that order; `factors` is a Factors, const or not, or derived from it.
template <class Object, class Visit>
void for_each_factor(Object& factors, Visit&& visit) {
  for (const Factor& factor : all_factors()) {
    std::visit([&](const auto member) { visit(factor, factors.*member); }, factor.field);
  }
}

}  // namespace harness
