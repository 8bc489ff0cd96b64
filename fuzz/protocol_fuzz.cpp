// What clients ask of the two servers: the target of an HTTP request, the header of an echo request (workloads/).

#include <algorithm>

#include "fuzz/fuzz.h"
#include "workloads/echo_protocol.h"
#include "workloads/page.h"
#include "workloads/page_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto page = workloads::parse_page_target(text)) {
    FUZZ_REQUIRE(page->bytes >= workloads::kSmallestPage && page->bytes <= workloads::kLargestPage && page->delay_ns >= 0);
    FUZZ_REQUIRE(workloads::page_target(*page) == text);  // "exactly what page_target makes"
  }
  workloads::EchoHeaderBytes bytes{};
  std::copy_n(data, std::min(size, bytes.size()), bytes.begin());
  if (const auto header = workloads::decode_echo_header(bytes)) {
    FUZZ_REQUIRE(header->bytes >= 0 && header->bytes <= workloads::kLargestEcho && header->delay_ns >= 0);
    FUZZ_REQUIRE(workloads::encode_echo_header(*header) == bytes);
  }
  return 0;
}
