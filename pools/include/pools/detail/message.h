#pragma once

// Messages between the pool and its workers: a header, then `length` bytes of payload; beside it, through a socket, descriptors.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include "pools/detail/bytes.h"
#include "pools/detail/function_key.h"

namespace pools::detail {

enum class MessageKind : std::uint16_t {
  // to the worker
  prepare = 1,  // the first one: the initializer to call (`function`, arguments), or none (`function` zero)
  task,         // a function to call with the arguments in the payload
  stop,         // exit
  // to the pool
  ready,    // the answer to prepare
  refused,  // the answer to prepare: the initializer threw; payload: the exception. The worker exits
  result,   // the answer to task; payload: the value
  error,    // the answer to task; payload: the exception
  skipped,  // the answer to task: it had been taken back, and was not begun
};

struct MessageHeader {
  static constexpr std::uint32_t kMagic = 0x704f4f4c;
  // Larger than any payload that can be allocated; what a header claims beyond it is a lie.
  static constexpr std::uint64_t kMaxLength = std::uint64_t{1} << 40;

  std::uint32_t magic = kMagic;
  MessageKind kind = MessageKind::stop;
  std::uint16_t descriptors = 0;  // that have been sent before the message (passage.h)
  std::uint64_t sequence = 0;     // an answer carries its question's
  std::uint64_t length = 0;       // of the payload
  FunctionKey function;
};
static_assert(std::is_trivially_copyable_v<MessageHeader> && sizeof(MessageHeader) == 40);

// A message being written: the payload is appended to payload(), then seal() fills in the header before it.
class Message {
 public:
  // Where a message to a worker begins in its ring; so its payload is aligned, too, and with that what is viewed in it (views.h).
  static constexpr std::size_t kAlignment = 8;
  static_assert(sizeof(MessageHeader) % kAlignment == 0);

  explicit Message(MessageKind kind, FunctionKey function = {}) : Message(Bytes(), kind, function) {}
  // Reuses the memory of `bytes`.
  Message(Bytes bytes, MessageKind kind, FunctionKey function) : bytes_(std::move(bytes)) {
    bytes_.truncate(0);
    header_.kind = kind;
    header_.function = function;
    bytes_.append(&header_, sizeof header_);
  }

  const FunctionKey& function() const noexcept { return header_.function; }
  Bytes& payload() noexcept { return bytes_; }
  std::span<const Attachment> attachments() const noexcept { return bytes_.attachments(); }
  // Drops what was appended so far.
  void restart(MessageKind kind) noexcept {
    header_.kind = kind;
    bytes_.truncate(sizeof header_);
  }
  void seal(std::uint64_t sequence) noexcept {
    header_.sequence = sequence;
    header_.length = bytes_.size() - sizeof header_;
    header_.descriptors = static_cast<std::uint16_t>(bytes_.attachments().size());
    std::memcpy(bytes_.data(), &header_, sizeof header_);
  }
  // Of the payload, from now on. 0: none.
  void limit_payload(std::uint64_t bytes) noexcept {
    if (bytes > 0) bytes_.limit(bytes, sizeof header_);
  }
  std::span<const std::byte> view() const noexcept { return bytes_.view(); }
  Bytes release() noexcept { return std::move(bytes_); }

 private:
  MessageHeader header_;
  Bytes bytes_;
};

}  // namespace pools::detail
