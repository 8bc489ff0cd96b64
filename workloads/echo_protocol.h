#pragma once

// What tcp_echo and the echo server say to each other. A request is a header of 24 bytes, three numbers of 64 bits,
// little endian - mark, delay in ns, size of the payload in bytes - and the payload. The server waits for the delay,
// counted from the last byte of the request, and answers with the payload alone. A connection carries any number of
// requests, one after the other. A request that breaks a bound ends the connection without an answer.
//
// Pure functions, any thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace workloads {

inline constexpr std::size_t kEchoHeaderBytes = 24;
inline constexpr std::int64_t kLargestEcho = std::int64_t{64} << 20;

struct EchoHeader {
  std::int64_t delay_ns = 0;
  std::int64_t bytes = 0;
};

using EchoHeaderBytes = std::array<unsigned char, kEchoHeaderBytes>;

EchoHeaderBytes encode_echo_header(const EchoHeader& header);
// Empty unless the mark is right and 0 <= delay_ns <= kLongestDelayNs, 0 <= bytes <= kLargestEcho.
std::optional<EchoHeader> decode_echo_header(const EchoHeaderBytes& bytes);

}  // namespace workloads
