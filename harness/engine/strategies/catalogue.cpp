#include "harness/engine/strategies/catalogue.h"

#include <array>

#include "harness/engine/strategies/strategy.h"

namespace harness {
namespace {

template <class... Strategies>
constexpr auto infos_of(StrategyList<Strategies...>) {
  return std::array{StrategyInfo{Strategies::kName, Strategies::kSummary}...};
}

constexpr auto kInfos = infos_of(StrategyCatalogue{});

}  // namespace

std::span<const StrategyInfo> strategies() { return kInfos; }

}  // namespace harness
