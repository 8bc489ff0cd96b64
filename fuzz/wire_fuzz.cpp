// A stream of messages from a worker, as the pool takes it apart: headers, pieces, values, chunks of map(), exceptions
// (pools/process/wire.h, codec.h, archive.h, remote_exception.h). The first byte of an input says in how large pieces the rest arrives.

#include <algorithm>
#include <cstring>
#include <exception>
#include <span>

#include "fuzz/fuzz.h"
#include "fuzz/wire_types.h"
#include "pools/process/remote_exception.h"
#include "pools/process/remote_map.h"
#include "pools/process/wire.h"

namespace {

using namespace pools::detail;

// Shows some bytes more at each look, as a ring does.
class Pieces {
 public:
  static constexpr std::size_t kLongestInPlace = 4096;

  Pieces(std::span<const std::byte> bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}

  std::span<const std::byte> view(std::size_t done, std::size_t seen) {
    FUZZ_REQUIRE(done + seen <= visible_ - at_);
    at_ += done;
    visible_ = std::min({visible_ + piece_, at_ + kLongestInPlace, bytes_.size()});
    return bytes_.subspan(at_, visible_ - at_);
  }
  std::size_t read_some(std::span<std::byte> to) {
    const std::size_t count = std::min({to.size(), piece_, bytes_.size() - at_});
    if (count > 0) std::memcpy(to.data(), bytes_.data() + at_, count);
    at_ += count;
    visible_ = std::max(visible_, at_);
    return count;
  }
  bool empty() const { return visible_ == bytes_.size(); }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
  std::size_t visible_ = 0;
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
    case MessageKind::task: {   // no answer is of this kind: a place for the chunks of map()
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
      const auto header = reader.poll(source);
      if (!header) {
        if (reader.is_assembling() ? source.at_end() : source.empty()) break;
        continue;
      }
      FUZZ_REQUIRE(reader.payload().size() == header->length && header->length <= size);
      try {
        handle(*header, reader.payload());
      } catch (const std::exception&) {   // as the pool does: only this task fails
      }
    }
  } catch (const WireError&) {   // as the pool does: the worker is condemned
  }
  return 0;
}
