#pragma once

#include "pools/benchmarks/peers/peer.h"

namespace pools::benchmarks {

// Registers every scenario of every peer as race/SCENARIO/PEER/workers:N/producers:N, each one timed iteration that warms up by
// itself. Counters: value, tasks, producer_share, workers, producers; the label has the rest as JSON. To be called before the
// benchmarks run.
void register_race(const Effort& effort);

}  // namespace pools::benchmarks
