#include "harness/base/hash.h"

#include <fmt/core.h>

namespace harness {

std::string hex(std::uint64_t value) { return fmt::format("{:016x}", value); }

std::string fnv1a_hex(std::string_view bytes) {
  Fnv1a hash;
  hash.add(bytes);
  return hex(hash.value());
}

}  // namespace harness
