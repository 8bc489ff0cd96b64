#pragma once

// A remote pool's options, as far as they are those of the process pools on its hosts, on their way there.

#include "pools/detail/bytes.h"
#include "pools/options.h"
#include "pools/remote_pool.h"
#include "pools/src/remote/protocol.h"

namespace pools::detail {

// The frame, for session 0. Throws std::invalid_argument: the initializer's arguments are too many for one.
Bytes welcome_for(const RemotePoolOptions& options);

// `workers`: for where the pool does not say how many. Moves the initializer's arguments out.
ProcessPoolOptions process_options_of(Welcome& welcome, int workers);

}  // namespace pools::detail
