#include "harness/base/quantity.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "harness/base/errors.h"

namespace harness {
namespace {

__extension__ typedef unsigned __int128 Wide;  // 10^18 * 6e10 fits with room to spare

constexpr std::uint64_t kMostNs = std::numeric_limits<std::int64_t>::max();

struct Unit {
  std::string_view name;
  std::uint64_t size;  // of durations in ns, of bandwidths in bytes per second
};
constexpr std::array<Unit, 5> kUnits = {
    {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"min", 60'000'000'000}}};

constexpr std::string_view kDurationForms = "a non-negative number and one of ns, us, ms, s, min, as in 0s, 250us, 1.5s";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

// False when the number is beyond `most`.
bool to_number(std::string_view digits, std::uint64_t most, std::uint64_t& value) {
  value = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (most - digit) / 10) return false;
    value = value * 10 + digit;
  }
  return true;
}

[[noreturn]] void bad_duration(std::string_view text, std::string_view why) {
  throw ConfigError(fmt::format("bad duration '{}': {}; allowed: {}", text, why, kDurationForms));
}

// "1.500" for 1500 thousandths; trailing zeros left out.
std::string decimal(std::uint64_t ns, std::uint64_t unit) {
  std::string text = fmt::format("{}", ns / unit);
  std::uint64_t rest = ns % unit;
  if (rest == 0) return text;
  text += '.';
  for (std::uint64_t place = unit / 10; rest != 0; place /= 10) {
    text += static_cast<char>('0' + rest / place);
    rest %= place;
  }
  return text;
}

}  // namespace

std::chrono::nanoseconds parse_duration(std::string_view text) {
  if (text.empty()) bad_duration(text, "it is empty");
  if (text.front() == '-') bad_duration(text, "it is negative");
  std::string_view rest = text;
  const std::string_view whole = take_digits(rest);
  if (whole.empty()) bad_duration(text, "it does not start with a digit");
  std::string_view fraction;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    fraction = take_digits(rest);
    if (fraction.empty()) bad_duration(text, "no digit follows the point");
  }
  if (rest.empty()) bad_duration(text, "the unit is missing");
  const auto* const unit =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& candidate) { return candidate.name == rest; });
  if (unit == kUnits.end()) bad_duration(text, fmt::format("'{}' is not a unit", rest));

  std::uint64_t units = 0;
  if (!to_number(whole, kMostNs / unit->size, units)) bad_duration(text, "more than 2^63-1 ns");
  std::uint64_t ns = units * unit->size;

  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (!fraction.empty()) {
    // No unit is a multiple of 10^-18 ns' worth of digits: what is longer cannot be whole nanoseconds.
    if (fraction.size() > 18) bad_duration(text, "fractional nanoseconds");
    std::uint64_t numerator = 0;
    to_number(fraction, std::numeric_limits<std::uint64_t>::max(), numerator);
    Wide scale = 1;
    for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
    const Wide product = static_cast<Wide>(numerator) * unit->size;
    if (product % scale != 0) bad_duration(text, "fractional nanoseconds");
    const auto part = static_cast<std::uint64_t>(product / scale);
    if (part > kMostNs - ns) bad_duration(text, "more than 2^63-1 ns");
    ns += part;
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(ns));
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<std::uint64_t>(duration.count());
  if (ns == 0) return "0s";
  std::string shortest;
  for (const Unit& unit : kUnits) {
    if (unit.name == "min" || ns < unit.size) continue;
    std::string text = decimal(ns, unit.size);
    text += unit.name;
    if (shortest.empty() || text.size() <= shortest.size()) shortest = text;  // of equals the larger unit
  }
  return shortest;
}

std::string human_duration(std::chrono::nanoseconds duration) { return human_ns(duration.count()); }

std::string human_ns(std::int64_t ns) { return human_ns(static_cast<double>(ns)); }

std::string human_ns(double ns) {
  const double size = std::abs(ns);
  if (size < 1) return "0 s";
  struct Scale {
    double ns;
    std::string_view name;
  };
  // The limit of a unit is where three significant digits would round up into the next one.
  for (const Scale& scale : {Scale{1, "ns"}, Scale{1e3, "us"}, Scale{1e6, "ms"}}) {
    if (size < 999.5 * scale.ns) {
      return fmt::format("{:.{}f} {}", ns / scale.ns, size < 9.995 * scale.ns ? 2 : size < 99.95 * scale.ns ? 1 : 0, scale.name);
    }
  }
  if (size < 119.95e9) return fmt::format("{:.{}f} s", ns / 1e9, size < 9.995e9 ? 2 : size < 99.95e9 ? 1 : 0);
  if (size < 119.5 * 60e9) return fmt::format("{:.{}f} min", ns / 60e9, size < 9.995 * 60e9 ? 2 : size < 99.95 * 60e9 ? 1 : 0);
  return fmt::format("{:.3g} h", ns / 3600e9);
}

std::string human_rate(double rate_per_s) {
  if (rate_per_s < 1) return fmt::format("{:.4g}/min", 60 * rate_per_s);
  return rate_per_s >= 1000 ? fmt::format("{:.0f}/s", rate_per_s) : fmt::format("{:.4g}/s", rate_per_s);
}

