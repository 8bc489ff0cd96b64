#include "pools/src/process/death_cause.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace pools::detail {

namespace {
constexpr std::chrono::milliseconds kTicksOff{250};
}

DeathCause cause_of(const DeathEvidence& evidence) noexcept {
  const ExitStatus& status = evidence.status;
  if (evidence.by_the_pool) return DeathCause::pool;
  if (status.exit_code) return DeathCause::exited;
  if (!status.signal) return DeathCause::unknown;
  switch (*status.signal) {
    case SIGSEGV:
    case SIGABRT:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
      return DeathCause::crashed;
    case SIGBUS:
      return DeathCause::bus_error;
    case SIGSYS:
      return DeathCause::bad_system_call;
    case SIGXCPU:
      return DeathCause::cpu_limit;
    case SIGXFSZ:
      return DeathCause::file_size_limit;
    case SIGKILL:
      // The kernel holds its ticks against the limit, which are a few per cent off what it says that was used, and more of a short time.
      if (evidence.cpu_limit && status.use &&
          status.use->cpu_time >=
              *evidence.cpu_limit - std::max<std::chrono::microseconds>(kTicksOff, *evidence.cpu_limit / 20)) {
        return DeathCause::cpu_limit;
      }
      return DeathCause::killed;
    default:
      return DeathCause::killed;
  }
}

std::string words_about(DeathCause cause, const KillForMemory& kill) {
  char text[32];
  switch (cause) {
    case DeathCause::out_of_memory:
      std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(kill.ago).count());
      return "; the kernel killed a process for lack of memory " + kill.where + ", no more than " + text + " before";
    case DeathCause::cpu_limit:
      return ": it had used the CPU time that it may have (RLIMIT_CPU)";
    case DeathCause::file_size_limit:
      return ": a file grew beyond what it may have (RLIMIT_FSIZE)";
    case DeathCause::bad_system_call:
      return ": a system call that a filter (seccomp) refuses";
    case DeathCause::bus_error:
      return ": a page that was mapped and could not be had, as of a file that was cut";
    case DeathCause::killed:
      return ", which somebody else than this pool sent";
    case DeathCause::unknown:
    case DeathCause::exited:
    case DeathCause::crashed:
    case DeathCause::pool:
      break;
  }
  return {};
}

std::string words_about_task(const WorkerDeath& death) {
  std::string words;
  char text[64];
  if (death.task_time) {
    std::snprintf(text, sizeof text, ", %.3g s into ", std::chrono::duration<double>(*death.task_time).count());
    words += text + (death.task.empty() ? "its task" : death.task);
  } else if (!death.task.empty()) {
    words += ", in " + death.task;
  }
  if (death.peak_memory) {
    words += ", with " + std::to_string((*death.peak_memory + (1U << 20) - 1) >> 20) + " MiB of memory at most";
  }
  return words;
}

std::string name_in(const char* described) {
  if (described == nullptr) return {};
  std::string_view name(described);  // "... [with auto Fn = fetch]" (GCC), "... [Fn = &fetch]" (Clang)
  const auto at = name.find("Fn = ");
  if (at == std::string_view::npos) return {};
  name.remove_prefix(at + 5);
  if (!name.empty() && name.back() == ']') name.remove_suffix(1);
  if (!name.empty() && name.front() == '&') name.remove_prefix(1);
  return std::string(name);
}

}  // namespace pools::detail
