#include "pools/detail/shared_block.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

#include "pools/detail/bytes.h"
#include "pools/errors.h"
#include "pools/src/process/ipc/shared_memory.h"

namespace pools::detail {
namespace {

// How a handle is written; untrusted where it is read.
struct BlockOnWire {
  std::uint64_t attachment = 0;  // its number among those of the message
  std::uint64_t offset = 0;      // bytes
  std::uint64_t size = 0;
};

void write_all(int descriptor, std::span<const std::byte> bytes) {
  for (off_t at = 0; !bytes.empty();) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw shared_memory_error("fill shared memory", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    at += written;
  }
}

}  // namespace

SharedBlock::SharedBlock(std::shared_ptr<SharedMapping> mapping, std::byte* data, std::size_t size) noexcept
    : mapping_(std::move(mapping)), data_(data), size_(size) {}

void SharedBlock::refuse_empty() {
  throw InvalidStateError("the handle of shared memory is empty: nothing was put into it, or it was moved from");
}

SharedBlock SharedBlock::make(std::size_t bytes) {
  auto mapping = std::make_shared<SharedMapping>(SharedMemory::make(bytes), 0, bytes);
  std::byte* const data = mapping->at(0);
  return {std::move(mapping), data, bytes};
}

SharedBlock SharedBlock::copy_of(std::span<const std::byte> bytes, bool sealed) {
  SharedMemoryRef memory = SharedMemory::make(bytes.size());
  write_all(memory->descriptor(), bytes);  // faster than through a mapping, whose pages would have to be faulted in
  if (sealed) memory->seal();
  auto mapping = std::make_shared<SharedMapping>(std::move(memory), 0, bytes.size());
  std::byte* const data = mapping->at(0);
  return {std::move(mapping), data, bytes.size()};
}

SharedBlock SharedBlock::slice(std::size_t offset, std::size_t bytes) const {
  if (offset > size() || bytes > size() - offset) throw std::out_of_range("a slice beyond the end of shared memory");
  return {mapping_, data_ + offset, bytes};
}

void SharedBlock::seal() {
  require();
  if (mapping_.use_count() != 1 || mapping_->memory().use_count() != 1) {
    throw SharedMemoryError(
        "cannot seal shared memory: this process has another handle or a slice of it, or a task that is not done or the initializer of a pool "
        "has it");
  }
  // What other threads did with handles that are gone by now has been done: to give up a copy acquires what they released, which
  // use_count() does not. Not by a fence: ThreadSanitizer knows none.
  static_cast<void>(std::shared_ptr<SharedMapping>(mapping_));
  static_cast<void>(SharedMemoryRef(mapping_->memory()));
  mapping_->seal();
}

bool SharedBlock::same_memory(const SharedBlock& other) const noexcept {
  return valid() && other.valid() && mapping_->memory()->is_same_as(*other.mapping_->memory());
}

void SharedBlock::save(Bytes& to) const {
  require();
  const SharedMemoryRef& memory = mapping_->memory();
  if (memory->descriptor() < 0) {
    throw SharedMemoryError("shared memory cannot be passed on by a fork of the process that it belongs to");
  }
  const BlockOnWire block{.attachment = to.attach(memory, memory->size()), .offset = mapping_->offset_of(data_), .size = size_};
  to.append(&block, sizeof block);
}

SharedBlock SharedBlock::load(Reader& from, bool sealed, std::size_t alignment, std::size_t unit) {
  BlockOnWire block;
  from.read(&block, sizeof block);
  if (block.attachment >= from.attachments().size()) throw WireError("shared memory that did not come along");
  const Attachment& attachment = from.attachments()[block.attachment];
  attachment.referred_to = true;
  if (block.offset > attachment.size || block.size > attachment.size - block.offset) {
    throw WireError("shared memory that ends before what is said to be in it");
  }
  if (block.offset % alignment != 0 || block.size % unit != 0) throw WireError("shared memory of another type");
  if (attachment.memory->sealed() != sealed) {
    throw WireError(sealed ? "shared memory that is not sealed" : "shared memory that is sealed");
  }
  auto mapping = std::make_shared<SharedMapping>(attachment.memory, block.offset, static_cast<std::size_t>(block.size));
  std::byte* const data = mapping->at(block.offset);
  return {std::move(mapping), data, static_cast<std::size_t>(block.size)};
}

}  // namespace pools::detail
