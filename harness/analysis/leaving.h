#pragma once

// From which task size on leaving the machine pays: workers on other hosts against those of this machine, at the same work.
//
// Thread safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"

namespace harness {

// Scenarios that differ in nothing but how long their tasks are, and how many they are.
struct Leaving {
  enum class Better { here, neither, away };
  struct At {
    std::int64_t task_ns = 0;
    std::size_t here = 0;             // the fastest cell on this machine's workers, of Analysis::cells
    std::size_t away = 0;             // the fastest one of a RemotePool
    Better better = Better::neither;  // by the tie rule of analysis.h
    double ratio = 0;                 // away to here, of the medians
  };
  std::string workload;
  std::int64_t payload_bytes = 0;
  std::vector<At> sizes = {};                 // ascending; not empty
  std::optional<std::int64_t> pays_ns = {};   // away is better there and for all longer tasks that were measured
  bool model_known = false;                   // the run has measured what the way costs
  std::optional<std::int64_t> model_ns = {};  // what the closed form says of that; nothing: never
};

// In order of appearance; empty where nothing was measured both here and away. Workers on named hosts go before an agent on this machine.
std::vector<Leaving> leaving_pays(const Analysis& analysis);

}  // namespace harness
