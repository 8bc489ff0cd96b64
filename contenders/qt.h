#pragma once

// QThreadPool, whose threads end only with it.

#include <QThreadPool>

#include <functional>
#include <utility>

#include "contenders/contender.h"

namespace contenders {

struct Qt : FuturesByPost<Qt> {
  explicit Qt(int workers) {
    pool.setMaxThreadCount(workers);
    pool.setExpiryTimeout(-1);
  }
  ~Qt() { pool.waitForDone(); }

  void post(std::function<void()> task) { pool.start(std::move(task)); }

  QThreadPool pool;
};

}  // namespace contenders
