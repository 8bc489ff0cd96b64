#pragma once

// Workers on other hosts, in closed form, and from which task size on they are worth the way.
//
// Notation as in closed_forms.h, and of the hop l, b, b' (case.h); A and B are the smaller and the larger of b and b'.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>

#include "harness/model/case.h"
#include "harness/model/closed_forms.h"
#include "harness/model/shape.h"

namespace harness::model {

// Out of its domain (the simulation, named as such) unless the tasks are equal, nothing else costs anything, and the window either bounds
// nothing or is k, without b and b'. REQUIRES: check(c) passed, c.hop.any(), `s` is the shape of c.
ClosedForm hop_form(const Case& c, const Shape& s);

// n equal tasks of t on k workers of other hosts, until their caller has all results: 2l + A + max(nB + t, LB + qt).
std::int64_t away_and_back_ns(std::int64_t tasks, std::int64_t task_ns, int workers, const Hop& hop);

// The smallest t from which on that is no more than qt, what the same n tasks take on the workers here:
//   max((2l + A + nB) / (q - 1), (2l + A + L'B) / (q - q'))   with q', L' of the workers there, rounded up.
// Nothing where more rounds are needed there or as many: leaving never pays. The window is not looked at.
// REQUIRES: tasks, workers_here and workers_there >= 1, and what check() asks of the hop.
std::optional<std::int64_t> break_even_ns(std::int64_t tasks, int workers_here, int workers_there, const Hop& hop);

// Of ever more tasks: kB with the k workers here, if there are more of them there; nothing otherwise. Latency does not matter any more.
std::optional<std::int64_t> break_even_in_the_long_run_ns(int workers_here, int workers_there, const Hop& hop);

}  // namespace harness::model
