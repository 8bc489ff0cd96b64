#include "workloads/page_request.h"

#include <charconv>

#include "workloads/page.h"
#include "workloads/request.h"

namespace workloads {
namespace {

// Takes `key` and the number after it off the front of the text.
template <class Number>
bool take(std::string_view& text, std::string_view key, Number& number) {
  if (!text.starts_with(key)) return false;
  text.remove_prefix(key.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::string page_target(const PageRequest& request) {
  return "/page?seed=" + std::to_string(request.seed) + "&bytes=" + std::to_string(request.bytes) +
         "&delay_ns=" + std::to_string(request.delay_ns);
}

std::optional<PageRequest> parse_page_target(std::string_view target) {
  const std::string_view asked = target;
  PageRequest request;
  const bool whole = take(target, "/page?seed=", request.seed) && take(target, "&bytes=", request.bytes) &&
                     take(target, "&delay_ns=", request.delay_ns) && target.empty();
  const bool within = request.bytes >= kSmallestPage && request.bytes <= kLargestPage && request.delay_ns >= 0 &&
                      request.delay_ns <= kLongestDelayNs;
  // Numbers have other spellings: "007", "-0".
  return whole && within && page_target(request) == asked ? std::optional(request) : std::nullopt;
}

}  // namespace workloads
