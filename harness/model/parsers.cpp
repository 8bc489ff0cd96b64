#include "harness/model/parsers.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "harness/model/simulate.h"

namespace harness::model {

int enough_parsers(Case c) {
  assert(c.strategy == Strategy::extra);
  check(c);
  const int most = static_cast<int>(std::min<std::size_t>(c.tasks.size(), std::numeric_limits<int>::max()));
  const auto makespan_with = [&c](int parsers) {
    c.parsers = parsers;
    return simulate(c).makespan_ns;
  };
  const std::int64_t unlimited = makespan_with(most);
  if (shares_cores(c)) {
    int parsers = 1;
    while (parsers < most && makespan_with(parsers) > unlimited) ++parsers;
    return parsers;
  }
  int enough = most;  // invariant: enough parsers reach it, `few` - 1 do not
  for (int few = 1; few < enough;) {
    const int middle = few + (enough - few) / 2;
    if (makespan_with(middle) == unlimited) {
      enough = middle;
    } else {
      few = middle + 1;
    }
  }
  return enough;
}

}  // namespace harness::model
