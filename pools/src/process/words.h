#pragma once

// Words about what went wrong, on threads that must go on when there is no memory for them.

#include <exception>
#include <string>

#include "pools/errors.h"

namespace pools::detail {

// What `make` returns, or that there is no memory for it.
template <class Make>
std::string words(Make make) noexcept {
  try {
    return make();
  } catch (...) {
    return "out of memory";  // not longer than a string holds without an allocation
  }
}

// The exception that `make` returns, or `spare`.
template <class Make>
std::exception_ptr error_or(const std::exception_ptr& spare, Make make) noexcept {
  try {
    return std::make_exception_ptr(make());
  } catch (...) {
    return spare;
  }
}

// What an exception says, of one from another process with its type. Throws std::bad_alloc.
inline std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const RemoteError& remote) {
    return remote.type() + ": " + remote.what();
  } catch (const std::exception& exception) {
    return exception.what() == nullptr ? "" : exception.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

}  // namespace pools::detail
