#pragma once

// map() of a process pool: runs of items, each a task.

#include <algorithm>
#include <deque>
#include <exception>
#include <utility>
#include <variant>
#include <vector>

#include "pools/detail/process_pool_ref.h"
#include "pools/detail/remote_task.h"
#include "pools/map_results.h"
#include "pools/options.h"
#include "pools/remote.h"

namespace pools::detail {

template <class R>
using ItemResult = std::variant<R, std::exception_ptr>;
template <class R>
using ChunkResult = std::vector<ItemResult<R>>;

template <class R>
ItemResult<R> decode_item(Reader section) {
  try {
    if (decode<ItemOutcome>(section) == ItemOutcome::value) {
      ItemResult<R> value(std::in_place_index<0>, decode<R>(section));
      section.expect_end();
      return value;
    }
    return ItemResult<R>(std::in_place_index<1>, decode_exception(section));
  } catch (...) {
    return ItemResult<R>(std::in_place_index<1>, std::current_exception());
  }
}

// What call_each_remotely wrote.
template <class R>
ChunkResult<R> decode_chunk(Reader& answer) {
  ChunkResult<R> items;
  while (answer.remaining() > 0) items.push_back(decode_item<R>(answer.section()));
  return items;
}

// For one thread.
template <auto Fn, class... Ranges>
class ChunkedItems final : public MapItems<RemoteResult<Fn>> {
 public:
  using R = RemoteResult<Fn>;
  static_assert(!std::is_void_v<R>, "map collects results: the function must return one");

  ChunkedItems(ProcessPoolRef core, const MapOptions& options, Ranges&&... ranges)
      : core_(std::move(core)),
        chunksize_(static_cast<std::size_t>(options.chunksize)),
        buffersize_(options.buffersize),
        zip_(std::forward<Ranges>(ranges)...) {
    try {
      refill();
    } catch (...) {
      cancel_rest();
      throw;
    }
  }

  bool prepare() override {
    refill();
    return !chunks_.empty();
  }

  const R& current(const Deadline& deadline) override {
    Chunk& chunk = chunks_.front();
    FutureState& state = FutureAccess::state(chunk.future);
    if (!state.wait(deadline)) throw TimeoutError();
    const ChunkResult<R>& results = chunk.future.result();
    if (results.size() != chunk.items) throw WireError("a worker answered with another number of items");
    const ItemResult<R>& item = results[chunk.passed];
    if (const auto* error = std::get_if<1>(&item)) std::rethrow_exception(*error);
    return std::get<0>(item);
  }

  void pass() override {
    --ahead_;
    if (++chunks_.front().passed == chunks_.front().items) chunks_.pop_front();
  }

  void cancel_rest() noexcept override {
    exhausted_ = true;
    // The last first: the workers take from the front, so that nothing starts that is about to be cancelled.
    for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend(); ++chunk) chunk->future.cancel();
  }

 private:
  struct Chunk {
    Future<ChunkResult<R>> future;
    std::size_t items = 0;
    std::size_t passed = 0;
  };

  // With a bounded look-ahead, chunks are smaller where whole ones would exceed it.
  void refill() {
    while (!exhausted_ && (buffersize_ == 0 || ahead_ < buffersize_)) {
      submit_chunk(buffersize_ == 0 ? chunksize_ : std::min(chunksize_, buffersize_ - ahead_));
    }
  }

  void submit_chunk(std::size_t limit) {
    auto* const made = new DecodedTask<ChunkResult<R>, &decode_chunk<R>>(trampoline_key<&call_each_remotely<Fn>>());
    TaskRef task(made);
    made->set_sink(core_.sink());
    task->message().limit_payload(core_.max_payload());
    Chunk chunk{.future = FutureAccess::share<ChunkResult<R>>(made)};
    for (; chunk.items < limit; ++chunk.items) {
      exhausted_ = zip_.at_end();
      if (exhausted_) break;
      zip_.next([&](auto&&... elements) {
        const Section section(task->message().payload());
        encode_arguments<Fn>(task->message().payload(), std::forward<decltype(elements)>(elements)...);
      });
    }
    if (chunk.items == 0) return;
    core_.submit(task);
    ahead_ += chunk.items;
    chunks_.push_back(std::move(chunk));
  }

  const ProcessPoolRef core_;
  const std::size_t chunksize_;
  const std::size_t buffersize_;
  Zip<Ranges...> zip_;
  std::deque<Chunk> chunks_;
  std::size_t ahead_ = 0;   // items submitted and not passed
  bool exhausted_ = false;
};

}  // namespace pools::detail
