#pragma once

// What tasks do to their own process and to its end of the channel. To be called in a worker.

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pools::faults {

// The memory that this worker shares with its pool, wherever it is mapped.
struct OwnChannel {
  OwnChannel();  // throws std::runtime_error when there is none, or one of another layout

  std::byte* memory = nullptr;

  std::atomic<std::uint64_t>& requests_written() const { return word(64); }
  std::atomic<std::uint64_t>& requests_consumed() const { return word(128); }
  std::atomic<std::uint64_t>& responses_written() const { return word(192); }
  std::atomic<std::uint64_t>& responses_consumed() const { return word(256); }
  std::span<std::byte> control() const { return {memory + 64, 4096 - 64}; }  // indices, sleep flags, board
  std::span<std::byte> board() const { return {memory + 448, 64 * 8}; }
  // Each ring is mapped twice in a row; this is both.
  std::span<std::byte> requests() const;
  std::span<std::byte> responses() const;

 private:
  std::atomic<std::uint64_t>& word(std::size_t offset) const {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(memory + offset);
  }
};

// The moment this process reads the next thing that the pool has written, it is killed (SIGKILL) in the middle of that.
void die_at_the_next_request();
// The moment this process has written part of an answer to the pool, and the pool perhaps read it, it is killed in the middle of the
// rest. For answers of more than two rings.
void die_mid_answer();
// The moment the answer to the task that calls this is published, this process is killed by a thread that watches the index.
void die_when_answered();

// Starts a process that lives on when this one dies, beyond the reach of everything but the pool and its guard.
pid_t leave_a_process_behind();

// Dies of the signal, also under sanitizers, which turn some into exit codes of their own.
int die_of(int signal);

}  // namespace pools::faults
