#include "pools/src/process/decoding_thread.h"

#include <exception>
#include <utility>

#include "pools/detail/forks.h"
#include "pools/errors.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/thread_name.h"

namespace pools::detail {
namespace {

thread_local const DecodingThread* this_decoding_thread = nullptr;

}  // namespace

DecodingThread::DecodingThread(std::string name, std::function<void(Answer)> decode, std::function<void()> prepare)
    : name_(std::move(name)), decode_(std::move(decode)), prepare_(std::move(prepare)) {}

void DecodingThread::stop() noexcept {
  std::thread thread;  // joined with no lock held
  {
    const Lock lock(mutex_);
    stopping_ = true;
    thread.swap(thread_);
  }
  parker_.unpark();
  if (thread.joinable()) thread.join();
}

bool DecodingThread::deliver(Answer& answer) noexcept {
  try {
    const Lock lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    answers_.push_back(std::move(answer));
    ++delivered_;
  } catch (const std::exception&) {
    report_error("handing a result to the thread that decodes (it is decoded on the supervisor)", std::current_exception());
    return false;
  }
  parker_.unpark();  // no system call while the thread is awake
  return true;
}

void DecodingThread::run() {
  pool_thread_of = this_process();
  this_decoding_thread = this;
  name_this_thread(name_, "");
  if (prepare_) prepare_();
  for (std::vector<Answer> batch;;) {
    bool stopping = false;
    {
      const Lock lock(mutex_);
      batch.swap(answers_);
      stopping = stopping_;
    }
    if (batch.empty()) {
      if (stopping) return;
      parker_.park();  // an unpark() since the look is not lost
      continue;
    }
    for (Answer& answer : batch) {
      decode_(std::move(answer));
      decoded_.fetch_add(1,
                         std::memory_order_release);  // Release: pairs with drain(); the effects of decoding are visible after it
      futex_wake_all(decoded_);
    }
    batch.clear();
  }
}

void DecodingThread::drain() noexcept {
  if (is_this_thread()) return;
  std::uint32_t target = 0;
  {
    const Lock lock(mutex_);
    target = delivered_;
  }
  for (;;) {
    const std::uint32_t decoded = decoded_.load(std::memory_order_acquire);
    if (static_cast<std::int32_t>(decoded - target) >= 0) return;
    futex_wait(decoded_, decoded);
  }
}

bool DecodingThread::is_this_thread() const noexcept { return this_decoding_thread == this; }

}  // namespace pools::detail
