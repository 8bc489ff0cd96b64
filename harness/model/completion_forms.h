#pragma once

// The closed forms of callbacks that have servers of their own: they take their completions r from stage 1 and do not care
// what executed it. And what all closed forms are made with.
//
// Thread safety: pure functions.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/model/case.h"
#include "harness/model/closed_forms.h"
#include "harness/model/shape.h"

namespace harness::model {

std::int64_t sum(const std::vector<std::int64_t>& values);

ClosedForm exactly(std::string formula, std::int64_t value_ns, std::string binding);
// Out of its domain: the value is the simulation's.
ClosedForm simulated(std::string formula, const Case& c, std::string why);
// The larger of two named terms; the first when they tie.
ClosedForm larger(std::string formula, std::string first, std::int64_t first_ns, std::string second, std::int64_t second_ns);

// REQUIRES of all: check(c) passed, nothing contends for cores or a lock, `s` is the shape of c.
ClosedForm one_server_form(const Case& c, const Shape& s);  // `main`: in completion order
ClosedForm extra_form(const Case& c, const Shape& s);
ClosedForm collect_form(const Case& c, const Shape& s);  // the caller, once everything is submitted, in submission order
ClosedForm as_completed_form(const Case& c, const Shape& s);

}  // namespace harness::model
