#pragma once

// GThreadPool, with threads of its own from the start ("exclusive").

#include <glib.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "contenders/contender.h"

namespace contenders {

class GLib : public FuturesByPost<GLib> {
 public:
  explicit GLib(int workers) {
    GError* error = nullptr;
    pool_ = g_thread_pool_new(&run, nullptr, workers, TRUE, &error);
    if (error == nullptr) return;
    const std::string what = error->message;
    g_error_free(error);
    g_thread_pool_free(pool_, TRUE, FALSE);
    throw std::runtime_error("g_thread_pool_new: " + what);
  }
  ~GLib() { g_thread_pool_free(pool_, FALSE, TRUE); }
  GLib(const GLib&) = delete;
  GLib& operator=(const GLib&) = delete;

  void post(std::function<void()> task) { g_thread_pool_push(pool_, new std::function<void()>(std::move(task)), nullptr); }

 private:
  static void run(gpointer task, gpointer) {
    (*std::unique_ptr<std::function<void()>>(static_cast<std::function<void()>*>(task)))();
  }

  GThreadPool* pool_;
};

}  // namespace contenders
