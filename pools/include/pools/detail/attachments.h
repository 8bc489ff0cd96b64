#pragma once

// What travels beside the bytes of a message: memory that both sides map (shared_buffer.h), each once, as descriptors.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace pools::detail {

class SharedMemory;  // src/process/ipc/shared_memory.h
using SharedMemoryRef = std::shared_ptr<SharedMemory>;

struct Attachment {
  SharedMemoryRef memory;
  std::uint64_t size = 0;            // bytes, all of it
  std::size_t at = 0;                // where in the message it was first referred to
  mutable bool referred_to = false;  // the reader's, one thread at a time: something that it has read is in it
};
using Attachments = std::vector<Attachment>;
// Those of a message, with a link for whoever collects such.
struct HeldAttachments : Attachments {
  HeldAttachments* next = nullptr;
};

// Of one message: the kernel passes no more descriptors at a time (SCM_MAX_FD).
inline constexpr std::size_t kMostAttachments = 253;

}  // namespace pools::detail
