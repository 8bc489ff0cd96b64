#pragma once

// All strategies, as a list of types. A new one is a line here and its file.

#include "harness/strategies/as_completed.h"
#include "harness/strategies/collect.h"
#include "harness/strategies/extra.h"
#include "harness/strategies/fused.h"
#include "harness/strategies/main.h"
#include "harness/strategies/map.h"
#include "harness/strategies/none.h"
#include "harness/strategies/sync.h"
#include "harness/strategies/worker.h"

namespace harness {

template <class... Strategies>
struct StrategyList {};

using StrategyCatalogue = StrategyList<
    strategy::None,
    strategy::Worker,
    strategy::Main,
    strategy::Extra,
    strategy::Fused,
    strategy::Sync,
    strategy::Collect,
    strategy::AsCompleted,
    strategy::Map>;

}  // namespace harness
