#pragma once

// What a handle of shared memory (shared_block.h) refers to: memory of the kernel's without a name, and where it is in this process.
//
//   SharedMemory    a memfd that can be neither shrunk nor grown (so that no pointer into it is ever wrong), and perhaps not be written
//                   to (F_SEAL_WRITE). Held by handles, and by messages that it is attached to
//   SharedMapping   some of its pages, mapped here. Held by handles

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "pools/detail/attachments.h"
#include "pools/errors.h"
#include "pools/src/process/os/file_descriptor.h"

namespace pools::detail {

// "cannot WHAT: " and what an errno says, with the limit that is in the way.
SharedMemoryError shared_memory_error(const char* what, int error);

// Thread-safe but for seal().
class SharedMemory {
 public:
  static SharedMemoryRef make(std::size_t bytes);  // zeros. Throws SharedMemoryError
  // From another process, which is not trusted. Throws WireError unless it is such memory.
  static SharedMemoryRef received(FileDescriptor descriptor);
  SharedMemory(FileDescriptor descriptor, std::uint64_t size, bool sealed) noexcept
      : descriptor_(std::move(descriptor)), size_(size), sealed_(sealed) {}

  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  int descriptor() const noexcept { return descriptor_.get(); }  // -1 in a fork
  std::uint64_t size() const noexcept { return size_; }          // bytes
  bool sealed() const noexcept { return sealed_; }
  // Also of what has come back from another process by another descriptor; in a fork it is not recognised then.
  bool is_same_as(const SharedMemory& other) const noexcept;
  void seal();  // Throws SharedMemoryError. REQUIRES: nobody else has it here, and it is not mapped to be written

 private:
  FileDescriptor descriptor_;
  std::uint64_t size_;
  bool sealed_;
};

class SharedMapping {
 public:
  // The pages that these bytes lie in; to be read and, unless the memory is sealed, written. Throws SharedMemoryError. REQUIRES: they
  // are within the memory.
  SharedMapping(SharedMemoryRef memory, std::uint64_t offset, std::size_t bytes);
  ~SharedMapping();
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;

  // Nobody can write to the memory from now on, which stays where it is. Throws SharedMemoryError: it is as it was. REQUIRES: nobody else has the
  // memory or this here
  void seal();

  const SharedMemoryRef& memory() const noexcept { return memory_; }
  std::byte* at(std::uint64_t offset) const noexcept { return begin_ + (offset - first_); }  // of the memory
  std::uint64_t offset_of(const std::byte* address) const noexcept {
    return first_ + static_cast<std::uint64_t>(address - begin_);
  }

 private:
  void* map(void* place, bool sealed) const noexcept;  // null: anywhere

  SharedMemoryRef memory_;
  std::uint64_t first_;  // offset of the first page
  std::size_t length_;
  std::byte* begin_;
};

}  // namespace pools::detail
