#pragma once

// Worker processes that are played by this process: in place of pools/src/process/os/spawn.cpp and spawner.cpp a target is linked with
// played_processes.cpp, where a started process is an object here, dead when it is told or says so. What plays a worker holds the other end of
// its channel, in memory mapped once more, as the worker would, and may write whatever it likes to it.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pools/src/process/ipc/byte_ring.h"
#include "pools/src/process/ipc/channel.h"
#include "pools/src/process/ipc/channel_layout.h"
#include "pools/src/process/ipc/handshake.h"
#include "pools/src/process/ipc/wire.h"
#include "pools/src/process/os/spawn.h"

namespace fuzz {

// One thread plays it; killed() and died() are for any.
class PlayedWorker {
 public:
  PlayedWorker(std::string name, pools::detail::ChannelDescriptors descriptors);

  const std::string name;
  pools::detail::ChannelLayout& shared() const noexcept { return memory_.layout(); }
  std::byte* response_bytes() const noexcept { return memory_.response_bytes(); }

  // --- as a worker does it, but without waiting ---
  // The next request, if one is there whole.
  std::optional<pools::detail::MessageHeader> receive() { return reader_.poll(*this); }
  std::span<const std::byte> payload() const noexcept { return reader_.payload(); }
  // As much of it as there is room for.
  std::size_t write(std::span<const std::byte> bytes);
  void ring_parent(std::uint32_t done) noexcept;

  // --- MessageReader's source ---
  static constexpr std::size_t kLongestInPlace = pools::detail::ChannelMemory::kRingCapacity;
  static constexpr std::size_t kMessageAlignment = pools::detail::Message::kAlignment;
  std::span<const std::byte> view(std::size_t done, std::size_t seen);
  std::size_t read_some(std::span<std::byte> to);

 private:
  pools::detail::ChannelMemory memory_;
  pools::detail::FileDescriptor event_;
  pools::detail::RingConsumer requests_;
  pools::detail::RingProducer responses_;
  pools::detail::MessageReader<PlayedWorker> reader_;
};

// A process; without a worker it is a guard, which does nothing.
struct PlayedProcess {
  pid_t pid = 0;
  std::unique_ptr<PlayedWorker> worker;  // the playing thread's

  bool dead() const noexcept { return dead_.load(std::memory_order_acquire); }
  void die(pools::ExitStatus status) noexcept;  // the first time counts
  pools::ExitStatus status() const noexcept;    // REQUIRES: dead

  pools::detail::FileDescriptor death;  // an event descriptor: readable when it is dead
 private:
  std::atomic<bool> claimed_{false};
  std::atomic<bool> dead_{false};
  pools::ExitStatus status_;  // constant once dead
};

// All that have been started and not been waited for, in the order of their start.
std::vector<std::shared_ptr<PlayedProcess>> played_processes();

}  // namespace fuzz
