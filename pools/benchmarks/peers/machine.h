#pragma once

// What the scenarios ask of the machine: CPU work of a known length, CPU time, memory.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace pools::benchmarks {

// Computes for a time proportional to `rounds`, in registers.
void spin(std::int64_t rounds);

// The rounds that take about `duration` while every usable core computes; measured at the first call, which takes about 0.1 s, and
// the same for the rest of the process's life. Where cores share their units, one alone would be faster than all are.
std::int64_t spin_rounds_of(std::chrono::nanoseconds duration);

// CPU time that each thread of this process has used so far, but for the calling one. Thread by thread: the process's own clock
// would contain the caller's, and the difference is as long as reading two clocks takes.
using CpuOfThreads = std::map<pid_t, double>;
CpuOfThreads cpu_seconds_of_other_threads();
// What the threads that are alive at the end have used since the beginning.
double cpu_seconds_between(const CpuOfThreads& beginning, const CpuOfThreads& end);
// CPU time of other processes, which are alive.
double cpu_seconds_of(const std::vector<pid_t>& processes);

// Resident memory of this process, all of it.
std::int64_t resident_bytes();

}  // namespace pools::benchmarks
