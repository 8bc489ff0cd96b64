// How fast this machine computes. Noise is met in four ways:
//   - CPU time is measured, not wall time: what other threads and, where the hypervisor reports it, other guests take
//   is
//     not counted;
//   - the kinds take turns, a slice of about half a millisecond each, so that a disturbance of some milliseconds spoils
//   a
//     few slices of every kind, not all slices of one;
//   - the first tenth of the budget is spent without measuring, so that the core has reached its clock rate and caches
//     and allocator are warm;
//   - the rate kept is the upper quartile of the slices' rates. Disturbances (interrupts, a busy sibling thread, cold
//     caches) only ever slow a slice down, so the fast end is the machine's own speed; the quartile, unlike the
//     maximum, does not follow a single slice in which the clock ran higher or was read late.

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "workloads/clock.h"
#include "workloads/computation.h"
#include "workloads/page.h"
#include "workloads/work.h"

namespace workloads {
namespace {

constexpr std::int64_t kSliceNs = 500'000;
constexpr int kFewestSlices = 5;
constexpr std::int64_t kSleepNs = 1'000'000;
constexpr int kFewestSleeps = 9;

// One kind of computation: `run` does `units` of it.
struct Gauge {
  double Calibration::*rate;
  std::int64_t units;  // of the smallest slice; doubled until it takes about kSliceNs
  std::function<std::uint64_t(std::int64_t units)> run;
  std::vector<double> rates = {};
};

// Results go here, so that no computation is seen to be useless.
volatile std::uint64_t result_sink;

// Sleeps of 1 to 4 ms, one after another: nobody else keeps the core awake, as in a pool that only waits. The median, for a
// disturbance may make one late by any time.
std::int64_t measure_sleep_lateness(std::int64_t until_ns) {
  std::vector<std::int64_t> lateness;
  for (int sleep = 0; sleep < kFewestSleeps || monotonic_ns() < until_ns; ++sleep) {
    const std::int64_t deadline_ns = deadline_after_ns(kSleepNs << (sleep % 3));
    sleep_until_ns(deadline_ns);
    lateness.push_back(monotonic_ns() - deadline_ns);
  }
  const auto middle = lateness.begin() + static_cast<std::ptrdiff_t>(lateness.size() / 2);
  std::nth_element(lateness.begin(), middle, lateness.end());
  return *middle;
}

std::int64_t cpu_ns_of_gauge(const Gauge& gauge) {
  const std::int64_t before = thread_cpu_ns();
  result_sink = gauge.run(gauge.units);
  return std::max<std::int64_t>(1, thread_cpu_ns() - before);
}

double upper_quartile(std::vector<double>& values) {
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 3 / 4);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

// Whole passes over one text, as the parsers make them.
template <class Parse>
std::uint64_t parsed(const std::string& text, std::int64_t units, Parse parse) {
  std::uint64_t digest = 0;
  for (std::int64_t done = 0; done < units; done += static_cast<std::int64_t>(text.size())) digest ^= parse(text);
  return digest;
}

}  // namespace

Calibration calibrate(std::chrono::nanoseconds budget) {
  const std::int64_t start_ns = monotonic_ns();
  constexpr std::uint64_t kSeed = 1;  // the speed does not depend on it
  const std::string json = json_document(kSeed, kDefaultPage);
  const std::string html = html_page(kSeed, kDefaultPage);
  std::array gauges{
      Gauge{&Calibration::spin_units_per_ns, 1024, [](std::int64_t units) { return spin_steps(kSeed, units); }},
      Gauge{&Calibration::sort_units_per_ns, 2048, [](std::int64_t units) { return sort_elements(kSeed, units); }},
      Gauge{&Calibration::hash_units_per_ns, 4096, [](std::int64_t units) { return hash_bytes(kSeed, units); }},
      Gauge{&Calibration::json_units_per_ns, kDefaultPage,
            [&](std::int64_t units) { return parsed(json, units, digest_of_json); }},
      Gauge{&Calibration::html_units_per_ns, kDefaultPage,
            [&](std::int64_t units) { return parsed(html, units, digest_of_html_links); }},
  };

  while (monotonic_ns() - start_ns < budget.count() / 10) result_sink = spin_steps(kSeed, 1024);
  for (Gauge& gauge : gauges) {
    while (cpu_ns_of_gauge(gauge) < kSliceNs * 2 / 3) gauge.units *= 2;
  }
  for (int slice = 0; slice < kFewestSlices || monotonic_ns() - start_ns < budget.count() * 2 / 3; ++slice) {
    for (Gauge& gauge : gauges) {
      gauge.rates.push_back(static_cast<double>(gauge.units) / static_cast<double>(cpu_ns_of_gauge(gauge)));
    }
  }

  Calibration calibration;
  for (Gauge& gauge : gauges) calibration.*gauge.rate = upper_quartile(gauge.rates);
  calibration.sleep_lateness_ns = measure_sleep_lateness(start_ns + budget.count());
  return calibration;
}

}  // namespace workloads
