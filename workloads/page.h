#pragma once

// The documents that the HTTP server serves and that the parsers make when they are given none: functions of (seed,
// bytes) alone, byte for byte the same in every process. Pure functions, any thread.

#include <cstdint>
#include <string>

namespace workloads {

inline constexpr std::int64_t kSmallestPage = 512;
inline constexpr std::int64_t kLargestPage = std::int64_t{64} << 20;
inline constexpr std::int64_t kDefaultPage = std::int64_t{16} << 10;

// Exactly `bytes` bytes of valid ASCII. REQUIRES: kSmallestPage <= bytes <= kLargestPage.
std::string html_page(std::uint64_t seed, std::int64_t bytes);      // a document with a link per 100 to 150 bytes
std::string json_document(std::uint64_t seed, std::int64_t bytes);  // an object with an array of records

constexpr bool serves_html(std::uint64_t seed) { return seed % 2 == 0; }

// HTML for even seeds, JSON for odd ones.
inline std::string served_page(std::uint64_t seed, std::int64_t bytes) {
  return serves_html(seed) ? html_page(seed, bytes) : json_document(seed, bytes);
}

}  // namespace workloads
