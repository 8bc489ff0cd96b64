#pragma once

// The types that the wire target decodes, one after the other by the message's sequence number: what the codec has a way of its own for.

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "pools/detail/codec.h"

namespace fuzz {

struct Plain {
  double x = 0;
  std::int32_t y = 0;
};
enum class Colour : std::uint8_t { red, green };
// Elements of no bytes at all.
struct Nothing {
  template <class Archive>
  void serialize(Archive&) {}
};
struct Record {
  std::string name;
  std::vector<Plain> points;
  bool flag = false;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, points, flag);
  }
};

template <class Use>
void with_type(std::uint64_t number, Use&& use) {
  switch (number % 20) {
    case 0:
      return use.template operator()<std::string>();
    case 1:
      return use.template operator()<std::vector<std::string>>();
    case 2:
      return use.template operator()<std::map<std::string, std::vector<std::int32_t>>>();
    case 3:
      return use.template operator()<std::optional<std::pair<std::string, double>>>();
    case 4:
      return use.template operator()<std::variant<std::int32_t, std::string, std::vector<double>>>();
    case 5:
      return use.template operator()<std::unique_ptr<std::string>>();
    case 6:
      return use.template operator()<std::vector<std::shared_ptr<std::string>>>();
    case 7:
      return use.template operator()<std::tuple<Plain, Colour, std::string>>();
    case 8:
      return use.template operator()<std::vector<bool>>();
    case 9:
      return use.template operator()<std::bitset<77>>();
    case 10:
      return use.template operator()<std::vector<Nothing>>();
    case 11:
      return use.template operator()<Record>();
    case 12:
      return use.template operator()<std::list<Record>>();
    case 13:
      return use.template operator()<bool>();
    case 14:
      return use.template operator()<std::array<std::string, 3>>();
    case 15:
      return use.template operator()<std::unordered_map<std::int64_t, std::set<std::string>>>();
    case 16:
      return use.template operator()<std::deque<std::complex<double>>>();
    case 17:
      return use.template operator()<std::vector<Plain>>();
    case 18:
      return use.template operator()<std::chrono::nanoseconds>();
    default:
      return use.template operator()<std::vector<std::vector<std::optional<bool>>>>();
  }
}

}  // namespace fuzz
