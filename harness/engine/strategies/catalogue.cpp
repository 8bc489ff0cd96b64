#include "harness/engine/strategies/catalogue.h"

#include <algorithm>
#include <array>
#include <string>

#include "harness/base/errors.h"
#include "harness/engine/strategies/strategy.h"

namespace harness {
namespace {

template <class... Strategies>
constexpr auto infos_of(StrategyList<Strategies...>) {
  return std::array{StrategyInfo{Strategies::kName, Strategies::kSummary, Strategies::kCallbackBy, Strategies::kUsesParsers,
                                 Strategies::kUsesChunks, Strategies::kNoArrivals}...};
}

constexpr auto kInfos = infos_of(StrategyCatalogue{});
constexpr StrategyInfo kUnknown{};

const StrategyInfo& info_of(std::string_view strategy) {
  const auto found = std::find_if(kInfos.begin(), kInfos.end(), [&](const StrategyInfo& info) { return info.name == strategy; });
  return found == kInfos.end() ? kUnknown : *found;
}

}  // namespace

std::span<const StrategyInfo> strategies() { return kInfos; }

void require_strategy(std::string_view name) {
  std::string known;
  for (const StrategyInfo& strategy : kInfos) {
    if (strategy.name == name) return;
    known += (known.empty() ? "" : ", ") + std::string(strategy.name);
  }
  throw ConfigError("unknown strategy '" + std::string(name) + "'; known: " + known);
}

CallbackBy callback_by(std::string_view strategy) { return info_of(strategy).callback_by; }
bool has_callbacks(std::string_view strategy) { return callback_by(strategy) != CallbackBy::nobody; }
bool has_parsers(std::string_view strategy) { return info_of(strategy).parsers; }
bool has_chunks(std::string_view strategy) { return info_of(strategy).chunks; }
std::string_view no_arrivals(std::string_view strategy) { return info_of(strategy).no_arrivals; }

}  // namespace harness
