#pragma once

// A growing run of bytes whose new part is not zeroed first, with the memory that goes along; and a bounds-checked reader over one.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "pools/detail/attachments.h"
#include "pools/detail/block_cache.h"
#include "pools/errors.h"

namespace pools::detail {

// A message that does not say what it should. Thrown by every decoder of bytes from another process.
class WireError : public Error {
 public:
  using Error::Error;
};

// Small messages are made by one thread and dropped by another, as tasks are.
class ReleaseBlock {
 public:
  static constexpr std::size_t kBorrowed = ~std::size_t{0};  // not to be released
  explicit ReleaseBlock(std::size_t bytes = 0) noexcept : bytes_(bytes) {}
  void operator()(std::byte* block) const noexcept {
    if (bytes_ != kBorrowed) BlockCache::release(block, bytes_);
  }

 private:
  std::size_t bytes_;
};

class Bytes {
 public:
  Bytes() = default;
  // Empty, and in `memory` as long as that suffices; it must live as long.
  static Bytes over(std::span<std::byte> memory) noexcept {
    Bytes bytes;
    bytes.data_ = std::unique_ptr<std::byte, ReleaseBlock>(memory.data(), ReleaseBlock(ReleaseBlock::kBorrowed));
    bytes.capacity_ = memory.size();
    return bytes;
  }
  Bytes(Bytes&& other) noexcept
      : data_(std::move(other.data_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)),
        most_(std::exchange(other.most_, kUnlimited)),
        overhead_(std::exchange(other.overhead_, 0)),
        attached_(std::move(other.attached_)) {}
  Bytes& operator=(Bytes&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    most_ = std::exchange(other.most_, kUnlimited);
    overhead_ = std::exchange(other.overhead_, 0);
    attached_ = std::move(other.attached_);
    return *this;
  }

  std::byte* data() noexcept { return data_.get(); }
  const std::byte* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::span<const std::byte> view() const noexcept { return {data(), size_}; }

  void append(const void* from, std::size_t count) {
    if (count == 0) return;
    reserve_more(count);
    std::memcpy(data_.get() + size_, from, count);
    size_ += count;
  }
  // Room for `count` bytes more, of undefined content; where it begins.
  std::byte* extend(std::size_t count) {
    reserve_more(count);
    return data_.get() + std::exchange(size_, size_ + count);
  }
  // From now on growing beyond `most` bytes throws PayloadTooLargeError, which counts without the first `overhead` bytes.
  // REQUIRES: nothing is attached.
  void limit(std::size_t most, std::size_t overhead) noexcept {
    most_ = most > kUnlimited - overhead ? kUnlimited : most + overhead;
    overhead_ = overhead;
  }
  void truncate(std::size_t size) noexcept {
    size_ = std::min(size_, size);
    while (attached_ && !attached_->empty() && attached_->back().at >= size_) drop_last_attachment();
  }
  // Empties it, and gives memory beyond `kept` back.
  void clear(std::size_t kept) noexcept {
    truncate(0);
    if (capacity_ <= kept) return;
    data_.reset();
    capacity_ = 0;
  }
  // Throws std::bad_alloc.
  void reserve_more(std::size_t count) {
    if (count > most_ - size_) [[unlikely]]
      refuse(count);
    if (capacity_ - size_ < count) grow(size_ + count);
  }

  // --- what goes along; truncate() takes it back with the bytes that refer to it ---
  // Its number among what is attached; the same memory again has the same number. All of its size counts against the limit, once. Throws
  // PayloadTooLargeError, SharedMemoryError.
  std::uint32_t attach(const SharedMemoryRef& memory, std::uint64_t size) {
    if (!attached_) attached_ = std::make_unique<HeldAttachments>();
    const auto known = std::find_if(attached_->begin(), attached_->end(),
                                    [&](const Attachment& attachment) { return attachment.memory == memory; });
    const auto number = static_cast<std::uint32_t>(known - attached_->begin());
    if (known != attached_->end()) return number;
    if (number == kMostAttachments) refuse_attachment();
    if (size > most_ - size_) refuse(size);
    attached_->push_back({.memory = memory, .size = size, .at = size_});
    most_ -= size;
    return number;
  }
  // What was attached to other bytes, which follow. REQUIRES: nothing is attached.
  void attach_all(std::span<const Attachment> attachments) {
    for (const Attachment& attachment : attachments) attach(attachment.memory, attachment.size);
  }
  std::span<const Attachment> attachments() const noexcept {
    return attached_ ? std::span<const Attachment>(*attached_) : std::span<const Attachment>();
  }
  // Lets go of what is attached; the bytes stay.
  void detach() noexcept { take_attachments(); }
  // Lets go of it for somebody else to destroy; null: there is nothing.
  std::unique_ptr<HeldAttachments> take_attachments() noexcept {
    for (const Attachment& attachment : attachments()) most_ += attachment.size;
    return std::move(attached_);
  }

