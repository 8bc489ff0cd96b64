#pragma once

// pthread_exit() and pthread_cancel() end a thread by unwinding its stack with something that looks like an exception and is none: who
// swallows it is aborted by the C library. It must not reach what a pool has on its threads' stacks. So each handler for whatever users'
// code throws is preceded by one for this:
//
//   } catch (ForcedUnwind&) {
//     refuse_to_unwind("a task");
//   } catch (...) {

#include <cxxabi.h>

#include <string_view>

namespace pools::detail {

using ForcedUnwind = abi::__forced_unwind;

// Says that `what` has ended a thread of the pool's, and aborts.
[[noreturn]] void refuse_to_unwind(std::string_view what) noexcept;

}  // namespace pools::detail
