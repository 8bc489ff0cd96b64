#pragma once

// map() of a pool of other processes: chunks of items, each the arguments of one message.

#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "pools/detail/chunked_items.h"
#include "pools/detail/remote_task.h"
#include "pools/detail/task_pool.h"
#include "pools/remote.h"

namespace pools::detail {

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
    section.excuse_attachments();  // only this item fails
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

// As ChunkedItems wants them.
template <auto Fn>
class RemoteChunks {
 public:
  using R = RemoteResult<Fn>;
  static_assert(!std::is_void_v<R>, "map collects results: the function must return one");

  // Throws std::invalid_argument: the pool has no such concurrency group.
  RemoteChunks(TaskPoolRef pool, const std::string& group) : pool_(std::move(pool)), group_(pool_.find_group(group)) {}

  struct Chunk {
    TaskRef task;
    Future<ChunkResult<R>> future;
  };
  Chunk open() const {
    auto* const made =
        new DecodedTask<ChunkResult<R>, &decode_chunk<R>>(trampoline_key<&call_each_remotely<Fn>>(), function_name<Fn>());
    Chunk chunk{.task = TaskRef(made), .future = {}};
    made->set_sink(pool_.sink());
    if (group_ != nullptr) made->extras().group = group_;
    made->message().limit_payload(pool_.max_payload());
    chunk.future = FutureAccess::share<ChunkResult<R>>(made);
    return chunk;
  }
  template <class... Elements>
  void add(Chunk& chunk, Elements&&... elements) const {
    Bytes& arguments = chunk.task->message().payload();
    const Section section(arguments);
    encode_arguments<Fn>(arguments, std::forward<Elements>(elements)...);
  }
  Future<ChunkResult<R>> submit(Chunk chunk) const {
    pool_.submit(chunk.task);
    return std::move(chunk.future);
  }

 private:
  TaskPoolRef pool_;
  RemoteGroup* group_;  // or null
};

}  // namespace pools::detail
