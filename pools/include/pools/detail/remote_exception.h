#pragma once

// Exceptions on their way between processes: the demangled type and the message.

#include <cstddef>
#include <exception>

#include "pools/detail/bytes.h"

namespace pools::detail {

// Bytes of the type's name, and of the message; what is longer is cut, and says so. Independent of max_payload, so that what is thrown
// arrives.
inline constexpr std::size_t kLongestExceptionText = std::size_t{1} << 20;
// Of both, encoded.
inline constexpr std::size_t kLongestException = 2 * (kLongestExceptionText + 64);

// Of the exception being handled. Of a type that is not a std::exception the message is its value where that is text, else
// empty; an exception that crossed a process boundary before keeps its first type. REQUIRES: called in a handler.
void encode_current_exception(Bytes& to);

// A RemoteError, or one of the pool's own that are thrown on either side (PayloadTooLargeError, ...). Throws WireError.
std::exception_ptr decode_exception(Reader& from);

}  // namespace pools::detail
