#include "harness/machine/doctor/doctor.h"

#include <sys/prctl.h>
#include <time.h>

#include <exception>

#include "harness/base/build_info.h"
#include "harness/machine/machine.h"

namespace harness::doctor {
namespace {

// In the order in which a person would look.
constexpr Check kChecks[] = {
    {"load", "whatever else runs takes cores from the workers, now and then: the spread is its, not the pool's", &load},
    {"pressure", "tasks that wait for a CPU, memory or a disk are measured as if the pool had been slow", &pressure},
    {"steal", "while the hypervisor runs another guest, this one's clock goes on: makespans get longer by chance", &steal},
    {"quota", "a CPU quota lets all cores run and then stops everything for the rest of a period of 100 ms", &quota},
    {"throttling", "each time the quota is used up, every worker of the group stands still at once", &throttling},
    {"cores", "with few cores the callers, the callback thread and the kernel compete with the workers", &few_cores},
    {"affinity", "pool sizes are counted in usable cores, and whoever counts the machine's gets other sizes", &affinity},
    {"governor", "a core that clocks up only after a while makes the first tasks of each repetition slower", &governor},
    {"boost", "one busy core runs faster than all of them do: speed-up over workers looks worse than it is", &boost},
    {"smt", "two workers on one physical core slow each other down: \"cores\" counts both", &smt},
    {"core_kinds", "fast and slow cores in one machine: where the scheduler puts a worker decides its speed", &core_kinds},
    {"idle_states", "a sleeping core takes that long to wake, which every hand-over to an idle worker pays", &idle_states},
    {"timers", "a sleep that ends late is time the model does not know; it adds up over the tasks of a worker", &timers},
    {"clock", "each task takes six time stamps; a clock that costs a system call or more distorts short tasks", &clock_source},
    {"swap", "a page that comes back from the disk costs milliseconds, once, in some repetition", &swap},
    {"huge_pages", "pages that the kernel merges in the background stall whoever touches them meanwhile", &huge_pages},
    {"autogroup", "each session gets an equal share of the CPU, and every repetition is a session of its own", &autogroup},
    {"address_space", "code and heap lie elsewhere in each repetition, which averages over layouts, as it should",
     &address_space},
    {"vm", "how the host schedules, clocks and places the virtual CPUs cannot be seen or changed from inside", &virtual_machine},
    {"container", "limits and neighbours are set outside; what runs beside it may not show in this list", &container},
    {"build", "without optimisation, or with checks, the pool's own overhead is several times as large", &build},
};

std::vector<std::int64_t> lateness_of_sleeps() {
  constexpr int kSleeps = 40;
  constexpr std::int64_t kNs = 1'000'000;
  const int slack = ::prctl(PR_GET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL);
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  std::vector<std::int64_t> lateness;
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
  };
  for (int i = 0; i < kSleeps; ++i) {
    const std::int64_t until = now() + kNs;
    const timespec deadline{.tv_sec = until / 1'000'000'000, .tv_nsec = until % 1'000'000'000};
    if (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == 0) lateness.push_back(now() - until);
  }
  if (slack >= 0) ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack), 0UL, 0UL, 0UL);
  return lateness;
}

}  // namespace

Patient measure_patient() {
  Patient patient;
  patient.cpus_online = machine::cpus_online();
  patient.affinity_cores = machine::affinity_cores();
  patient.timer_slack_ns = machine::timer_slack_ns();
  patient.lateness_ns = lateness_of_sleeps();
  const BuildInfo& info = build_info();
  patient.build_type = info.build_type;
  patient.sanitized = std::string_view(info.flags).find("-fsanitize") != std::string_view::npos;
#ifndef NDEBUG
  patient.assertions = true;
#endif
  return patient;
}

std::span<const Check> checks() { return kChecks; }

std::vector<Finding> examine(const Patient& patient) {
  std::vector<Finding> findings;
  for (const Check& check : kChecks) {
    Finding finding;
    try {
      finding = check.look(patient);
    } catch (const std::exception& error) {
      finding = found(Verdict::unknown, error.what());
    }
    finding.id = check.id;
    finding.why = check.why;
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::string first_line(const std::filesystem::path& path) { return machine::first_line(path.string()); }

Finding found(Verdict verdict, std::string text, std::string remedy) {
  return {.id = "", .verdict = verdict, .found = std::move(text), .why = "", .remedy = std::move(remedy)};
}

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::spoils:
      return "spoils";
    case Verdict::caution:
      return "caution";
    case Verdict::fine:
      return "fine";
    case Verdict::unknown:
      return "unknown";
  }
  return "";
}

}  // namespace harness::doctor
