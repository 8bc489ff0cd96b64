#pragma once

// Facts about the machine and this process, one function per fact; each reads the kernel's files and gives "" or a negative
// number where the kernel does not say. Used by environment.cpp.

#include <cstdint>
#include <string>
#include <string_view>

namespace harness::machine {

std::string cpu_model();  // "model name" of /proc/cpuinfo
bool has_cpu_flag(std::string_view flag, const std::string& proc = "/proc");
std::int64_t memory_bytes();
int cpus_online();
int affinity_cores();                              // in this process's affinity mask
std::string governor();                            // of CPU 0
std::string smt(const std::string& sys = "/sys");  // "on", "off", "notsupported", ...
// Percent of the last 10 s in which somebody waited: "some" of a file in /proc/pressure.
double pressure_avg10(const std::string& file);
double cpu_pressure_avg10();    // of /proc/pressure/cpu
std::int64_t timer_slack_ns();  // of the calling thread

// The GNU build id of the running executable in hexadecimal; "" if it was linked without one.
std::string elf_build_id();

// The first line of a file without its line end; "" if it cannot be read.
std::string first_line(const std::string& path);

}  // namespace harness::machine
