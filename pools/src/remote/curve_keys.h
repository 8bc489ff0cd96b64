#pragma once

// Keys of CurveZMQ: the pool has a pair, each agent is handed the pool's public key and a pair of its own.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pools::detail {

using CurveKey = std::array<std::uint8_t, 32>;

struct CurvePair {
  CurveKey public_key{};
  CurveKey secret_key{};
};

// Throws Error where ZeroMQ was built without CURVE.
CurvePair new_curve_pair();

// What an agent is handed: one line of hexadecimal digits, so that a shell leaves it alone.
struct AgentKey {
  CurveKey pool{};  // public
  CurvePair own;
};
std::string to_text(const AgentKey& key);
AgentKey agent_key_of(std::string_view text);  // throws Error, which does not say what it was given

}  // namespace pools::detail
