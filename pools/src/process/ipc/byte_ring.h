#pragma once

// One direction of a channel: a single-producer single-consumer ring of bytes in memory that two processes share. Each side
// keeps its own index to itself and only publishes it, so that whatever the other process writes into the shared memory, this
// one never leaves the ring: the other's index is checked at each use, and a wrong one is a WireError.
//
// Indices count bytes since the beginning and never wrap (2^64 bytes take centuries); position = index % capacity.
//
// The ring's memory is mapped twice in a row, so that whatever is in it, or free in it, is one contiguous run: messages are written and
// read in place.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "pools/detail/bytes.h"

namespace pools::detail {

using SharedIndex = std::atomic<std::uint64_t>;
static_assert(SharedIndex::is_always_lock_free && sizeof(SharedIndex) == 8, "shared between processes");

// The indices of one ring, each on a cache line of its writer's.
struct RingIndices {
  alignas(64) SharedIndex written{0};   // by the producer
  alignas(64) SharedIndex consumed{0};  // by the consumer
};

class RingProducer {
 public:
  // memory: 2 * capacity bytes, of which the second half mirrors the first.
  RingProducer(RingIndices& indices, std::byte* memory, std::size_t capacity) noexcept
      : indices_(&indices), memory_(memory), capacity_(capacity) {}

  // Bytes that can be written now. Throws WireError.
  std::size_t room() {
    // Acquire: the consumer has read what lies before its index, the space may be overwritten. Seq_cst: see Doorbell.
    const std::uint64_t consumed = indices_->consumed.load(std::memory_order_seq_cst);
    const std::uint64_t used = written_ - consumed;
    if (consumed > written_ || used > capacity_) throw WireError("a ring's read index is out of bounds");
    return room_ = capacity_ - used;
  }
  // Bytes written that have not been read. Throws WireError.
  std::size_t unread() { return capacity_ - room(); }
  // Writes as much as fits; how much that was. Throws WireError. The consumer sees it after publish().
  std::size_t write_quietly(std::span<const std::byte> bytes) {
    // The other side's index is looked at only when the room last seen does not suffice: it lies in a cache line of theirs.
    const std::size_t count = std::min(bytes.size(), room_ < bytes.size() ? room() : room_);
    if (count == 0) return 0;
    std::memcpy(memory_ + written_ % capacity_, bytes.data(), count);
    written_ += count;
    room_ -= count;
    return count;
  }
  // Goes on to the next multiple of `alignment`, a divisor of the capacity. False: there is no room for that. Throws WireError.
  bool align(std::size_t alignment) {
    const std::size_t padding = (alignment - written_ % alignment) % alignment;
    if (room_ < padding && room() < padding) return false;
    std::memset(memory_ + written_ % capacity_, 0, padding);
    written_ += padding;
    room_ -= padding;
    return true;
  }
  // All that is free, to be written in place; commit() makes the first `count` bytes of it visible. Throws WireError.
  std::span<std::byte> reserve() {
    const std::size_t free = room();
    return {memory_ + written_ % capacity_, free};
  }
  void commit(std::size_t count) noexcept {
    written_ += count;
    room_ -= count;
    publish();
  }
  void publish() noexcept {
    // Release: the bytes before the index. Seq_cst: see Doorbell.
    indices_->written.store(written_, std::memory_order_seq_cst);
  }
  std::size_t write_some(std::span<const std::byte> bytes) {
    const std::size_t count = write_quietly(bytes);
    if (count > 0) publish();
    return count;
  }

 private:
  RingIndices* indices_;
  std::byte* memory_;
  std::size_t capacity_;
  std::uint64_t written_ = 0;
  std::size_t room_ = 0;  // at least; as last seen
};

class RingConsumer {
 public:
  // memory: as the producer's.
  RingConsumer(RingIndices& indices, const std::byte* memory, std::size_t capacity) noexcept
      : indices_(&indices), memory_(memory), capacity_(capacity) {}

  // Bytes that can be read now. Throws WireError.
  std::size_t available() const {
    // Acquire: pairs with the producer's release. Seq_cst: see Doorbell.
    const std::uint64_t written = indices_->written.load(std::memory_order_seq_cst);
    const std::uint64_t unread = written - consumed_;
    if (written < consumed_ || unread > capacity_) throw WireError("a ring's write index is out of bounds");
    return unread;
  }
  // What there is, in place: valid until it is consumed. The other process may change it at any time. Throws WireError.
  std::span<const std::byte> view() {
    const std::size_t count = available();
    seen_ = consumed_ + count;
    return {memory_ + consumed_ % capacity_, count};
  }
  // Gives the first `count` bytes of the view back.
  void consume(std::size_t count) noexcept {
    consumed_ += count;
    // Release: the bytes have been read before the space is given back. Seq_cst: see Doorbell.
    indices_->consumed.store(consumed_, std::memory_order_seq_cst);
  }
  std::size_t read_some(std::span<std::byte> to) {
    const std::span<const std::byte> there = view();
    const std::size_t count = std::min(to.size(), there.size());
    if (count == 0) return 0;
    std::memcpy(to.data(), there.data(), count);
    consume(count);
    if (count < there.size()) seen_ = consumed_;  // the rest is still news
    return count;
  }
  // There is something that was not in the last view.
  bool has_news() const noexcept { return indices_->written.load(std::memory_order_seq_cst) != seen_; }  // Seq_cst: see Doorbell

 private:
  RingIndices* indices_;
  const std::byte* memory_;
  std::size_t capacity_;
  std::uint64_t consumed_ = 0;
  std::uint64_t seen_ = 0;
};

}  // namespace pools::detail
