#pragma once

// Memory for small objects that one thread makes and another destroys, tasks above all. The general allocator is at its worst
// there: every free() contends with the malloc() of the other thread. Here each thread has a magazine of blocks to take from
// and to put into, and only full and empty magazines change hands, 64 blocks at a time (Bonwick and Adams, Magazines and Vmem,
// USENIX 2001).
//
// Invariant: a block is in exactly one place: in use, in one thread's magazine, or in the depot. The depot's lock orders what one
// owner did to a block before what the next one does.
//
// Buffers of tens of KiB and more are kept, too, up to kMostLarge in all: to have the kernel zero 1 MiB anew costs more than to copy it
// ten times.
//
// Thread-safe. What is kept beyond a thread's two magazines per size is bounded (kMostKept); the rest goes back to the allocator.
// Under AddressSanitizer nothing is kept, so that a use after destruction is seen.

#include <cstddef>
#include <new>

namespace pools::detail {

class BlockCache {
 public:
  static constexpr std::size_t kLargest = 512;                      // bytes; what is larger is a buffer, or goes to operator new
  static constexpr std::size_t kMostKept = std::size_t{32} << 20;   // bytes in the depot, per size
  static constexpr std::size_t kMostLarge = std::size_t{48} << 20;  // bytes of large buffers

  // As operator new: aligned for any fundamental type. Throws std::bad_alloc.
  static void* allocate(std::size_t bytes);
  // REQUIRES: `block` came from allocate(bytes).
  static void release(void* block, std::size_t bytes) noexcept;
};

// Base of classes whose objects live in blocks. Deleted through a base class they need a virtual destructor, as ever.
struct InBlocks {
  static void* operator new(std::size_t bytes) { return BlockCache::allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { BlockCache::release(block, bytes); }
  // Over-aligned classes are not for blocks: these two hide nothing that they need.
  static void* operator new(std::size_t bytes, std::align_val_t alignment) { return ::operator new(bytes, alignment); }
  static void operator delete(void* block, std::size_t, std::align_val_t alignment) noexcept {
    ::operator delete(block, alignment);
  }
};

}  // namespace pools::detail
