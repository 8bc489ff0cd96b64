// The tutorial's remedy for slow callbacks: extra processes that deal with the results. Durations: see
// thread_formulas.cpp.

#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

constexpr std::string_view kRemedyDomain = "equal t and c, n <= k";

}  // namespace

std::vector<Claim> remedy_claims() {
  using model::tutorial_remedy;
  return {
      formula_claim("remedy", "extra parser processes instead of callbacks: four save n - 1 callbacks", kRemedy, kRemedyDomain,
                    tutorial_remedy, {"process", 4, "extra", 4, times(4, 500), times(4, 100)}),
      formula_claim("remedy_two_parsers", "two parser processes save n - ceil(n/2) callbacks", kRemedy, kRemedyDomain,
                    tutorial_remedy, {"process", 4, "extra", 2, times(4, 100), times(4, 60)}),
      formula_claim("remedy_four_parsers", "four parser processes save n - 1 callbacks", kRemedy, kRemedyDomain, tutorial_remedy,
                    {"process", 4, "extra", 4, times(4, 100), times(4, 60)}),
      formula_claim("remedy_spread_completions", "four parser processes where completions are a callback apart", kRemedy,
                    kRemedyDomain, tutorial_remedy, {"process", 4, "extra", 4, {60, 120, 180, 240}, times(4, 60)}),
      formula_claim("remedy_without_parsers", "parsing in the task itself does as well as four parsers", "", "n <= k", exact,
                    {"process", 4, "fused", 0, times(4, 100), times(4, 60)}),
  };
}

}  // namespace harness
