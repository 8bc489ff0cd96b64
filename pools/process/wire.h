#pragma once

// Messages between the pool and its workers: a header, then `length` bytes of payload. The parent trusts nothing in them.

#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "pools/process/bytes.h"
#include "pools/process/function_key.h"

namespace pools::detail {

enum class MessageKind : std::uint32_t {
  // to the worker
  prepare = 1,   // the first one: the initializer to call (`function`, arguments), or none (`function` zero)
  task,          // a function to call with the arguments in the payload
  stop,          // exit
  // to the pool
  ready,         // the answer to prepare
  refused,       // the answer to prepare: the initializer threw; payload: the exception
  result,        // the answer to task; payload: the value
  error,         // the answer to task; payload: the exception
};

struct MessageHeader {
  static constexpr std::uint32_t kMagic = 0x704f4f4c;
  // Larger than any payload that can be allocated; what a header claims beyond it is a lie.
  static constexpr std::uint64_t kMaxLength = std::uint64_t{1} << 40;

  std::uint32_t magic = kMagic;
  MessageKind kind = MessageKind::stop;
  std::uint64_t sequence = 0;   // an answer carries its question's
  std::uint64_t length = 0;     // of the payload
  FunctionKey function;
};
static_assert(std::is_trivially_copyable_v<MessageHeader> && sizeof(MessageHeader) == 40);

// A message being written: the payload is appended to payload(), then seal() fills in the header before it.
class Message {
 public:
  explicit Message(MessageKind kind, FunctionKey function = {}) : Message(Bytes(), kind, function) {}
  // Reuses the memory of `bytes`.
  Message(Bytes bytes, MessageKind kind, FunctionKey function) : bytes_(std::move(bytes)) {
    bytes_.truncate(0);
    header_.kind = kind;
    header_.function = function;
    bytes_.append(&header_, sizeof header_);
  }

  Bytes& payload() noexcept { return bytes_; }
  // Drops what was appended so far.
  void restart(MessageKind kind) noexcept {
    header_.kind = kind;
    bytes_.truncate(sizeof header_);
  }
  void seal(std::uint64_t sequence) noexcept {
    header_.sequence = sequence;
    header_.length = bytes_.size() - sizeof header_;
    std::memcpy(bytes_.data(), &header_, sizeof header_);
  }
  std::span<const std::byte> view() const noexcept { return bytes_.view(); }
  Bytes release() noexcept { return std::move(bytes_); }

 private:
  MessageHeader header_;
  Bytes bytes_;
};

// Puts messages together from what arrives, in whatever pieces. Source has
//   std::size_t read_some(std::span<std::byte>)   as much as there is, without waiting
template <class Source>
class MessageReader {
 public:
  // The next message once it is complete; payload() is its content until the next call. Throws WireError when the header is
  // wrong (the reader is useless then), std::bad_alloc.
  std::optional<MessageHeader> poll(Source& source) {
    if (delivered_) start_over();
    if (header_bytes_ < sizeof header_) {
      const std::span<std::byte> raw(reinterpret_cast<std::byte*>(&header_), sizeof header_);
      header_bytes_ += source.read_some(raw.subspan(header_bytes_));
      if (header_bytes_ < sizeof header_) return std::nullopt;
      if (header_.magic != MessageHeader::kMagic) throw WireError("a message without its magic number");
      if (header_.length > MessageHeader::kMaxLength) throw WireError("a message of an absurd length");
    }
    while (payload_.size() < header_.length) {
      // Memory is taken as bytes arrive: what a header merely claims costs nothing.
      const std::size_t piece = std::min<std::uint64_t>(header_.length - payload_.size(), std::max(payload_.size(), kFirstPiece));
      std::byte* const at = payload_.extend(piece);
      const std::size_t got = source.read_some({at, piece});
      payload_.truncate(payload_.size() - piece + got);
      if (got == 0) return std::nullopt;
    }
    delivered_ = true;
    return header_;
  }
  std::span<const std::byte> payload() const noexcept { return payload_.view(); }

 private:
  static constexpr std::size_t kFirstPiece = std::size_t{64} << 20;
  static constexpr std::size_t kKept = std::size_t{1} << 20;   // memory held between messages

  void start_over() noexcept {
    header_bytes_ = 0;
    payload_.clear(kKept);
    delivered_ = false;
  }

  MessageHeader header_;
  std::size_t header_bytes_ = 0;
  Bytes payload_;
  bool delivered_ = false;
};

}  // namespace pools::detail
