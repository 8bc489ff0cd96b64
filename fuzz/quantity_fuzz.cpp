// Durations, lists of them, sizes in bytes, worker counts, integers, seeds (harness/base/quantity.h).

#include <vector>

#include "fuzz/fuzz.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"

namespace {

// What it throws other than ConfigError ends the fuzzer.
template <class Parse>
void accept_or_refuse(Parse parse) {
  try {
    parse();
  } catch (const harness::ConfigError& error) {
    FUZZ_REQUIRE(!std::string_view(error.what()).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  accept_or_refuse([&] {
    const std::chrono::nanoseconds duration = harness::parse_duration(text);
    FUZZ_REQUIRE(duration.count() >= 0);
    FUZZ_REQUIRE(harness::parse_duration(harness::format_duration(duration)) == duration);
    FUZZ_REQUIRE(!harness::human_duration(duration).empty());
  });
  accept_or_refuse([&] {
    const auto durations = harness::parse_durations(text);
    FUZZ_REQUIRE(!durations.empty() && durations.size() <= static_cast<std::size_t>(harness::kMostItems));
  });
  accept_or_refuse([&] { FUZZ_REQUIRE(harness::parse_bytes(text) >= 0); });
  accept_or_refuse([&] {
    const std::int64_t value = harness::parse_integer(text, "number", -7, 1'000'000);
    FUZZ_REQUIRE(value >= -7 && value <= 1'000'000);
  });
  accept_or_refuse(
      [&] { FUZZ_REQUIRE(harness::parse_seed(std::to_string(harness::parse_seed(text))) == harness::parse_seed(text)); });
  for (const int cores : {1, 64}) {
    accept_or_refuse([&] {
      const std::vector<harness::Size> sizes = harness::parse_sizes(text, cores);
      FUZZ_REQUIRE(!sizes.empty());
      for (std::size_t i = 0; i < sizes.size(); i += 1 + sizes.size() / 100) {
        const harness::Size& size_read = sizes[i];
        FUZZ_REQUIRE(size_read.value >= 1);
        const auto again = harness::parse_sizes(size_read.spec, cores);
        FUZZ_REQUIRE(again.size() == 1 && again.front().value == size_read.value);
      }
    });
  }
  FUZZ_REQUIRE(harness::nearest(text, {"workers", "tasks"}).size() <= 7);
  return 0;
}
