#pragma once

// How a page is asked for: GET /page?seed=S&bytes=B&delay_ns=D, decimal, in this order. Pure functions, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace workloads {

struct PageRequest {
  std::uint64_t seed = 0;
  std::int64_t bytes = 0;     // kSmallestPage to kLargestPage
  std::int64_t delay_ns = 0;  // 0 to kLongestDelayNs; from the arrival of the request to the answer
};

std::string page_target(const PageRequest& request);
// Empty unless the target is exactly what page_target makes of a request within its bounds.
std::optional<PageRequest> parse_page_target(std::string_view target);

}  // namespace workloads
