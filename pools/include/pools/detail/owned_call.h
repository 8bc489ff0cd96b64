#pragma once

// A callable of a user's, which is destroyed before the object that holds it, and whose destructor, or that of a capture, may throw.

#include <exception>
#include <type_traits>
#include <utility>

#include "pools/detail/forced_unwind.h"
#include "pools/errors.h"

namespace pools::detail {

template <class Call>
class OwnedCall {
 public:
  template <class From>
  explicit OwnedCall(std::in_place_t, From&& from) : call_(std::forward<From>(from)) {}
  ~OwnedCall() { drop(); }
  OwnedCall(const OwnedCall&) = delete;
  OwnedCall& operator=(const OwnedCall&) = delete;

  // REQUIRES: not destroyed.
  Call& operator*() noexcept { return call_; }

  // Destroys the callable, and gives what that throws. REQUIRES: not destroyed.
  std::exception_ptr destroy() noexcept {
    alive_ = false;
    if constexpr (std::is_nothrow_destructible_v<Call>) {
      call_.~Call();
    } else {
      try {
        call_.~Call();
      } catch (ForcedUnwind&) {
        refuse_to_unwind("the destructor of what a task or callback holds");
      } catch (...) {
        return std::current_exception();
      }
    }
    return nullptr;
  }
  // Destroys it if it has not been, where nobody waits for what that throws: it goes to the error hook.
  void drop() noexcept {
    if (!alive_) return;
    if (const std::exception_ptr error = destroy()) report_error("the destructor of what a task or callback holds", error);
  }

 private:
  union {
    Call call_;
  };
  bool alive_ = true;
};

}  // namespace pools::detail
