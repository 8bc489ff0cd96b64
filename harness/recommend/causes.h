#pragma once

// What the first runs blamed - a lock, contention - held against what was run afterwards: a cause stands only as long as the predictions
// made with it fit.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "harness/recommend/curve.h"
#include "harness/recommend/decision.h"

namespace harness::recommend {

// By how much the predictions of the profile for that pool miss what was measured: the median of |measured / predicted - 1| over its
// runs of several workers. Negative without any.
double misfit(const Profile& profile, const Batch& batch, const std::vector<Measured>& measured, Pool pool);

// Takes out of the profile each cause that does not hold: the predictions fit what was measured as well without it, or they are off by
// more than 15 % with it and it mends less than half of what is amiss without it. Returns what was taken out, in words.
std::vector<std::string> drop_refuted(Profile& profile, const Batch& batch, const std::vector<Measured>& measured);

// For threads that have one lock in common (a GIL) of which the first runs told nothing, as they do where processes are slow, too, for a
// reason of their own: takes all computing to go on under it, and nothing else to contend, where that prediction fits what was run and the
// one that stood is off by more than 15 %, and by more than twice as much. Says whether it did.
bool take_for_the_lock(Profile& profile, const Batch& batch, const std::vector<Measured>& measured);

// Of each pool that a cause is said of, the one of `choices` with several workers that is predicted fastest: what has to be run, however slow
// it is predicted to be, for drop_refuted() to tell whether the cause is there.
std::vector<Choice> witnesses_of_causes(const Profile& profile, const Batch& batch, const std::vector<Choice>& choices);

}  // namespace harness::recommend
