#pragma once

// How another host's clock maps to this one's: from exchanges of stamps, as NTP has them. Nanoseconds of CLOCK_MONOTONIC. Not thread-safe.
//
//   here    sent                      received        offset = ((received_there - sent) + (sent_there - received)) / 2
//              \                      /               the way took (received - sent) - (sent_there - received_there), both ways together:
//   there     received_there -> sent_there            the offset is right but for half of that, however that is shared between the ways
//
// The best of the latest exchanges counts (NTP's minimum-delay sample, Cristian's algorithm); with its age, and with how long the peer took to
// answer, the bound grows by as much as clocks drift apart.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pools::detail {

class ClockMap {
 public:
  struct Estimate {
    std::int64_t offset = 0;  // there minus here
    std::int64_t bound = 0;
    std::int64_t round_trip = 0;
  };

  // False: the stamps are in no possible order, and are dropped.
  bool exchange(std::int64_t sent, std::int64_t received_there, std::int64_t sent_there, std::int64_t received) noexcept {
    // So small that no difference below overflows, whatever the peer says. It is 36 years.
    constexpr std::int64_t kMost = std::int64_t{1} << 60;
    for (const std::int64_t each : {sent, received_there, sent_there, received}) {
      if (each < -kMost || each > kMost) return false;
    }
    const std::int64_t way = (received - sent) - (sent_there - received_there);
    if (received < sent || sent_there < received_there || way < 0) return false;
    const std::int64_t offset = (received_there - sent) / 2 + (sent_there - received) / 2;
    const std::int64_t half = way / 2 + 1 + (sent_there - received_there) / kDrift;
    trip_ = count_ == 0 ? way : (trip_ + way) / 2;
    kept_[count_++ % kept_.size()] = {.offset = offset, .half = half, .round_trip = way, .at = received};
    return true;
  }
  std::size_t exchanges() const noexcept { return count_; }
  // How long both ways together take these days: smoothed, where the best says how long they can take. 0: nobody knows.
  std::int64_t usual_round_trip() const noexcept { return trip_; }

  std::optional<Estimate> at(std::int64_t now) const noexcept {
    std::optional<Estimate> best;
    for (std::size_t index = 0; index < std::min(count_, kept_.size()); ++index) {
      const Exchange& one = kept_[index];
      const std::int64_t bound = one.half + std::max<std::int64_t>(0, now - one.at) / kDrift;
      if (!best || bound < best->bound) best = {.offset = one.offset, .bound = bound, .round_trip = one.round_trip};
    }
    return best;
  }

 private:
  static constexpr std::int64_t kDrift = 10'000;  // 100 ppm: two clocks of 50 ppm each
  struct Exchange {
    std::int64_t offset = 0;
    std::int64_t half = 0;
    std::int64_t round_trip = 0;
    std::int64_t at = 0;
  };
  std::array<Exchange, 8> kept_{};
  std::size_t count_ = 0;
  std::int64_t trip_ = 0;
};

}  // namespace pools::detail
