// C++20 coroutines on Boost.Asio: what a server in C++ is written as today.

#include "harness/engine/backends/loops/asio_loop.h"
#include "harness/engine/backends/loops/boost_net.h"
#include "harness/engine/backends/loops/loop_executor.h"

namespace harness {
namespace {

using CoroutineLoop = AsioLoop<BoostNet>;

}  // namespace

std::unique_ptr<Backend> make_coroutine_loop(std::string_view name, std::string_view summary) {
  return std::make_unique<LoopBackend<CoroutineLoop>>(name, summary);
}

}  // namespace harness
