#include "workloads/echo_protocol.h"

#include "workloads/request.h"

namespace workloads {
namespace {

constexpr std::uint64_t kMark = 0x6f686365706f6f6cULL;  // "loopecho"

void put(EchoHeaderBytes& bytes, std::size_t offset, std::uint64_t number) {
  for (std::size_t index = 0; index < 8; ++index) bytes[offset + index] = static_cast<unsigned char>(number >> (8 * index));
}

std::uint64_t get(const EchoHeaderBytes& bytes, std::size_t offset) {
  std::uint64_t number = 0;
  for (std::size_t index = 8; index-- > 0;) number = number << 8 | bytes[offset + index];
  return number;
}

}  // namespace

EchoHeaderBytes encode_echo_header(const EchoHeader& header) {
  EchoHeaderBytes bytes{};
  put(bytes, 0, kMark);
  put(bytes, 8, static_cast<std::uint64_t>(header.delay_ns));
  put(bytes, 16, static_cast<std::uint64_t>(header.bytes));
  return bytes;
}

std::optional<EchoHeader> decode_echo_header(const EchoHeaderBytes& bytes) {
  const EchoHeader header{.delay_ns = static_cast<std::int64_t>(get(bytes, 8)),
                          .bytes = static_cast<std::int64_t>(get(bytes, 16))};
  const bool valid = get(bytes, 0) == kMark && header.delay_ns >= 0 && header.delay_ns <= kLongestDelayNs && header.bytes >= 0 &&
                     header.bytes <= kLargestEcho;
  return valid ? std::optional(header) : std::nullopt;
}

}  // namespace workloads
