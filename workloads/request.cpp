#include "workloads/request.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace workloads {
namespace {

std::int64_t rounded(double value) {
  // 2^63 is the first double that no longer fits.
  constexpr double kEnd = 9223372036854775808.0;
  return value >= kEnd ? std::numeric_limits<std::int64_t>::max() : static_cast<std::int64_t>(std::llround(value));
}

}  // namespace

std::int64_t units_for(std::int64_t duration_ns, double units_per_ns) {
  assert(duration_ns >= 0);
  if (duration_ns == 0) return 0;
  if (!(units_per_ns > 0) || !std::isfinite(units_per_ns)) {
    throw std::invalid_argument("calibration: a rate of " + std::to_string(units_per_ns) +
                                " units per ns; allowed: positive numbers");
  }
  return rounded(static_cast<double>(duration_ns) * units_per_ns);
}

std::int64_t duration_of(std::int64_t units, double units_per_ns) {
  if (units <= 0 || !(units_per_ns > 0)) return 0;
  return rounded(static_cast<double>(units) / units_per_ns);
}

std::int64_t delay_of(const Request& request, std::string_view workload) {
  if (request.duration.count() > kLongestDelayNs) {
    throw std::invalid_argument(std::string(workload) + ": a duration of " + std::to_string(request.duration.count()) +
                                " ns; allowed: at most " + std::to_string(kLongestDelayNs) + " ns, a day");
  }
  return request.duration.count();
}

std::int64_t payload_of(const Request& request, std::string_view workload, std::int64_t otherwise, std::int64_t least,
                        std::int64_t most) {
  if (request.payload_bytes == 0) return otherwise;
  if (request.payload_bytes < least || request.payload_bytes > most) {
    throw std::invalid_argument(std::string(workload) + ": a payload of " + std::to_string(request.payload_bytes) +
                                " bytes; allowed: " + std::to_string(least) + " to " + std::to_string(most));
  }
  return request.payload_bytes;
}

}  // namespace workloads
