#pragma once

// boost::asio::thread_pool.

#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <future>
#include <utility>

#include "contenders/contender.h"

namespace contenders {

struct Asio : Defaults {
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

  boost::asio::thread_pool pool;
};

}  // namespace contenders
