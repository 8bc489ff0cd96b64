#pragma once

// Makes a peer's row of the race from its class: every scenario that it can take part in, compiled for it. Included by the file
// of each peer and by nobody else.

#include "pools/benchmarks/peers/check.h"
#include "pools/benchmarks/peers/granularity.h"
#include "pools/benchmarks/peers/peer.h"
#include "pools/benchmarks/peers/scenarios.h"

namespace pools::benchmarks {

template <Peer P>
ThreadPeer thread_peer(std::string_view name) {
  ThreadPeer peer{.name = name, .executed_by = P::kExecutedBy, .runs = {}, .check = &check_peer<P>};
  peer.runs = {
      {"detached", "ns/task", Entries::sizes_and_producers, &scenarios::detached<P>},
      {"future", "ns/task", Entries::sizes_and_producers, &scenarios::future<P>},
      {"round_trip", "ns", Entries::sizes, &scenarios::round_trip<P>},
      {"round_trip_after_1ms", "ns", Entries::sizes, &scenarios::round_trip_after_1ms<P>},
      {"start_delay_p50", "ns", Entries::cores_and_five_times, &scenarios::start_delay<P, 50>},
      {"start_delay_p99", "ns", Entries::cores_and_five_times, &scenarios::start_delay<P, 99>},
      {"metg", "ns", Entries::cores_and_five_times, &scenarios::metg<P>},
      {"idle_cpu", "ns/s", Entries::cores_and_five_times, &scenarios::idle_cpu<P>},
  };
  if (P::kExecutedBy == ExecutedBy::thread_per_task) {
    peer.runs.push_back({"clients", "ns/task", Entries::five_times, &scenarios::clients<P>});
    peer.runs.push_back({"clients_memory", "bytes/task", Entries::five_times, &scenarios::clients_memory<P>});
  } else {
    // Without workers there is no list schedule to compare with, and nothing is queued.
    peer.runs.push_back({"sleep", "ratio", Entries::cores_and_five_times, &scenarios::sleep_tasks<P>});
    peer.runs.push_back({"cpu", "efficiency", Entries::cores_and_five_times, &scenarios::cpu_tasks<P>});
    // A gate that the producer ran itself would never open.
    if (!P::kRunsInline) {
      peer.runs.push_back({"memory_detached", "bytes/task", Entries::cores, &scenarios::memory_detached<P>});
      peer.runs.push_back({"worker_memory", "bytes/worker", Entries::five_times, &scenarios::worker_memory<P>});
      peer.runs.push_back({"memory_future", "bytes/task", Entries::cores, &scenarios::memory_future<P>});
    }
  }
  return peer;
}

}  // namespace pools::benchmarks