 private:
  static constexpr std::size_t kUnlimited = ~std::size_t{0};

  void drop_last_attachment() noexcept {
    most_ += attached_->back().size;
    attached_->pop_back();
  }
  [[noreturn]] void refuse(std::uint64_t count) const {
    std::uint64_t along = 0;
    for (const Attachment& attachment : attachments()) along += attachment.size;
    throw PayloadTooLargeError("a payload of at least " + std::to_string(size_ - overhead_ + along + count) +
                               " bytes; the pool's limit is " + std::to_string(most_ + along - overhead_) + " (max_payload)");
  }
  [[noreturn]] static void refuse_attachment() {
    throw SharedMemoryError("more than " + std::to_string(kMostAttachments) +
                            " different shared buffers in one message: the kernel passes no more descriptors at a time");
  }
  void grow(std::size_t wanted) {
    const std::size_t capacity = std::max({wanted, capacity_ * 2, std::size_t{128}});
    std::unique_ptr<std::byte, ReleaseBlock> bigger(static_cast<std::byte*>(BlockCache::allocate(capacity)),
                                                    ReleaseBlock(capacity));
    if (size_ > 0) std::memcpy(bigger.get(), data_.get(), size_);
    data_ = std::move(bigger);
    capacity_ = capacity;
  }

  std::unique_ptr<std::byte, ReleaseBlock> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t most_ = kUnlimited;  // size_ is never larger; what is attached has been taken off
  std::size_t overhead_ = 0;
  std::unique_ptr<HeldAttachments> attached_;  // null for nearly all
};

// What is appended to `bytes` in its lifetime is a section: preceded by its length, so that a reader can go on behind it.
class Section {
 public:
  explicit Section(Bytes& bytes) : bytes_(bytes), start_(bytes.size()) { bytes_.extend(sizeof(std::uint64_t)); }
  ~Section() {
    const std::uint64_t length = bytes_.size() - start_ - sizeof length;
    std::memcpy(bytes_.data() + start_, &length, sizeof length);
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

 private:
  Bytes& bytes_;
  const std::size_t start_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes, std::span<const Attachment> attachments = {}) noexcept
      : rest_(bytes), attachments_(attachments) {}
  explicit Reader(const Bytes& bytes) noexcept : Reader(bytes.view(), bytes.attachments()) {}

  void read(void* to, std::size_t count) {
    if (count > rest_.size()) throw WireError("a message ended early");
    if (count > 0) std::memcpy(to, rest_.data(), count);
    rest_ = rest_.subspan(count);
  }
  // The next `count` bytes where they lie. They may change until they are copied.
  std::span<const std::byte> take(std::size_t count) {
    if (count > rest_.size()) throw WireError("a message ended early");
    const std::span<const std::byte> taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  // Of the 256 bytes only two are a bool; what else there is must not become one.
  bool read_bool() {
    std::uint8_t byte = 0;
    read(&byte, sizeof byte);
    if (byte > 1) throw WireError("a message has a bool that is neither true nor false");
    return byte == 1;
  }
  // The next section; this reader goes on behind it.
  Reader section() {
    std::uint64_t length = 0;
    read(&length, sizeof length);
    if (length > rest_.size()) throw WireError("a section of a message is longer than the message");
    const Reader content(rest_.first(length), attachments_);
    rest_ = rest_.subspan(length);
    return content;
  }
  std::size_t remaining() const noexcept { return rest_.size(); }
  std::span<const Attachment> attachments() const noexcept { return attachments_; }  // of the message
  // What came along has been read into something; else whoever sent it keeps descriptors busy here. Of the whole message, not of a section.
  void expect_all_referred_to() const {
    for (const Attachment& attachment : attachments_) {
      if (!attachment.referred_to) throw WireError("shared memory that nothing in its message refers to");
    }
  }
  // Something could not be read that may have referred to them.
  void excuse_attachments() const noexcept {
    for (const Attachment& attachment : attachments_) attachment.referred_to = true;
  }
  void expect_end() const {
    if (!rest_.empty()) throw WireError("a message is longer than what it holds");
  }

 private:
  std::span<const std::byte> rest_;
  std::span<const Attachment> attachments_;
};

}  // namespace pools::detail
