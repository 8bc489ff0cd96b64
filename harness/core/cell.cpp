#include "harness/core/cell.h"

#include <charconv>
#include <string_view>
#include <type_traits>

#include "harness/base/hash.h"

namespace harness {
namespace {

// FNV-1a, closed with the finaliser of MurmurHash3 so that cells that differ in their last
// factor only do not get neighbouring ids. Every field is closed with a separator that no field contains, so that
// ("ab", "c") and ("a", "bc") differ. The field order is part of the files' format: change kVersion with it.
class CanonicalHash {
 public:
  void field(std::string_view text) {
    hash_.add(text);
    hash_.add(kSeparator);
  }
  template <class Integer>
  requires std::is_integral_v<Integer>
  void field(Integer value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    field(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  void field(std::span<const std::int64_t> values) {
    field(values.size());
    for (const std::int64_t value : values) field(value);
  }

  std::string hex() const {
    std::uint64_t value = hash_.value();
    value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdULL;
    value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    value ^= value >> 33;
    return harness::hex(value);
  }

 private:
  static constexpr std::string_view kSeparator = "\x1f";

  Fnv1a hash_;
};

constexpr std::string_view kVersion = "poolbench cell 1";

}  // namespace

std::string cell_id(const Factors& factors, std::span<const std::int64_t> task_durations_ns,
                    std::span<const std::int64_t> callback_durations_ns, std::span<const std::int64_t> arrivals_ns) {
  CanonicalHash hash;
  hash.field(kVersion);
  for_each_factor(factors, [&](const Factor& factor, const auto& value) {
    if (factor.in_cell_id == InCellId::never) return;
    if (factor.in_cell_id == InCellId::unless_default && is_default(factor, factors)) return;
    hash.field(value);
  });
  hash.field(task_durations_ns);
  hash.field(callback_durations_ns);
  if (arrives(factors)) hash.field(arrivals_ns);
  return hash.hex();
}

std::string cell_id(const Cell& cell) {
  return cell_id(cell, cell.task_durations_ns, cell.callback_durations_ns, cell.arrivals_ns);
}

}  // namespace harness
