#include "harness/core/cell.h"

#include <charconv>
#include <string_view>
#include <type_traits>

namespace harness {
namespace {

// FNV-1a, 64 bits (Fowler, Noll, Vo), closed with the finaliser of MurmurHash3 so that cells that differ in their last
// factor only do not get neighbouring ids. Every field is closed with a separator that no field contains, so that
// ("ab", "c") and ("a", "bc") differ. The field order is part of the files' format: change kVersion with it.
class CanonicalHash {
 public:
  void field(std::string_view text) {
    for (const char character : text) mix(static_cast<unsigned char>(character));
    mix(kSeparator);
  }
  template <class Integer>
    requires std::is_integral_v<Integer>
  void field(Integer value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    field(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  void field(const std::vector<std::int64_t>& values) {
    field(values.size());
    for (const std::int64_t value : values) field(value);
  }

  std::string hex() const {
    std::uint64_t value = state_;
    value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdULL;
    value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    value ^= value >> 33;
    std::string text(16, '0');
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 4)
      *digit = "0123456789abcdef"[value & 15];
    return text;
  }

 private:
  static constexpr unsigned char kSeparator = 0x1f;

  void mix(unsigned char byte) { state_ = (state_ ^ byte) * 0x100000001b3ULL; }

  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

constexpr std::string_view kVersion = "poolbench cell 1";

}  // namespace

std::string cell_id(const Cell& cell) {
  CanonicalHash hash;
  hash.field(kVersion);
  for_each_factor(cell, [&hash](const Factor& factor, const auto& value) {
    if (factor.decides_cell_id) hash.field(value);
  });
  hash.field(cell.task_durations_ns);
  hash.field(cell.callback_durations_ns);
  return hash.hex();
}

}  // namespace harness
