#include "harness/machine/machine.h"

#include <elf.h>
#include <fmt/core.h>
#include <link.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <fstream>
#include <vector>

namespace harness::machine {
namespace {

// The value of the first line "key   : value".
std::string value_in(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return {};
}

// Called for the executable first; a return other than 0 ends the iteration.
int take_build_id(dl_phdr_info* info, std::size_t /*size*/, void* result) {
  auto& id = *static_cast<std::string*>(result);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const auto* note = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
    const char* const end = note + header.p_memsz;
    while (note + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) entry;
      std::memcpy(&entry, note, sizeof entry);
      const auto padded = [](std::size_t n) { return (n + 3) & ~std::size_t{3}; };
      const char* const name = note + sizeof entry;
      const char* const bytes = name + padded(entry.n_namesz);
      if (bytes + entry.n_descsz > end) break;
      if (entry.n_type == NT_GNU_BUILD_ID && std::string_view(name, entry.n_namesz) == std::string_view("GNU\0", 4)) {
        for (std::size_t b = 0; b < entry.n_descsz; ++b) id += fmt::format("{:02x}", static_cast<unsigned char>(bytes[b]));
        return 1;
      }
      note = bytes + padded(entry.n_descsz);
    }
  }
  return 1;
}

}  // namespace

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string cpu_model() { return value_in("/proc/cpuinfo", "model name"); }

bool has_cpu_flag(std::string_view flag, const std::string& proc) {
  const std::string flags = " " + value_in(proc + "/cpuinfo", "flags") + " ";
  return flags.find(fmt::format(" {} ", flag)) != std::string::npos;
}

std::int64_t memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long size = ::sysconf(_SC_PAGE_SIZE);
  return pages < 0 || size < 0 ? -1 : std::int64_t{pages} * size;
}

int cpus_online() { return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)); }

int affinity_cores() {
  // The mask of a machine with more CPUs than cpu_set_t has bits needs a larger set: grown until the kernel takes it.
  for (int bits = CPU_SETSIZE; bits <= (1 << 20); bits *= 2) {
    cpu_set_t* const set = CPU_ALLOC(static_cast<std::size_t>(bits));
    if (set == nullptr) return -1;
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(bits));
    const bool known = ::sched_getaffinity(0, size, set) == 0;
    const int count = known ? CPU_COUNT_S(size, set) : -1;
    CPU_FREE(set);
    if (known) return count;
  }
  return -1;
}

std::string governor() { return first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"); }

std::string smt(const std::string& sys) { return first_line(sys + "/devices/system/cpu/smt/control"); }

double cpu_pressure_avg10() { return pressure_avg10("/proc/pressure/cpu"); }

double pressure_avg10(const std::string& file) {
  // "some avg10=0.00 avg60=0.00 avg300=0.00 total=0"
  const std::string line = first_line(file);
  constexpr std::string_view kKey = "avg10=";
  const std::size_t at = line.find(kKey);
  double percent = -1;
  if (at != std::string::npos) std::from_chars(line.data() + at + kKey.size(), line.data() + line.size(), percent);
  return percent;
}

std::int64_t timer_slack_ns() { return ::prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0); }

std::string elf_build_id() {
  std::string id;
  ::dl_iterate_phdr(take_build_id, &id);
  return id;
}

}  // namespace harness::machine
