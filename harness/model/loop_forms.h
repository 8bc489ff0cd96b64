#pragma once

// What is known of an event loop without simulating it: closed forms with their domains, and bounds that always hold.
//
// Notation: n tasks wait w_i and compute x_i, their callbacks v_i and y_i, on L loop threads, at most B in flight (no limit
// counts as B = n). q = ceil(n/B). A form holds without overheads (d = e = u = 0) unless it names them, and where nothing
// contends for cores or a lock.
//
// | form                                             | domain, and why                                                   |
// |--------------------------------------------------|-------------------------------------------------------------------|
// | those of a pool of B workers                     | nothing computes on the loop, or B <= L or n <= L: nothing that is |
// |                                                  | ready waits for a thread, so a place in flight is a worker         |
// | those of a pool of min(L, B) workers             | nothing waits (`none`, `fused`): all are ready when submitted      |
// | max_j [w_(j) + sum_{i>=j} x_(i)], by wait        | L = 1, B >= n, `none`; `worker` and `fused` with x := x + y where  |
// |                                                  | no callback waits: one server that never idles before its work     |
// | w + ceil(n/L)x                                   | equal tasks, B >= n: all are ready at w                            |
// | max(w + ceil(n/L)x, q(w + x) + (r - 1)x)         | equal tasks, L divides B; r = ceil((n - (q-1)B)/L): rounds that    |
// |                                                  | march in lockstep below the knee B = L(1 + w/x), no gap above it   |
// | w + max(n(x + y), x + v + ny, nx + v + y)        | `worker`, equal tasks and callbacks, L = 1, B >= n: all tasks are  |
// |                                                  | ready before the first callback                                    |
// | a pool's forms over the completions r            | `main`, `extra`, `collect`, `as_completed`; r from stage 1         |
// | sum(d + w + u + e + x + c)                       | `sync`                                                             |
//
// Thread safety: pure functions.

#include "harness/model/bounds.h"
#include "harness/model/case.h"
#include "harness/model/closed_forms.h"

namespace harness::model {

// REQUIRES of both: check(c) passed, c.executor == Executor::loop.
ClosedForm loop_form(const Case& c);

// Lower: the longest chain of waiting and computing; computing over the threads and cores that there are, after the first
// wait; what is held in flight over B; callbacks on their own servers after the first completion. Upper, where nothing
// contends: before the last task ends, either all threads are busy, or B tasks that are before it in line get on, or it gets
// on itself; so n*d + sum(x + y)/L + (B < n: sum(w + x + v + y)/B) + the longest chain. Contention may serialise all.
Bounds loop_bounds(const Case& c);

}  // namespace harness::model
