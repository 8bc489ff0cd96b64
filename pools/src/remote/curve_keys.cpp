#include "pools/src/remote/curve_keys.h"

#include <zmq.h>

#include <algorithm>

#include "pools/errors.h"

namespace pools::detail {
namespace {

constexpr std::size_t kZ85 = 41;  // 40 characters and a zero
constexpr std::size_t kHex = sizeof(CurveKey) * 2 * 3;

CurveKey of_z85(const char* text) {
  CurveKey key{};
  if (::zmq_z85_decode(key.data(), text) == nullptr) throw Error("ZeroMQ has made a key that it cannot read");
  return key;
}

void append_hex(std::string& text, const CurveKey& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t byte : key) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
}

int digit_of(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  throw Error("the agent's key is not one that a pool has given out: it is made of hexadecimal digits");
}

CurveKey of_hex(std::string_view text) {
  CurveKey key{};
  for (std::size_t byte = 0; byte < key.size(); ++byte) {
    key[byte] = static_cast<std::uint8_t>(digit_of(text[2 * byte]) * 16 + digit_of(text[2 * byte + 1]));
  }
  return key;
}

}  // namespace

CurvePair new_curve_pair() {
  char public_key[kZ85];
  char secret_key[kZ85];
  if (::zmq_curve_keypair(public_key, secret_key) != 0) {
    throw Error(std::string("ZeroMQ cannot make keys: ") + ::zmq_strerror(::zmq_errno()));
  }
  CurvePair pair{.public_key = of_z85(public_key), .secret_key = of_z85(secret_key)};
  std::fill_n(static_cast<volatile char*>(secret_key), sizeof secret_key, '\0');
  return pair;
}

std::string to_text(const AgentKey& key) {
  std::string text;
  text.reserve(kHex);
  append_hex(text, key.pool);
  append_hex(text, key.own.public_key);
  append_hex(text, key.own.secret_key);
  return text;
}

AgentKey agent_key_of(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  if (text.size() != kHex) {
    throw Error("the agent's key is not one that a pool has given out: it has " + std::to_string(text.size()) +
                " characters, not " + std::to_string(kHex));
  }
  constexpr std::size_t kOne = 2 * sizeof(CurveKey);
  return {.pool = of_hex(text.substr(0, kOne)),
          .own = {.public_key = of_hex(text.substr(kOne, kOne)), .secret_key = of_hex(text.substr(2 * kOne))}};
}

}  // namespace pools::detail
