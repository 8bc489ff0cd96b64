// Suites: TOML from a file of the user's (harness/plan/suite.h).

#include "fuzz/fuzz.h"
#include "harness/base/errors.h"
#include "harness/plan/suite.h"

// A fuzzer has no built-in suites: parse_suite alone is exercised. (Weak: where the library is linked, its own counts.)
__attribute__((weak)) std::span<const harness::BuiltinSuite> harness::builtin_suites() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  try {
    const harness::Suite suite = harness::parse_suite(text, "fuzzed.toml");
    FUZZ_REQUIRE(!suite.name.empty() && !suite.tables.empty() && suite.runs >= 1 && suite.warmup >= 0 &&
                 suite.timeout.count() > 0);
    FUZZ_REQUIRE(suite.text == text);
    for (const harness::Table& table : suite.tables) {
      FUZZ_REQUIRE(table.line >= 1);
      for (const auto& [axis, values] : table.axes) FUZZ_REQUIRE(!axis.empty() && !values.empty());
    }
  } catch (const harness::ConfigError& error) {
    FUZZ_REQUIRE(std::string_view(error.what()).starts_with("fuzzed.toml:"));  // a refusal says where
  }
  return 0;
}
