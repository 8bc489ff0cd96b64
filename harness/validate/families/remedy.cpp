// The tutorial's remedy for slow callbacks: extra processes that deal with the results. Durations: see
// thread_formulas.cpp.

#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

constexpr std::string_view kRemedy = "解决方法：不绑定回调函数，直接再开几个进程，用开的进程来处理返回的值";
constexpr std::string_view kDomain = "equal t and c, n <= k";

}  // namespace

std::vector<Claim> remedy_claims() {
  using model::tutorial_remedy;
  return {
      formula_claim("remedy", "extra parser processes instead of callbacks: four save n - 1 callbacks", kRemedy, kDomain,
                    tutorial_remedy, {"process", 4, "extra", 4, times(4, 500), times(4, 100)}),
      formula_claim("remedy_two_parsers", "two parser processes save n - ceil(n/2) callbacks", kRemedy, kDomain, tutorial_remedy,
                    {"process", 4, "extra", 2, times(4, 100), times(4, 60)}),
      formula_claim("remedy_four_parsers", "four parser processes save n - 1 callbacks", kRemedy, kDomain, tutorial_remedy,
                    {"process", 4, "extra", 4, times(4, 100), times(4, 60)}),
      formula_claim("remedy_spread_completions", "four parser processes where completions are a callback apart", kRemedy, kDomain,
                    tutorial_remedy, {"process", 4, "extra", 4, {60, 120, 180, 240}, times(4, 60)}),
      formula_claim("remedy_without_parsers", "parsing in the task itself does as well as four parsers", "", "n <= k", exact,
                    {"process", 4, "fused", 0, times(4, 100), times(4, 60)}),
  };
}

}  // namespace harness
