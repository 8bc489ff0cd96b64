#pragma once

#include <string_view>
#include <vector>

#include "pools/benchmarks/peers/peer.h"

namespace pools::benchmarks {

// Registers every scenario of every one of the peers as race/SCENARIO/PEER/workers:N/producers:N, each one timed iteration that warms up by
// itself. Counters: value, tasks, producer_share, workers, producers; the label has the rest as JSON. To be called before the
// benchmarks run.
void register_run(std::string_view peer, ExecutedBy executed_by, const Run& run, const Effort& effort);
template <class Peer>
void register_race(const std::vector<Peer>& peers, const Effort& effort) {
  for (const Peer& peer : peers) {
    for (const Run& run : peer.runs) register_run(peer.name, peer.executed_by, run, effort);
  }
}

}  // namespace pools::benchmarks
