#include "harness/recommend/rounds.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "harness/model/statistics.h"

namespace harness::recommend {

void shuffle(std::vector<Choice>& choices, SplitMix64& random) {
  for (std::size_t left = choices.size(); left > 1; --left) std::swap(choices[left - 1], choices[random.below(left)]);
}

void Rounds::run(const Choice& choice) {
  const std::int64_t makespan = trials_.time(choice, batch_.tasks);
  auto known = std::ranges::find(measured_, choice, &Measured::choice);
  if (known == measured_.end()) {
    known = measured_.insert(known, {.choice = choice, .predicted_ns = predict_ns(profile_, batch_, choice), .makespans_ns = {}});
  }
  known->makespans_ns.push_back(makespan);
  known->median_ns = model::median(known->makespans_ns);
  known->interval = model::median_interval(known->makespans_ns);
}

std::chrono::nanoseconds Rounds::expected(const Choice& choice) const {
  const Measured* const known = find(choice);
  return std::chrono::nanoseconds(known != nullptr ? known->median_ns : predict_ns(profile_, batch_, choice));
}

const Measured& Rounds::of(const Choice& choice) const {
  assert(find(choice) != nullptr);
  return *find(choice);
}

const Measured& Rounds::fastest() const {
  assert(!measured_.empty());
  return *std::min_element(measured_.begin(), measured_.end(),
                           [](const Measured& a, const Measured& b) { return a.median_ns < b.median_ns; });
}

std::vector<Measured> Rounds::ranking() const {
  std::vector<Measured> ranked = measured_;
  std::stable_sort(ranked.begin(), ranked.end(), [](const Measured& a, const Measured& b) { return a.median_ns < b.median_ns; });
  return ranked;
}

void Rounds::predict_anew() {
  for (Measured& known : measured_) known.predicted_ns = predict_ns(profile_, batch_, known.choice);
}

const Measured* Rounds::find(const Choice& choice) const {
  const auto known = std::ranges::find(measured_, choice, &Measured::choice);
  return known == measured_.end() ? nullptr : &*known;
}

}  // namespace harness::recommend
