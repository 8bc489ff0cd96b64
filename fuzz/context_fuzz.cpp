// context/<run_id>.json, which an earlier run wrote (harness/sweep/sinks/context.h).

#include "fuzz/fuzz.h"
#include "harness/base/errors.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/machine/environment.h"
#include "harness/sweep/sinks/context.h"

// A fuzzer goes without the rest of the library. (Weak: where that is linked, its own count.)
__attribute__((weak)) std::string harness::machine_line(const Environment&) { return {}; }
__attribute__((weak)) void harness::drivers::add_to(workloads::Calibration&, const Records&) {}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  try {
    harness::read_context(file.path());
  } catch (const harness::ConfigError&) {
  }
  return 0;
}
