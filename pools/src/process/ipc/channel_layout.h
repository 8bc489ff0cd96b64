#pragma once

// What the first page of a channel's memory holds; the rings follow it (channel.cpp). Both processes may write to all of it.

#include <cstdint>

#include "pools/src/process/ipc/byte_ring.h"
#include "pools/src/process/ipc/claim_board.h"
#include "pools/src/process/ipc/doorbell.h"

namespace pools::detail {

struct ChannelLayout {
  static constexpr std::uint64_t kMagic = 0x33676e69726c6f6f;  // changes with the layout

  std::uint64_t magic = kMagic;
  RingIndices requests;                         // parent -> worker
  RingIndices responses;                        // worker -> parent
  alignas(64) SleepFlag worker_asleep{kAwake};  // it sleeps on this word
  alignas(64) SleepFlag parent_asleep{kAwake};  // it sleeps on the event descriptor
  alignas(64) ClaimBoard board;
};

}  // namespace pools::detail
