#pragma once

// A handle of a run of bytes in shared memory, whatever they are: what a SharedArray is made of (shared_buffer.h).

#include <cstddef>
#include <memory>
#include <span>

namespace pools::detail {

class Bytes;
class Reader;
struct SharedArrayAccess;  // shared_buffer.h
class SharedMapping;       // src/process/ipc/shared_memory.h

// Copies share the memory and its place in this process. Empty when default-constructed or moved from: then all but valid() throw
// InvalidStateError. Thread safety: as a shared_ptr.
class SharedBlock {
 public:
  SharedBlock() = default;
  static SharedBlock make(std::size_t bytes);                                 // zeros, may be written. Throws SharedMemoryError
  static SharedBlock copy_of(std::span<const std::byte> bytes, bool sealed);  // Throws SharedMemoryError

  bool valid() const noexcept { return mapping_ != nullptr; }
  std::byte* data() const {
    require();
    return data_;
  }
  std::size_t size() const {
    require();
    return size_;
  }
  // Throws std::out_of_range.
  SharedBlock slice(std::size_t offset, std::size_t bytes) const;
  // From now on nobody writes to it. Throws SharedMemoryError: it is as it was.
  void seal();
  bool same_memory(const SharedBlock& other) const noexcept;

  // --- its way to another process ---
  // Throws SharedMemoryError in a fork of the process that it belongs to, PayloadTooLargeError.
  void save(Bytes& to) const;
  // Maps it. Throws WireError, SharedMemoryError.
  static SharedBlock load(Reader& from, bool sealed, std::size_t alignment, std::size_t unit);

 private:
  SharedBlock(std::shared_ptr<SharedMapping> mapping, std::byte* data, std::size_t size) noexcept;
  void require() const {
    if (mapping_ == nullptr) [[unlikely]]
      refuse_empty();
  }
  [[noreturn]] static void refuse_empty();

  std::shared_ptr<SharedMapping> mapping_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;  // bytes
};

}  // namespace pools::detail
