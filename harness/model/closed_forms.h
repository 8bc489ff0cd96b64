#pragma once

// Closed forms of the makespan, each with a predicate that says whether a case lies in its domain and, if not, which
// condition is violated, in numbers. Outside its domain a formula still has a value: that is what it claims.
//
// Notation: n tasks t_i with callbacks c_i on k workers, q = ceil(n/k), L = n - (q-1)k; r_(j) the j-th completion,
// c_(j) its callback. Unless a form says otherwise it holds without overheads (d = e = x = 0) and with a core per
// worker.
//
// Thread safety: pure functions. All throw as check().

#include <cstdint>
#include <string>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

struct ClosedForm {
  std::string formula;  // "max(t + nc, qt + Lc)"
  bool in_domain = false;
  std::string violated;  // empty in the domain; else the condition in numbers: "n = 8 > k = 4"
  std::int64_t value_ns = 0;
  std::string binding_term;  // which term of the formula attains it: "t + nc"
};

// The simplest form that is exact for this case; the general ones (max over the completions) take their r from stage 1.
// Out of its domain (and then equal to the simulation, named as such) when there is none: unequal tasks that outnumber
// the workers under `none`, `worker` and `fused`, unequal callbacks under `extra`, contention for cores.
ClosedForm closed_form(const Case& c);

// The tutorial's formulas. Each looks at the case's tasks, callbacks, workers and parsers only; of unequal callbacks,
// which the tutorial leaves undefined, the longest is taken for c, and the violated condition says so.
ClosedForm tutorial_thread(const Case& c);             // longest + c, callbacks where the task ran
ClosedForm tutorial_process_different(const Case& c);  // longest + c, callbacks one at a time in the main process
ClosedForm tutorial_process_equal(const Case& c);      // longest + n*c, likewise
// The remedy, m parser processes: saves (n - ceil(n/m))*c over `main`.
ClosedForm tutorial_remedy(const Case& c);
// Rival reading of "callbacks run on the idle threads": a callback is a new job behind all that wait for a thread.
std::int64_t callbacks_as_jobs(const Case& c);

// max_j [r_(j) + sum_{i>=j} c_(i)]: one callback server, FIFO. `completions` are in submission order.
struct TandemTerm {
  std::int64_t value_ns = 0;
  std::size_t j = 0;  // from 1, in completion order; the first that attains it
};
TandemTerm tandem(const std::vector<std::int64_t>& completions_ns, const std::vector<std::int64_t>& callbacks_ns);

// CPU work alone, n <= k, P cores: sum_j (t_(j) - t_(j-1)) * max(1, (n-j+1)/P), rounded to the nearest ns.
std::int64_t processor_sharing_makespan(std::vector<std::int64_t> compute_ns, int cores);

// "120 ms", "1.5 s", "0 s": exact, for messages.
std::string duration_text(std::int64_t ns);

}  // namespace harness::model
