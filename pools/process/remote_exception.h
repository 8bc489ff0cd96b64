#pragma once

// Exceptions on their way between processes: the demangled type and the message.

#include <exception>

#include "pools/process/bytes.h"

namespace pools::detail {

// Of the exception being handled. Of a type that is not a std::exception the message is its value where that is text, else
// empty; an exception that crossed a process boundary before keeps its first type. REQUIRES: called in a handler.
void encode_current_exception(Bytes& to);

// A RemoteError, or the pool's own PayloadTooLargeError. Throws WireError.
std::exception_ptr decode_exception(Reader& from);

}  // namespace pools::detail
