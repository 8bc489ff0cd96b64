#pragma once

// How many parsers are worth having.

#include "harness/model/case.h"

namespace harness::model {

// m*: the fewest parsers with which `extra` takes no longer than with one per task, whatever the callbacks. Found by
// simulation: adding a parser to a FIFO queue delays no callback, so the makespan falls with m and m* is searched by
// halves; where demands share cores it need not fall, and every m from 1 is tried. Of equal callbacks that share nothing
// it is fewest_parsers() of the completions. Throws as check(). O(n log^2 n), shared cores O(m* n log n).
// REQUIRES: c.strategy == extra.
int enough_parsers(Case c);

}  // namespace harness::model
