#pragma once

// What on this machine spoils measurements: one check per cause, each with what was found, why it matters here and the
// command that mends it. Read-only: nothing is changed, nothing is started.
//
// A check reads the kernel's files below the roots it is given, so that a test can hand it a machine of its own making. What a
// file cannot say (the affinity mask, how late sleeps end) is measured beforehand, into the Patient.
//
// Thread safety: functions without state; measure_patient() measures the calling thread.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/look.h"

namespace harness::doctor {

struct Roots {
  std::filesystem::path root = "/";
  std::filesystem::path proc() const { return root / "proc"; }
  std::filesystem::path sys() const { return root / "sys"; }
  std::filesystem::path cgroups() const { return root / "sys/fs/cgroup"; }
};

// The machine and this process on it.
struct Patient {
  Roots roots;
  int cpus_online = 1;
  int affinity_cores = 1;
  std::int64_t timer_slack_ns = -1;       // of a thread as it starts; -1: unknown
  std::vector<std::int64_t> lateness_ns;  // how late sleeps of 1 ms ended, with a timer slack of 1 ns as workers have
  std::string build_type = "Release";
  bool assertions = false;
  bool sanitized = false;
};

// Asks the kernel, and sleeps 40 times for 1 ms.
Patient measure_patient();

enum class Verdict {
  spoils,   // the numbers are wrong, or their spread is, while this is so
  caution,  // worth knowing when the numbers are read or compared
  fine,
  unknown  // the kernel does not say
};
std::string_view name(Verdict verdict);

struct Finding {
  std::string_view id;  // "governor"
  Verdict verdict = Verdict::unknown;
  std::string found;   // one line
  std::string why;     // one line: what it does to these measurements
  std::string remedy;  // a command, or why there is none; empty when fine
};

// One check. `id` and `why` of what it returns are filled in from its row in the table of checks.
struct Check {
  std::string_view id;
  std::string_view why;
  Finding (*look)(const Patient&);
};
std::span<const Check> checks();

// All checks, in their order. A check that fails (a file that vanishes) is `unknown`, with the reason.
std::vector<Finding> examine(const Patient& patient);

// For people: what spoils first, with why and remedy; then what is worth knowing; then what is fine. A remedy stays on
// one line, however long, since it may be a command.
std::string findings_text(const std::vector<Finding>& findings, const Look& look = {});
// {"spoils": N, "caution": N, "findings": [{"id", "verdict", "found", "why", "remedy"}, ...]}
std::string findings_json(const std::vector<Finding>& findings);

// The checks: doctor_system.cpp
Finding few_cores(const Patient&);
Finding affinity(const Patient&);
Finding quota(const Patient&);
Finding throttling(const Patient&);
Finding load(const Patient&);
Finding pressure(const Patient&);
Finding steal(const Patient&);
Finding timers(const Patient&);
Finding swap(const Patient&);
Finding autogroup(const Patient&);
Finding huge_pages(const Patient&);
Finding address_space(const Patient&);
Finding build(const Patient&);
// doctor_cpu.cpp
Finding governor(const Patient&);
Finding boost(const Patient&);
Finding smt(const Patient&);
Finding core_kinds(const Patient&);
Finding idle_states(const Patient&);
Finding clock_source(const Patient&);
Finding virtual_machine(const Patient&);
Finding container(const Patient&);

// Shared by the checks.
bool in_virtual_machine(const Roots& roots);
// "12", "1,2" without its line end; "" if it cannot be read.
std::string first_line(const std::filesystem::path& path);
// A finding without id and why.
Finding found(Verdict verdict, std::string text, std::string remedy = "");

}  // namespace harness::doctor
