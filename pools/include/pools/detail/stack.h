#pragma once

// How much of its stack a thread has left. What nests as deep as users make it asks before each level: archives, which recurse through
// a value, and workers that run a task on top of the one that waits for it.

#include <cstddef>
#include <cstdint>

namespace pools::detail {

struct StackBounds {
  std::uintptr_t end = 0;                 // the lowest address
  std::uintptr_t top = 0;                 // beyond the highest one
  std::size_t reserve = ~std::size_t{0};  // bytes above it that are kept for what does not ask. All: not known yet.
};
extern constinit thread_local StackBounds this_stack;

bool stack_runs_low_at(std::uintptr_t frame) noexcept;  // finds the bounds out if they are not known

// An eighth of the stack is left, and at most 1 MiB. False on stacks that are not the thread's own (a fiber's, a signal handler's):
// where those end nobody says.
inline bool stack_runs_low() noexcept {
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  // One comparison: the difference of an address below the end is huge.
  return frame - this_stack.end < this_stack.reserve && stack_runs_low_at(frame);
}

// So many bytes more are left than where stack_runs_low() begins. False on stacks that are not the thread's own.
bool has_stack_to_spare(std::size_t bytes) noexcept;

// Throws RecursionError, "<what> nested too deeply for the stack ...".
[[noreturn]] void refuse_to_nest(const char* what);

inline void require_stack(const char* what) {
  if (stack_runs_low()) [[unlikely]]
    refuse_to_nest(what);
}

}  // namespace pools::detail
