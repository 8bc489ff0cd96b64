#pragma once

// The families of claims, one file each. A new family is its file and a line here.

#include <vector>

#include "harness/validate/families/claim.h"

namespace harness {

std::vector<Claim> thread_formula_claims();
std::vector<Claim> process_formula_claims();
std::vector<Claim> remedy_claims();
std::vector<Claim> callback_claims();
std::vector<Claim> io_claims();
std::vector<Claim> cpu_claims();
std::vector<Claim> client_claims();
std::vector<Claim> submission_claims();
std::vector<Claim> shutdown_claims();
std::vector<Claim> map_claims();
std::vector<Claim> event_loop_claims();

// In the order in which a reader wants them.
// clang-format off
inline constexpr std::vector<Claim> (*kClaimFamilies[])() = {
    callback_claims,
    thread_formula_claims,
    process_formula_claims,
    remedy_claims,
    io_claims,
    cpu_claims,
    client_claims,
    submission_claims,
    shutdown_claims,
    map_claims,
    event_loop_claims,
};
// clang-format on

}  // namespace harness
