#pragma once

// All strategies, as a list of types. A new one is a line here and its file.

#include "harness/engine/strategies/as_completed.h"
#include "harness/engine/strategies/collect.h"
#include "harness/engine/strategies/extra.h"
#include "harness/engine/strategies/fused.h"
#include "harness/engine/strategies/main.h"
#include "harness/engine/strategies/map.h"
#include "harness/engine/strategies/none.h"
#include "harness/engine/strategies/sync.h"
#include "harness/engine/strategies/worker.h"

namespace harness {

template <class... Strategies>
struct StrategyList {};

// A registration is a line.
// clang-format off
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
// clang-format on

}  // namespace harness
