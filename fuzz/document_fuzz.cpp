// Fetched pages: links of HTML, the values of JSON (workloads/parse_*.cpp).

#include <stdexcept>

#include "fuzz/fuzz.h"
#include "workloads/computation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  FUZZ_REQUIRE(workloads::digest_of_html_links(text) == workloads::digest_of_html_links(text));
  try {
    FUZZ_REQUIRE(workloads::digest_of_json(text) == workloads::digest_of_json(text));
  } catch (const std::runtime_error&) {
  }
  return 0;
}
