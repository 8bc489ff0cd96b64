#pragma once

// The claims, measured: their cells as plans, in rounds.
//
// The first round is everything: the calibration of the overheads, every formula at scales 1, 2 and 4, every other claim at
// scale 1, all in one order that is random from the seed. A claim that it leaves open gets more repetitions once. One that is
// too blunt then - its spread wider than its tolerance - gets durations twice as long, at most twice, and the same again.
//
// Thread safety: pure functions.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/validate/claims.h"

namespace harness {

// How often the durations of a claim that is too blunt are doubled.
inline constexpr int kMostDoublings = 2;

// The first round. `runs` repetitions at scale 1 and three fifths of them, rounded up, at scales 2 and 4: 5, 3 and 3 decide
// with two outside on each side. No warm-ups: every repetition warms its own pool. Without the claims for which this build lacks something.
Plan validation_plan(int runs, int cores, std::uint64_t seed, const ChosenClaims& chosen = claims_matching());

// What the claims that `results` leaves open still need: the plan of the next round, with the repetitions that it repeats
// counted in; no cells when there is nothing more to do.
Plan next_round(std::span<const ClaimResult> results, int runs, int cores, std::uint64_t seed);

// The cells of the formulas as a suite, so that a run directory can be read without this program's claims.
std::string validation_suite(int runs, std::uint64_t seed);

// Each of these claims, at the scale that decides it; those without a sample are inconclusive ("not measured", or what this build lacks).
std::vector<ClaimResult> validate(std::span<const Sample> samples, const EvidenceOf& evidence = {}, int cores = 2,
                                  const ChosenClaims& chosen = claims_matching());

// Whether a verdict contradicts the model's.
bool any_contradiction(std::span<const ClaimResult> results);

}  // namespace harness
