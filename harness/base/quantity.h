#pragma once

// Quantities as people write them, and back: durations, duration lists, sizes, sets of worker counts. Decimal arithmetic
// only: nothing is rounded, an overflow is refused. All parsers accept exactly the documented grammar and throw
// ConfigError naming the bad text and what is allowed; blanks are allowed around the items of a list and the operators of
// an expression.
//
// Thread safety: pure functions.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

inline constexpr std::int64_t kMs = 1'000'000;  // in ns

// "0s", "100ns", "250us", "10ms", "1.5s", "2min": a non-negative decimal number and a unit. Whole nanoseconds only
// ("0.5ns" is refused), at most INT64_MAX ns.
std::chrono::nanoseconds parse_duration(std::string_view text);
// Shortest exact form that parse_duration reads back, at least one whole unit of it: 1500000000 -> "1.5s".
// REQUIRES: duration >= 0.
std::string format_duration(std::chrono::nanoseconds duration);
// For people, three significant digits: "1.23 s", "45.6 ms".
std::string human_duration(std::chrono::nanoseconds duration);
std::string human_ns(std::int64_t ns);
std::string human_ns(double ns);
// Likewise, four digits: "336.7/s", "20/min". REQUIRES: 0 <= rate_per_s, finite.
std::string human_rate(double rate_per_s);

// "100ms,200ms", "8x100ms,1s": one or more durations, repeats expanded, at most kMostItems.
std::vector<std::chrono::nanoseconds> parse_durations(std::string_view text);
inline constexpr int kMostItems = 1'000'000;

// "4096", "64KiB", "1MiB", "2GiB": bytes, at most INT64_MAX.
std::int64_t parse_bytes(std::string_view text);

// "100MB/s", "1.25GB/s", "64KiB/s": bytes per second, of decimal or binary units, at least 1, at most INT64_MAX.
std::int64_t parse_bandwidth(std::string_view text);

// A whole decimal number in [least, most]; `what` names it in the message: "runs".
std::int64_t parse_integer(std::string_view text, std::string_view what, std::int64_t least, std::int64_t most);
// A decimal number in [least, most], as in "5" or "2.5"; never an infinity or NaN.
double parse_number(std::string_view text, std::string_view what, double least, double most);
// 0 .. 2^64 - 1.
std::uint64_t parse_seed(std::string_view text);

// One worker count as written and as evaluated.
struct Size {
  std::string spec;  // "cores*5", without blanks
  int value = 0;     // >= 1
};
// A comma-separated list of
//   expressions of integers and `cores` with + - * / (integer division) and parentheses: "4", "cores*5", "(cores+1)/2";
//   ranges "a..b": every integer from a to b: "1..8", "cores..cores+4", "1..(cores*5)";
//   ranges "a..b*f": a, a*f, a*f*f, ... up to b: "4..64*2", "cores..(cores*20)*2".
// a is any expression. After "..", one * at most stands outside parentheses, and it means "times f": before it is an integer or
// parentheses, behind it an integer that ends the range. "1..cores*5" is refused, for it can be read in two ways, and the message
// has both: "1..(cores*5)" and "1..(cores)*5".
// Duplicated values keep the first spec. Results below 1 or beyond INT32_MAX are refused. REQUIRES: cores >= 1.
std::vector<Size> parse_sizes(std::string_view text, int cores);

}  // namespace harness