std::vector<std::chrono::nanoseconds> parse_durations(std::string_view text) {
  if (trimmed(text).empty())
    throw ConfigError("empty list of durations; allowed: durations separated by commas, as in 8x100ms,1s");
  std::vector<std::chrono::nanoseconds> durations;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(',');
    std::string_view item = trimmed(rest.substr(0, comma));
    if (item.empty()) throw ConfigError(fmt::format("empty item in the list of durations '{}'", text));
    std::uint64_t repeats = 1;
    std::string_view after = item;
    const std::string_view digits = take_digits(after);
    if (!digits.empty() && !after.empty() && after.front() == 'x') {
      if (!to_number(digits, kMostItems, repeats) || repeats < 1) {
        throw ConfigError(fmt::format("bad repeat '{}x' in '{}'; allowed: 1x to {}x", digits, item, kMostItems));
      }
      item = after.substr(1);
    }
    const auto duration = parse_duration(item);
    if (durations.size() + repeats > static_cast<std::size_t>(kMostItems)) {
      throw ConfigError(fmt::format("'{}' has more than {} durations", text, kMostItems));
    }
    durations.insert(durations.end(), repeats, duration);
    if (comma == std::string_view::npos) return durations;
    rest.remove_prefix(comma + 1);
  }
}

std::int64_t parse_bytes(std::string_view text) {
  constexpr std::string_view kForms = "a whole number of bytes, or of KiB, MiB, GiB, as in 4096, 64KiB";
  std::string_view rest = text;
  const std::string_view digits = take_digits(rest);
  std::uint64_t unit = 0;
  if (rest.empty()) unit = 1;
  if (rest == "KiB") unit = std::uint64_t{1} << 10;
  if (rest == "MiB") unit = std::uint64_t{1} << 20;
  if (rest == "GiB") unit = std::uint64_t{1} << 30;
  if (digits.empty() || unit == 0) throw ConfigError(fmt::format("bad size in bytes '{}'; allowed: {}", text, kForms));
  std::uint64_t value = 0;
  if (!to_number(digits, kMostNs / unit, value)) {
    throw ConfigError(fmt::format("bad size in bytes '{}': more than 2^63-1; allowed: {}", text, kForms));
  }
  return static_cast<std::int64_t>(value * unit);
}

std::int64_t parse_bandwidth(std::string_view text) {
  constexpr std::array<Unit, 7> kSizes = {{{"B/s", 1},
                                           {"kB/s", 1'000},
                                           {"MB/s", 1'000'000},
                                           {"GB/s", 1'000'000'000},
                                           {"KiB/s", std::uint64_t{1} << 10},
                                           {"MiB/s", std::uint64_t{1} << 20},
                                           {"GiB/s", std::uint64_t{1} << 30}}};
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const std::string_view name(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  const auto unit = std::find_if(kSizes.begin(), kSizes.end(), [&](const Unit& each) { return each.name == name; });
  constexpr double kMostBytes = 9.2e18;
  const double bytes = unit == kSizes.end() ? 0 : value * static_cast<double>(unit->size);
  if (error != std::errc{} || !(bytes >= 1 && bytes <= kMostBytes)) {  // NaN fails every comparison
    throw ConfigError(
        fmt::format("bad bandwidth '{}'; allowed: a number and one of B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s, at least "
                    "1B/s, as in 100MB/s, 1.25GB/s",
                    text));
  }
  return static_cast<std::int64_t>(bytes);
}

std::int64_t parse_integer(std::string_view text, std::string_view what, std::int64_t least, std::int64_t most) {
  std::string_view digits = text;
  const bool negative = !digits.empty() && digits.front() == '-';
  if (negative) digits.remove_prefix(1);
  std::string_view rest = digits;
  take_digits(rest);
  std::uint64_t size = 0;
  bool good = !digits.empty() && rest.empty() && to_number(digits, kMostNs, size);
  const std::int64_t value = negative ? -static_cast<std::int64_t>(size) : static_cast<std::int64_t>(size);
  good = good && value >= least && value <= most;
  if (!good) throw ConfigError(fmt::format("bad {} '{}'; allowed: a whole number from {} to {}", what, text, least, most));
  return value;
}

double parse_number(std::string_view text, std::string_view what, double least, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  // NaN fails every comparison.
  if (whole && value >= least && value <= most) return value;
  throw ConfigError(fmt::format("bad {} '{}'; allowed: a number from {} to {}", what, text, least, most));
}

std::uint64_t parse_seed(std::string_view text) {
  std::string_view rest = text;
  const std::string_view digits = take_digits(rest);
  std::uint64_t value = 0;
  if (digits.empty() || !rest.empty() || !to_number(digits, std::numeric_limits<std::uint64_t>::max(), value)) {
    throw ConfigError(fmt::format("bad seed '{}'; allowed: a whole number from 0 to 2^64-1", text));
  }
  return value;
}

}  // namespace harness
