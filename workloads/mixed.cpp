// Waits, then computes: a request that is answered and then worked on. R, the ratio of the two, decides how many
// workers a core can use (1 + R); jitter J spreads the durations of a cell's tasks evenly over [1 - J, 1 + J] times the
// asked one, by their seeds.

#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "workloads/async.h"
#include "workloads/catalogue.h"
#include "workloads/clock.h"
#include "workloads/computation.h"
#include "workloads/digest.h"
#include "workloads/event_loop.h"
#include "workloads/request.h"

namespace workloads {
namespace {

// What `mixed` without parameters means.
constexpr double kPlainRatio = 4;
constexpr double kLargestRatio = 1e6;

struct Shape {
  double wait_per_compute;  // W/C, not negative
  double jitter;            // 0 to 1
};

// Those that are listed: ratios below, at and above the five workers per core of the rule of thumb, and one of nearly pure waiting.
constexpr std::array kShapes{Shape{4, 0},   Shape{1, 0},   Shape{9, 0},   Shape{39, 0},
                             Shape{4, 0.5}, Shape{1, 0.5}, Shape{9, 0.5}, Shape{39, 0.5}};

std::string number_text(double number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

std::string name_of(const Shape& shape) {
  if (shape.jitter == 0 && shape.wait_per_compute == kPlainRatio) return "mixed";
  std::string name = "mixed:" + number_text(shape.wait_per_compute);
  if (shape.jitter != 0) name += "~" + number_text(shape.jitter);
  return name;
}

class Mixed final : public Workload {
 public:
  explicit Mixed(const Shape& shape)
      : shape_(shape),
        name_(name_of(shape)),
        summary_("waits, then computes: W/C = " + number_text(shape.wait_per_compute) +
                 (shape.jitter == 0 ? "" : ", durations spread by +-" + number_text(shape.jitter * 100) + " %")) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }
  const Shape& shape() const { return shape_; }

  Work make(const Request& request, const Calibration& calibration) const override {
    // 53 random bits are a uniform double in [0, 1).
    const double uniform = std::ldexp(static_cast<double>(SplitMix64(request.seed)() >> 11), -53);
    const double factor = 1 + shape_.jitter * (2 * uniform - 1);
    const auto duration_ns =
        shape_.jitter == 0 ? request.duration.count() : units_for(request.duration.count(), factor);  // rounded, saturating
    const auto compute_ns = std::llround(static_cast<double>(duration_ns) / (1 + shape_.wait_per_compute));
    return {.wait_ns = duration_ns - compute_ns,
            .compute_units = units_for(compute_ns, calibration.spin_units_per_ns),
            .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration& calibration) const override {
    return {.wait_ns = work.wait_ns, .compute_ns = duration_of(work.compute_units, calibration.spin_units_per_ns)};
  }
  std::string_view callback(const Work&) const override { return "spin"; }
  const Workload& in_catalogue() const override;

  Product run(const Work& work, const RunContext&, std::string_view) const override {
    if (work.wait_ns > 0) sleep_until_ns(deadline_after_ns(work.wait_ns));
    return computed(work);
  }
  Async<Product> run_on(OnLoop& on, const Work& work, const RunContext&, std::string_view) const override {
    if (work.wait_ns > 0) co_await on.sleep_until(deadline_after_ns(work.wait_ns));
    co_return computed(work);
  }

 private:
  static Product computed(const Work& work) {
    return {.digest = spin_steps(combine(work.seed, "mixed"), work.compute_units), .body = {}};
  }

  const Shape shape_;
  const std::string name_;
  const std::string summary_;
};

const std::vector<Mixed>& instances() {
  static const std::vector<Mixed> kInstances(kShapes.begin(), kShapes.end());
  return kInstances;
}

const Workload& Mixed::in_catalogue() const {
  for (const Mixed& mixed : instances()) {
    if (&mixed == this) return *this;
  }
  return instances().front();  // a Work of theirs is a wait and steps, which any of them runs
}

// One that is not listed; made once, and never gone.
const Mixed& made(const Shape& shape) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<const Mixed>> all;  // guarded by mutex
  const std::lock_guard lock(mutex);
  std::unique_ptr<const Mixed>& known = all[name_of(shape)];
  if (known == nullptr) known = std::make_unique<const Mixed>(shape);
  return *known;
}

// The number at the front of the text, which is cut off it; NaN if there is none.
double take_number(std::string_view& text) {
  double number = std::nan("");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nan("");
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

std::span<const Workload* const> mixed_workloads() {
  static const std::vector<const Workload*> kPointers = [] {
    std::vector<const Workload*> pointers;
    for (const Mixed& mixed : instances()) pointers.push_back(&mixed);
    return pointers;
  }();
  return kPointers;
}

const Workload* find_mixed_workload(std::string_view name) {
  constexpr std::string_view kPrefix = "mixed:";
  if (!name.starts_with(kPrefix)) return nullptr;
  name.remove_prefix(kPrefix.size());
  Shape wanted{take_number(name), 0};
  if (name.starts_with('~')) {
    name.remove_prefix(1);
    wanted.jitter = take_number(name);
  }
  if (!name.empty()) return nullptr;
  for (const Mixed& mixed : instances()) {
    if (mixed.shape().wait_per_compute == wanted.wait_per_compute && mixed.shape().jitter == wanted.jitter) return &mixed;
  }
  const bool allowed =
      wanted.wait_per_compute >= 0 && wanted.wait_per_compute <= kLargestRatio && wanted.jitter >= 0 && wanted.jitter <= 1;
  return allowed ? &made(wanted) : nullptr;  // NaN is neither
}

}  // namespace workloads
