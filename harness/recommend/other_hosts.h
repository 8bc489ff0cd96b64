#pragma once

// Whether leaving the machine pays: what is recommended against the fastest on the other side, other hosts or this machine.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>
#include <string>

#include "harness/model/statistics.h"
#include "harness/recommend/recommend.h"

namespace harness::recommend {

struct Leaving {
  Choice here;
  Choice away;
  model::Ratio ratio;         // what `away` takes over what `here` takes, with its 95 % interval
  bool is_predicted = false;  // one of them was not run: the ratio is the model's, without an interval
  std::optional<std::int64_t>
      from_ns;  // with so many workers there and here: from which task size on, by what the way costs; nothing: never
};

// Nothing where no hosts were asked about.
std::optional<Leaving> leaving(const Question& question, const Recommendation& recommendation);
std::string leaving_text(const Leaving& leaving);  // in plain words

}  // namespace harness::recommend
