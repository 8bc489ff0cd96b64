#include "workloads/parser.h"

#include <algorithm>

#include "workloads/digest.h"
#include "workloads/page.h"
#include "workloads/request.h"

namespace workloads {
namespace {

// The whole number nearest to units / bytes, at least 1. REQUIRES: bytes > 0.
std::int64_t passes_for(std::int64_t units, std::int64_t bytes) {
  const std::int64_t whole = units / bytes;
  const std::int64_t rest = units % bytes;
  return std::max<std::int64_t>(1, whole + (rest >= bytes - rest ? 1 : 0));
}

}  // namespace

Work Parser::make(const Request& request, const Calibration& calibration) const {
  return {.compute_units = units_for(request.duration.count(), rate(calibration)),
          .bytes = payload_of(request, name(), kDefaultPage, kSmallestPage, kLargestPage),
          .seed = request.seed};
}

Demand Parser::demand(const Work& work, const Calibration& calibration) const {
  const double bytes_per_ns = rate(calibration);
  const std::int64_t once_ns = duration_of(work.bytes, bytes_per_ns);
  const std::int64_t passes = passes_for(work.compute_units, work.bytes);
  // The passes of an input of another size add up to the same bytes most nearly, so those are what is reported.
  return {.compute_ns = passes == 1 ? once_ns : duration_of(work.compute_units, bytes_per_ns)};
}

Workload::Product Parser::run(const Work& work, const RunContext&, std::string_view input) const {
  std::string own;
  if (input.empty()) {
    own = own_text(work);
    input = own;
  }
  const std::int64_t passes = passes_for(work.compute_units, static_cast<std::int64_t>(input.size()));
  std::uint64_t digest = combine(0, name());
  for (std::int64_t pass = 0; pass < passes; ++pass) digest = combine(digest, digest_of(input));
  return {.digest = digest, .body = {}};
}

}  // namespace workloads
