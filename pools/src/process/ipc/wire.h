#pragma once

// How messages between the pool and its workers are read. The parent trusts nothing in them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "pools/detail/bytes.h"
#include "pools/detail/message.h"

namespace pools::detail {

// What `prepare` begins with; the worker's name and the initializer's arguments follow.
struct WorkerSetup {
  std::uint64_t max_payload = 0;   // bytes of a result; 0: no limit
  std::uint64_t memory_limit = 0;  // bytes of address space; 0: no limit
  std::int64_t cpu = -1;           // to run on; -1: any
  std::int64_t inner_threads = 0;  // pools::inner_threads(); 0: nobody has said
};

// Reads messages where they lie; those that are longer than that is possible are put together piece by piece. Source has
//   std::span<const std::byte> view(std::size_t done, std::size_t seen)
//       gives the first `done` bytes of the last view back; then what there is, the `seen` bytes of the last view that are left first
//   std::size_t read_some(std::span<std::byte>)   as much as there is, without waiting, if `view` does not wait
//   kLongestInPlace                               so many bytes can be in a view
//   kMessageAlignment                             if it has one: at addresses of these multiples messages begin in a view
// The content of a view may change while it is read: everything is read once, into memory that is not shared, before it is looked at.
template <class Source>
class MessageReader {
 public:
  // The next message once it is complete; payload() is its content until the next call. Throws WireError when the header is
  // wrong (the reader is useless then), std::bad_alloc. `check` looks at each header before any of its payload is kept, perhaps more
  // than once; it throws WireError.
  std::optional<MessageHeader> poll(Source& source) {
    return poll(source, [](const MessageHeader&) {});
  }
  template <class Check>
  std::optional<MessageHeader> poll(Source& source, Check&& check) {
    payload_ = {};
    if (large_.size() > 0 && !assembling_) large_.clear(kKept);
    for (;;) {
      if (assembling_) return poll_large(source);
      const std::size_t padding = padding_before(rest_.data());
      if (rest_.size() >= padding + sizeof header_) {
        std::memcpy(&header_, rest_.data() + padding, sizeof header_);
        if (header_.magic != MessageHeader::kMagic) throw WireError("a message without its magic number");
        if (header_.length > MessageHeader::kMaxLength) throw WireError("a message of an absurd length");
        check(std::as_const(header_));
        const std::span<const std::byte> after = rest_.subspan(padding + sizeof header_);
        if (header_.length <= after.size()) {
          payload_ = after.first(static_cast<std::size_t>(header_.length));
          done_ += padding + sizeof header_ + payload_.size();
          rest_ = after.subspan(payload_.size());
          return header_;
        }
        if (header_.length > kLongestPayloadInPlace) {
          static_cast<void>(source.view(std::exchange(done_, 0) + padding + sizeof header_, 0));  // what follows is read_some()'s
          rest_ = {};
          assembling_ = true;
          continue;
        }
      }
      const std::size_t seen = rest_.size();
      rest_ = source.view(std::exchange(done_, 0), seen);
      if (rest_.size() <= seen) return std::nullopt;
    }
  }
  std::span<const std::byte> payload() const noexcept { return payload_; }
  // The same in memory that is the caller's, until the next call of poll(): copied out of a view, handed over otherwise. Throws std::bad_alloc.
  Bytes take_payload() {
    Bytes taken;
    if (large_.size() > 0 && payload_.data() == large_.data()) {
      taken = std::move(large_);
    } else {
      taken.append(payload_.data(), payload_.size());
    }
    payload_ = {};
    return taken;
  }

  // After poll() threw std::bad_alloc in the middle of a message: reads the rest of it, without keeping it, and returns its header;
  // there is no payload then. Waits if the source does. REQUIRES: is_assembling().
  MessageHeader skip(Source& source) {
    std::uint64_t left = header_.length - large_.size();
    large_.clear(0);
    while (left > 0) {
      rest_ = source.view(std::exchange(done_, 0), 0);
      done_ = static_cast<std::size_t>(std::min<std::uint64_t>(left, rest_.size()));
      rest_ = rest_.subspan(done_);
      left -= done_;
    }
    assembling_ = false;
    return header_;
  }
  bool is_assembling() const noexcept { return assembling_; }

 private:
  static constexpr std::size_t kLongestPayloadInPlace = [] {
    if constexpr (requires { Source::kMessageAlignment; }) {
      return Source::kLongestInPlace - sizeof(MessageHeader) - Source::kMessageAlignment;  // behind padding
    } else {
      return Source::kLongestInPlace - sizeof(MessageHeader);
    }
  }();
  static constexpr std::size_t kFirstPiece = std::size_t{64} << 20;
  static constexpr std::size_t kKept = std::size_t{4} << 20;  // memory held between messages

  static std::size_t padding_before(const std::byte* address) noexcept {
    if constexpr (requires { Source::kMessageAlignment; }) {
      constexpr std::size_t kAlignment = Source::kMessageAlignment;
      return (kAlignment - reinterpret_cast<std::uintptr_t>(address) % kAlignment) % kAlignment;
    } else {
      return 0;
    }
  }

  std::optional<MessageHeader> poll_large(Source& source) {
    while (large_.size() < header_.length) {
      // Memory is taken as bytes arrive: what a header merely claims costs nothing.
      const std::size_t piece = std::min<std::uint64_t>(header_.length - large_.size(), std::max(large_.size(), kFirstPiece));
      std::byte* const at = large_.extend(piece);
      const std::size_t got = source.read_some({at, piece});
      large_.truncate(large_.size() - piece + got);
      if (got == 0) return std::nullopt;
    }
    assembling_ = false;
    payload_ = large_.view();
    return header_;
  }

  MessageHeader header_;
  std::span<const std::byte> rest_;  // of the last view, what has not been read
  std::size_t done_ = 0;             // bytes of it that have been
  Bytes large_;                      // the payload of a message that does not fit a view
  bool assembling_ = false;          // it is not complete
  std::span<const std::byte> payload_;
};

}  // namespace pools::detail
