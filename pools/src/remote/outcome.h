#pragma once

// How a task that has no value ended on its host, on the way to the pool.

#include <exception>
#include <string>

#include "pools/detail/bytes.h"

namespace pools::detail {

// The error that a process pool gave a task of its own: of the task, of the worker, or of the pool. Throws std::bad_alloc.
void encode_outcome(Bytes& to, const std::exception_ptr& error);

// The same error; what is said of a worker names the host. Throws WireError.
std::exception_ptr decode_outcome(Reader& from, const std::string& host);

}  // namespace pools::detail
