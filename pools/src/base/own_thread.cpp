#include "pools/src/base/own_thread.h"

namespace pools::detail {

constinit thread_local std::shared_ptr<void>* kept_by_this_thread = nullptr;

}  // namespace pools::detail
