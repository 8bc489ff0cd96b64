#pragma once

// The one hash of what outlives a process: ids in files. Stable between builds and platforms.

#include <cstdint>
#include <string>
#include <string_view>

namespace harness {

// 64-bit FNV-1a (Fowler, Noll, Vo).
class Fnv1a {
 public:
  constexpr void add(std::string_view bytes) noexcept {
    for (const char byte : bytes) state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  }
  constexpr std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325u;
};

std::string hex(std::uint64_t value);  // 16 lower-case digits
std::string fnv1a_hex(std::string_view bytes);

}  // namespace harness
