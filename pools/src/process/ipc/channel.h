#pragma once

// The two ends of what connects the pool with one worker: two rings of bytes and two doorbells in one sealed memfd that nobody
// else has. The parent's end never waits; the worker's end does nothing else. Streams of bytes: messages longer than a ring
// pass in pieces.
//
// Thread safety: each end's writing side and reading side are independent of each other; each is for one thread at a time.

#include <cstddef>
#include <memory>
#include <span>

#include "pools/detail/message.h"
#include "pools/src/process/ipc/byte_ring.h"
#include "pools/src/process/ipc/claim_board.h"
#include "pools/src/process/ipc/doorbell.h"
#include "pools/src/process/os/file_descriptor.h"

namespace pools::detail {

struct ChannelLayout;

// The mapped memory of a channel.
class ChannelMemory {
 public:
  static constexpr std::size_t kRingCapacity = std::size_t{2} << 20;  // bytes, each direction; memory is taken as it is used

  ChannelMemory();                                    // fresh. Throws std::system_error
  explicit ChannelMemory(FileDescriptor descriptor);  // the other process's. Throws std::system_error, WireError
  ~ChannelMemory();
  ChannelMemory(const ChannelMemory&) = delete;
  ChannelMemory& operator=(const ChannelMemory&) = delete;

  ChannelLayout& layout() const noexcept { return *layout_; }
  // Each ring is mapped twice in a row.
  std::byte* request_bytes() const noexcept;
  std::byte* response_bytes() const noexcept;
  int descriptor() const noexcept { return descriptor_.get(); }
  void close_descriptor() noexcept { descriptor_.reset(); }  // the mapping stays

 private:
  void map();

  FileDescriptor descriptor_;
  ChannelLayout* layout_ = nullptr;
};

class ParentChannel {
 public:
  ParentChannel();  // Throws std::system_error

  // --- writing side ---
  // As much as fits. Throws WireError when the worker has tampered with the ring. ring() afterwards.
  std::size_t write_some(std::span<const std::byte> bytes) { return requests_.write_some(bytes); }
  // The same, but the worker does not see it before publish().
  std::size_t write_quietly(std::span<const std::byte> bytes) { return requests_.write_quietly(bytes); }
  void publish() noexcept { requests_.publish(); }
  // To be called before each message. False: there is no room for the few bytes that it takes. Throws WireError.
  bool begin_message() { return requests_.align(Message::kAlignment); }
  // Bytes that can be written. Throws WireError.
  std::size_t room() { return requests_.room(); }
  bool has_room() { return requests_.room() > 0; }

  // --- reading side ---
  // Gives `done` bytes of the last view back and wakes a worker that waits for room; then what there is, in place. Throws WireError.
  std::span<const std::byte> view(std::size_t done, std::size_t seen = 0);
  std::size_t read_some(std::span<std::byte> to);          // what there is; wakes a worker that waits for room. Throws WireError
  bool readable() const { return responses_.has_news(); }  // something that has not been seen
  static constexpr std::size_t kLongestInPlace = ChannelMemory::kRingCapacity;

  // --- doorbells; any thread ---
  void ring() noexcept;  // wakes the worker if it sleeps, after something was written
  // The worker is going to make event() readable, once, when it has written something or, if wanted, made room. Look at the
  // rings once more after this.
  void expect_event(bool want_room) noexcept;
  // It need not any more; it may be about to.
  void expect_no_event() noexcept;
  int event() const noexcept { return event_.get(); }

  // Who may begin which task; any thread.
  ClaimBoard& board() noexcept;

  // What the worker needs to open its end.
  int memory_descriptor() const noexcept { return memory_.descriptor(); }
  void forget_memory_descriptor() noexcept { memory_.close_descriptor(); }

 private:
  ChannelMemory memory_;
  FileDescriptor event_;
  RingProducer requests_;
  RingConsumer responses_;
};

class WorkerChannel {
 public:
  WorkerChannel(FileDescriptor memory, FileDescriptor event);  // Throws std::system_error, WireError

  // All of it; waits for room.
  void write(std::span<const std::byte> bytes);
  // In place: all the room that there is without waiting, and the publication of the first `count` bytes written there.
  std::span<std::byte> reserve() { return responses_.reserve(); }
  void commit(std::size_t count) noexcept;
  // Gives `done` bytes of the last view back; then what there is, in place, waiting until that is more than `seen` bytes.
  std::span<const std::byte> view(std::size_t done, std::size_t seen);
  // What there is; waits until there is something.
  std::size_t read_some(std::span<std::byte> to);
  static constexpr std::size_t kLongestInPlace = ChannelMemory::kRingCapacity;
  static constexpr std::size_t kMessageAlignment = Message::kAlignment;
  ClaimBoard& board() noexcept;

 private:
  ChannelMemory memory_;
  FileDescriptor event_;
  RingConsumer requests_;
  RingProducer responses_;
};

}  // namespace pools::detail
