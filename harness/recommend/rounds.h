#pragma once

// Several choices, run again and again, and what is known of each so far.
//
// Not thread-safe.

#include <chrono>
#include <vector>

#include "harness/base/random.h"
#include "harness/recommend/curve.h"
#include "harness/recommend/decision.h"
#include "harness/recommend/trials.h"

namespace harness::recommend {

void shuffle(std::vector<Choice>& choices, SplitMix64& random);

class Rounds {
 public:
  // All three outlive it.
  Rounds(Trials& trials, const Profile& profile, const Batch& batch) : trials_(trials), profile_(profile), batch_(batch) {}

  // The whole batch, once more. Throws as Trials::run.
  void run(const Choice& choice);

  // Its median so far, or what is predicted of one that has not run.
  std::chrono::nanoseconds expected(const Choice& choice) const;

  const std::vector<Measured>& measured() const { return measured_; }  // in the order in which they ran first
  const Measured& of(const Choice& choice) const;                      // REQUIRES: it has run
  const Measured* find(const Choice& choice) const;                    // nullptr: it has not
  const Measured& fastest() const;                                     // by the median. REQUIRES: one has run
  std::vector<Measured> ranking() const;                               // fastest first
  bool is_known(const Choice& choice) const { return trials_.is_known(choice, batch_.tasks); }  // its next run takes no time

  void predict_anew();  // after the profile has changed

 private:
  Trials& trials_;
  const Profile& profile_;
  const Batch& batch_;
  std::vector<Measured> measured_;
};

}  // namespace harness::recommend
