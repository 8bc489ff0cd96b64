#pragma once

// map() with several items to a task: chunks of consecutive items, each item with a result or an exception of its own.

#include <algorithm>
#include <cstddef>
#include <deque>
#include <exception>
#include <utility>
#include <variant>
#include <vector>

#include "pools/future.h"
#include "pools/map_results.h"
#include "pools/options.h"

namespace pools::detail {

template <class R>
using ItemResult = std::variant<R, std::exception_ptr>;
template <class R>
using ChunkResult = std::vector<ItemResult<R>>;

// Chunks makes a task of items:
//   Chunk open();                                      of no items yet
//   void add(Chunk&, element...);                      throws: the item is none of the chunk's
//   Future<ChunkResult<R>> submit(Chunk&&);            throws as submit() does
// For one thread.
template <class R, class Chunks, class... Ranges>
class ChunkedItems final : public MapItems<R> {
 public:
  ChunkedItems(Chunks chunks, const MapOptions& options, Ranges&&... ranges)
      : chunks_(std::move(chunks)),
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
    return !submitted_.empty();
  }

  const R& current(const Deadline& deadline) override {
    const Submitted& chunk = submitted_.front();
    if (!FutureAccess::state(chunk.future).wait(deadline)) throw TimeoutError();
    const ChunkResult<R>& results = chunk.future.result();
    if (results.size() != chunk.items) throw Error("a worker answered with another number of items");
    const ItemResult<R>& item = results[chunk.passed];
    if (const auto* error = std::get_if<1>(&item)) std::rethrow_exception(*error);
    return std::get<0>(item);
  }

  void pass() override {
    --ahead_;
    if (++submitted_.front().passed == submitted_.front().items) submitted_.pop_front();
  }

  void cancel_rest() noexcept override {
    exhausted_ = true;
    // The last first: the workers take from the front, so that nothing starts that is about to be cancelled.
    for (auto chunk = submitted_.rbegin(); chunk != submitted_.rend(); ++chunk) chunk->future.cancel();
  }

 private:
  struct Submitted {
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
    auto chunk = chunks_.open();
    std::size_t items = 0;
    for (; items < limit; ++items) {
      exhausted_ = zip_.at_end();
      if (exhausted_) break;
      zip_.next([&](auto&&... elements) { chunks_.add(chunk, std::forward<decltype(elements)>(elements)...); });
    }
    if (items == 0) return;
    submitted_.push_back({.future = chunks_.submit(std::move(chunk)), .items = items});
    ahead_ += items;
  }

  Chunks chunks_;
  const std::size_t chunksize_;
  const std::size_t buffersize_;
  Zip<Ranges...> zip_;
  std::deque<Submitted> submitted_;
  std::size_t ahead_ = 0;  // items submitted and not passed
  bool exhausted_ = false;
};

}  // namespace pools::detail
