#include "pools/errors.h"

#include <cxxabi.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <typeinfo>

#include "pools/detail/forced_unwind.h"

namespace pools {
namespace {

void print_error(std::string_view where, const std::exception_ptr& error) noexcept {
  const char* what = "an exception that is not a std::exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    what = exception.what();
    std::fprintf(stderr, "pools: %.*s threw: %s\n", static_cast<int>(where.size()), where.data(), what);
    return;
  } catch (...) {
  }
  std::fprintf(stderr, "pools: %.*s threw %s\n", static_cast<int>(where.size()), where.data(), what);
}

std::atomic<ErrorHook> hook{&print_error};

}  // namespace

ErrorHook set_error_hook(ErrorHook next) noexcept {
  // Acq_rel: what the setter prepared for its hook is visible to the threads that call it.
  return hook.exchange(next == nullptr ? &print_error : next, std::memory_order_acq_rel);
}

namespace detail {

void report_error(std::string_view where, const std::exception_ptr& error) noexcept {
  hook.load(std::memory_order_acquire)(where, error);
}

void refuse_full_queue(const std::string& pool, std::size_t limit) {
  throw QueueFullError("the queue of " + pool + " is full: " + std::to_string(limit) +
                       (limit == 1 ? " task waits" : " tasks wait"));
}

void refuse_empty_future() {
  throw InvalidStateError("the future is empty: it was default-constructed or moved from, and no task stands behind it");
}

void give_up(const std::string& sentence) noexcept {
  std::fprintf(stderr, "pools: %s\n", sentence.c_str());
  std::abort();
}

void refuse_to_unwind(std::string_view what) noexcept {
  std::fprintf(
      stderr,
      "pools: %.*s has ended its thread by pthread_exit() or pthread_cancel(): the thread is the pool's, and its work would be lost; "
      "return, or throw, instead\n",
      static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace detail
}  // namespace pools
