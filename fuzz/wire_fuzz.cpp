// A stream of messages from a worker, as the pool takes it apart: headers, pieces, values, chunks of map(), exceptions
// (pools/src/process/ipc/wire.h, codec.h, archive.h, remote_exception.h). The first byte of an input says in how large pieces the rest arrives.

#include <algorithm>
#include <cstring>
#include <exception>
#include <span>

#include "fuzz/fuzz.h"
#include "fuzz/wire_types.h"
#include "pools/detail/remote_exception.h"
#include "pools/detail/remote_map.h"
#include "pools/src/process/ipc/wire.h"

namespace {

using namespace pools::detail;

// What has arrived grows by a piece at each look. As a channel's, a view is no longer than a ring.
class Pieces {
 public:
  static constexpr std::size_t kLongestInPlace = 16384;

  Pieces(std::span<const std::byte> bytes, std::size_t piece) : rest_(bytes), piece_(piece) {}

  std::span<const std::byte> view(std::size_t done, std::size_t) {
    take(done);
    arrive();
    return rest_.first(arrived_);
  }
  std::size_t read_some(std::span<std::byte> to) {
    arrive();
    const std::size_t count = std::min(to.size(), arrived_);
    if (count > 0) std::memcpy(to.data(), rest_.data(), count);
    take(count);
    return count;
  }
  bool all_arrived() const { return arrived_ == rest_.size() || arrived_ == kLongestInPlace; }

 private:
  void arrive() { arrived_ = std::min({arrived_ + piece_, rest_.size(), kLongestInPlace}); }
  void take(std::size_t count) {
    FUZZ_REQUIRE(count <= arrived_);
    rest_ = rest_.subspan(count);
    arrived_ -= count;
  }

  std::span<const std::byte> rest_;
  std::size_t piece_;
  std::size_t arrived_ = 0;
};

// What can be decoded can be encoded, and is the same again.
template <class T>
void decode_value_of(std::span<const std::byte> payload) {
  Reader reader(payload);
  const T value = decode<T>(reader);
  reader.expect_end();
  Bytes bytes;
  encode(bytes, value);
  Reader again(bytes.view());
  const T copy = decode<T>(again);
  again.expect_end();
  Bytes twice;
  encode(twice, copy);
  FUZZ_REQUIRE(twice.size() == bytes.size());
}

void handle(const MessageHeader& header, std::span<const std::byte> payload) {
  switch (header.kind) {
    case MessageKind::result:
      return fuzz::with_type(header.sequence, [payload]<class T>() { decode_value_of<T>(payload); });
    case MessageKind::error:
    case MessageKind::refused: {
      Reader reader(payload);
      FUZZ_REQUIRE(decode_exception(reader) != nullptr);
      return;
    }
    case MessageKind::task: {  // no answer is of this kind: a place for the chunks of map()
      Reader reader(payload);
      const auto items = decode_chunk<std::string>(reader);
      FUZZ_REQUIRE(items.size() <= payload.size());
      return;
    }
    default:
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::size_t piece = 1 + std::size_t{input.byte()} * 16;
  Pieces source({reinterpret_cast<const std::byte*>(input.data()), input.size()}, piece);
  MessageReader<Pieces> reader;
  try {
    for (;;) {
      const bool last = source.all_arrived();
      const auto header = reader.poll(source);
      if (!header && last) break;
      if (!header) continue;
      FUZZ_REQUIRE(reader.payload().size() == header->length && header->length <= size);
      try {
        handle(*header, reader.payload());
      } catch (const std::exception&) {  // as the pool does: only this task fails
      }
    }
  } catch (const WireError&) {  // as the pool does: the worker is condemned
  }
  return 0;
}
