// context/<run_id>.json, which an earlier run wrote (harness/sinks/context.h).

#include "fuzz/fuzz.h"
#include "harness/environment.h"
#include "harness/errors.h"
#include "harness/sinks/context.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  try {
    harness::read_context(file.path());
  } catch (const harness::ConfigError&) {
  }
  return 0;
}
