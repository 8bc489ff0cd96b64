#pragma once

// Who may begin a task that lies ready in a worker's ring: the worker, by claiming it, or the pool, by taking it back. One cell
// per task, in the memory that the pool shares with that worker alone.
//
// A cell holds the task's sequence number and one of three states:
//
//     offered --worker, compare-and-exchange--> begun
//     offered --pool,   compare-and-exchange--> taken back
//
// Invariant: of the two exchanges exactly one succeeds, so a task is begun by the worker or is the pool's again, never both. The
// sequence number makes an exchange that comes late, when the cell serves another task, fail.
//
// The worker may scribble here, and write what suits it. So the pool keeps its own account of what it has taken back (worker_process.h), and
// believes a cell only where a lie costs the worker that told it: that a task has begun, and then it ends with that worker at the latest; that
// it has not, and then the death of the worker counts against the task all the same.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace pools::detail {

class ClaimBoard {
 public:
  static constexpr std::size_t kCells = 64;  // tasks in a worker's ring at a time, at most

  // By the pool, before the task's message is written to the ring, whose release makes it visible with the message. REQUIRES: the task
  // kCells sequence numbers earlier has ended or was taken back.
  void offer(std::uint64_t sequence) noexcept { cell_of(sequence).store(word(sequence, kOffered), std::memory_order_relaxed); }

  // By the worker, once it has read the message. False: leave the task alone.
  // Acquire and release are not needed for the task's content, which the ring's indices order; acq_rel makes the pool that sees
  // `begun` see everything the worker did before.
  bool begin(std::uint64_t sequence) noexcept { return exchange(sequence, kBegun); }

  // By the pool; any thread. True: the worker will not begin it, for this call.
  bool take_back(std::uint64_t sequence) noexcept { return exchange(sequence, kTakenBack); }
  // It is said to have been taken back: for a call before, or by a worker that lies.
  bool taken_back(std::uint64_t sequence) const noexcept {
    return cells_[sequence % kCells].load(std::memory_order_acquire) == word(sequence, kTakenBack);
  }

  // Any thread: the worker has begun it, or has ended it.
  bool begun(std::uint64_t sequence) const noexcept {
    return cells_[sequence % kCells].load(std::memory_order_acquire) == word(sequence, kBegun);
  }

 private:
  static constexpr std::uint64_t kOffered = 1, kBegun = 2, kTakenBack = 3;
  static constexpr std::uint64_t word(std::uint64_t sequence, std::uint64_t state) noexcept { return sequence << 2 | state; }

  std::atomic<std::uint64_t>& cell_of(std::uint64_t sequence) noexcept { return cells_[sequence % kCells]; }
  bool exchange(std::uint64_t sequence, std::uint64_t to) noexcept {
    std::uint64_t expected = word(sequence, kOffered);
    return cell_of(sequence).compare_exchange_strong(expected, word(sequence, to), std::memory_order_acq_rel,
                                                     std::memory_order_acquire);
  }

  static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes");
  std::array<std::atomic<std::uint64_t>, kCells> cells_{};
};

}  // namespace pools::detail
