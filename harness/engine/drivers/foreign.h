#pragma once

// What is different about cells that a driver runs, for those who prepare, model and record them.
//
// Thread safety: pure functions, but for record_of.

#include <map>
#include <string>
#include <string_view>

#include "harness/core/cell.h"
#include "harness/engine/drivers/driver_backend.h"
#include "workloads/work.h"

namespace harness::drivers {

// The rates at which the cell's works are made: Python spins about a hundred times more slowly than C++, so that a task of 10 ms is a
// hundred times fewer steps there. Of a driver that was not measured, the same.
workloads::Calibration calibration_for(const Cell& cell, const workloads::Calibration& calibration);

// Whether tasks (callbacks: the same, but for `extra`) that compute in one process take turns, under a GIL.
bool shares_lock(const Cell& cell, const workloads::Calibration& calibration);

bool runs_on_event_loop(const Cell& cell, const workloads::Calibration& calibration);

// Whether one thread both feeds the workers and runs the callbacks, as CPython's process pool does (harness/model/coupled.h).
bool is_coupled(const Cell& cell);

// The driver of a backend, as a run records it.
struct Record {
  std::string language = {};    // "cpython"
  std::string version = {};     // "3.11.7"
  std::string executable = {};  // empty: it did not say
  bool one_lock = true;         // threads of a process compute one at a time
  bool event_loop = false;
  double spin_units_per_ns = 0;  // steps of `spin` there, as workloads::Calibration has them; 0: not measured

  // "cpython 3.11.7 (/usr/bin/python3), its threads compute one at a time"
  std::string line() const;
  // The same program in the same state, however fast.
  bool is(const Record& other) const;
};
using Records = std::map<std::string, Record, std::less<>>;  // by backend

// Asks the driver who it is; the rate is left open. Throws ConfigError with one line that begins with the backend's name.
Record record_of(const DriverBackend& backend, std::chrono::milliseconds within = kAnswersWithin);
// Measures the rate, where its works compute; takes 250 ms. Throws likewise.
void measure_rate(const DriverBackend& backend, Record& record, std::chrono::milliseconds within = kAnswersWithin);

// Makes known to a calibration what works cost on these.
void add_to(workloads::Calibration& calibration, const Records& records);

}  // namespace harness::drivers
