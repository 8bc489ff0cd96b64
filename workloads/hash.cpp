// SHA-256 over seeded data.

#include <nettle/sha2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

#include "workloads/catalogue.h"
#include "workloads/computation.h"
#include "workloads/digest.h"
#include "workloads/request.h"

namespace workloads {

std::uint64_t hash_bytes(std::uint64_t seed, std::int64_t bytes) {
  // The data is one seeded block over and over, counted in its first word: making it costs next to nothing, and no two
  // blocks are the same.
  std::array<std::uint64_t, 512> block;
  SplitMix64 random(seed);
  std::generate(block.begin(), block.end(), std::ref(random));

  sha256_ctx context;
  sha256_init(&context);
  while (bytes > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::int64_t>(bytes, sizeof(block)));
    ++block[0];
    sha256_update(&context, size, reinterpret_cast<const std::uint8_t*>(block.data()));
    bytes -= static_cast<std::int64_t>(size);
  }
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> sha{};
  sha256_digest(&context, sha.size(), sha.data());
  std::uint64_t first = 0;
  std::memcpy(&first, sha.data(), sizeof(first));
  return combine(seed, first);
}

namespace {

class Hash final : public Workload {
 public:
  std::string_view name() const override { return "hash"; }
  std::string_view summary() const override { return "computes for the asked time: SHA-256 of seeded data"; }

  Work make(const Request& request, const Calibration& calibration) const override {
    return {.compute_units = units_for(request.duration.count(), calibration.hash_units_per_ns), .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration& calibration) const override {
    return {.compute_ns = duration_of(work.compute_units, calibration.hash_units_per_ns)};
  }
  std::string_view callback(const Work&) const override { return "spin"; }

  Product run(const Work& work, const RunContext&, std::string_view) const override {
    return {.digest = hash_bytes(work.seed, work.compute_units), .body = {}};
  }
};

}  // namespace

const Workload& hash_workload() {
  static const Hash kHash;
  return kHash;
}

}  // namespace workloads
