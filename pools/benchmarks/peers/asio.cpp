#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <future>
#include <utility>

#include "pools/benchmarks/peers/catalogue.h"
#include "pools/benchmarks/peers/thread_peer.h"

namespace pools::benchmarks {
namespace {

struct Asio : PeerDefaults {
  static constexpr std::string_view kName = "asio";

  explicit Asio(int workers) : pool(static_cast<std::size_t>(workers)) {}
  ~Asio() { pool.join(); }  // its own destructor drops what is queued

  template <class F>
  void post(F f) {
    boost::asio::post(pool, std::move(f));
  }
  template <class F>
  std::future<int> submit(F f) {
    return boost::asio::post(pool, std::packaged_task<int()>(std::move(f)));
  }
  int result(std::future<int> future) { return future.get(); }

  boost::asio::thread_pool pool;
};

}  // namespace

ThreadPeer asio_thread_pool() { return thread_peer<Asio>(); }

}  // namespace pools::benchmarks
