#include "pools/detail/stack.h"

#include <pthread.h>

#include <algorithm>
#include <string>

#include "pools/errors.h"

namespace pools::detail {
namespace {

constexpr std::size_t kLeastReserve = std::size_t{64} << 10;
constexpr std::size_t kMostReserve = std::size_t{1} << 20;

// Of the thread that asks. Of the main thread the limit is what RLIMIT_STACK says now, or without one the distance to the next mapping.
StackBounds find_bounds() noexcept {
  StackBounds bounds{.end = 0, .top = 0, .reserve = 0};  // never low, and nothing to spare
  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return bounds;
  void* end = nullptr;
  std::size_t size = 0;
  if (::pthread_attr_getstack(&attributes, &end, &size) == 0) {
    bounds.end = reinterpret_cast<std::uintptr_t>(end);
    bounds.top = bounds.end + size;
    // Of a tiny stack half is left for nesting.
    bounds.reserve = std::min(std::clamp(size / 8, kLeastReserve, kMostReserve), size / 2);
  }
  ::pthread_attr_destroy(&attributes);
  return bounds;
}

}  // namespace

constinit thread_local StackBounds this_stack;

bool stack_runs_low_at(std::uintptr_t frame) noexcept {
  if (this_stack.reserve == StackBounds{}.reserve) this_stack = find_bounds();
  return frame - this_stack.end < this_stack.reserve;
}

bool has_stack_to_spare(std::size_t bytes) noexcept {
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (this_stack.reserve == StackBounds{}.reserve) this_stack = find_bounds();
  return frame < this_stack.top && frame > this_stack.end && frame - this_stack.end >= this_stack.reserve + bytes;
}

void refuse_to_nest(const char* what) {
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  throw RecursionError(std::string(what) +
                       " nested too deeply for the stack of this thread: " + std::to_string((frame - this_stack.end) >> 10) +
                       " KiB of it are left, and the last " + std::to_string(this_stack.reserve >> 10) + " are kept");
}

}  // namespace pools::detail
