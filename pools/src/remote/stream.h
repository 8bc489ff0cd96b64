#pragma once

// The stream of messages of a session, cut into frames and put together again. Not thread-safe.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>

#include "pools/src/remote/protocol.h"

namespace pools::detail {

// Messages become frames: short ones share one, long ones are cut. `send` takes the bytes of a whole frame.
class FrameWriter {
 public:
  explicit FrameWriter(std::uint64_t session = 0) { header_.session = session; }

  template <class Send>
  void write(RemoteKind kind, std::uint64_t sequence, const FunctionKey& function,
             std::initializer_list<std::span<const std::byte>> parts, Send&& send) {
    MessageHeader message;
    message.kind = on_wire(kind);
    message.sequence = sequence;
    message.function = function;
    for (const std::span<const std::byte> part : parts) message.length += part.size();
    append(std::as_bytes(std::span(&message, 1)), send);
    for (const std::span<const std::byte> part : parts) append(part, send);
  }
  template <class Send>
  void flush(Send&& send) {
    if (frame_.size() <= sizeof header_) return;
    std::memcpy(frame_.data(), &header_, sizeof header_);
    ++header_.number;
    send(frame_.view());
    frame_.truncate(0);
  }

 private:
  template <class Send>
  void append(std::span<const std::byte> bytes, Send& send) {
    while (!bytes.empty()) {
      if (frame_.size() == 0) frame_.append(&header_, sizeof header_);  // its number follows in flush()
      const std::size_t fits = std::min(bytes.size(), kFullFrame - frame_.size());
      frame_.append(bytes.data(), fits);
      bytes = bytes.subspan(fits);
      if (frame_.size() == kFullFrame) flush(send);
    }
  }

  // ZeroMQ copies and encrypts a frame in buffers of its own, new ones for each. For ZeroMQ by itself, encrypted, 1 MiB in frames of this size
  // costs 12 % less CPU time than in four of 256 KiB, and in frames of half the size more again.
  static constexpr std::size_t kFullFrame = std::size_t{64} << 10;

  FrameHeader header_;
  Bytes frame_;
};

// Contents of frames become messages.
class StreamReader {
 public:
  // The content of the next frame; handle(header, payload) for each message that it completes. Throws WireError, after which the reader is
  // of no use, std::bad_alloc, and what `handle` throws.
  template <class Handle>
  void take(const Frame& frame, Handle&& handle) {
    if (frame.header.number != expected_++) throw WireError("frames were lost on the way");
    std::span<const std::byte> bytes = frame.content;
    while (!bytes.empty()) {
      if (partial_.size() < sizeof header_) {
        if (partial_.size() == 0 && bytes.size() >= sizeof header_) {
          std::memcpy(&header_, bytes.data(), sizeof header_);
          check();
          const std::size_t whole = sizeof header_ + header_.length;
          if (bytes.size() >= whole) {  // where it lies
            handle(header_, bytes.subspan(sizeof header_, header_.length));
            bytes = bytes.subspan(whole);
            continue;
          }
        }
        keep(bytes, sizeof header_ - partial_.size());
        if (partial_.size() < sizeof header_) return;
        std::memcpy(&header_, partial_.data(), sizeof header_);
        check();
      }
      keep(bytes, sizeof header_ + header_.length - partial_.size());
      if (partial_.size() < sizeof header_ + header_.length) return;
      handle(header_, partial_.view().subspan(sizeof header_));
      partial_.clear(kKept);
    }
  }

 private:
  static constexpr std::size_t kKept = std::size_t{4} << 20;  // memory held between messages

  void check() const {
    if (header_.magic != MessageHeader::kMagic) throw WireError("a message without its magic number");
    if (header_.length > MessageHeader::kMaxLength) throw WireError("a message of an absurd length");
  }
  // Memory is taken as bytes arrive: what a header merely claims costs nothing.
  void keep(std::span<const std::byte>& bytes, std::size_t wanted) {
    const std::size_t count = std::min(bytes.size(), wanted);
    partial_.append(bytes.data(), count);
    bytes = bytes.subspan(count);
  }

  std::uint64_t expected_ = 0;
  MessageHeader header_;
  Bytes partial_;  // of the message that is not complete, header included
};

}  // namespace pools::detail
