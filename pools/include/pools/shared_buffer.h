#pragma once

// Memory that processes share: an argument, or a result, of any size that is not copied.
//
//   pools::SharedArray<float> image(width * height);               // zeros; image[0] = 1, std::span<float>, image.data()
//   auto sum = processes.submit<&add_up>(image);                   // float add_up(const pools::SharedArray<float>& image)
//   pools::SharedArray<const float> table = std::move(image).seal();   // from now on nobody can change it, here or elsewhere
//
// A handle refers to memory that has no name. It is passed to another process by a descriptor, which maps the same pages: what one writes the
// other sees. Made by either: a worker may return one. The kernel frees the memory with the last handle, in whichever process that is and
// however that ends. A task that is sent to a ProcessPool holds what it takes until it is done or has failed or, cancelled, until the pool
// comes across it.
//
//   SharedArray<T>         can be written, by everyone who has it; when, the processes agree among themselves (a task that has
//                          returned has written what it was to write: results are published after it)
//   SharedArray<const T>   sealed: its content never changes again. The compiler refuses to write to it, and the kernel does: a write
//                          through a pointer ends the process with SIGSEGV, write() to its descriptor fails with EPERM
//
// The bytes count against ProcessPoolOptions::max_payload: of each different memory in a message all of it, once, also where a slice is
// sent. A process has a descriptor for each memory that it has a handle of; a message has at most 253 of them. A worker maps what it is
// given (of a slice the pages that it lies in) within its memory_limit.
//
// Pages exist once they are touched, be it by a read. Where there is no memory left for one, the kernel ends a process, or where it promises
// no more than it has (vm.overcommit_memory = 2) sends SIGBUS to the one that touches it: that may be the program and not the worker.
// In a fork the memory can be read and written as before (it is the same), but not be passed on. RemotePool refuses it: hosts
// share no memory. A ThreadPool takes it like any other value.
//
// Thread safety: that of a shared_ptr: a handle is a value for one thread at a time, copies are independent.

#include <cstddef>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "pools/detail/shared_block.h"
#include "pools/errors.h"

namespace pools {

template <class T>
class SharedArray {
  using Element = std::remove_const_t<T>;
  static constexpr bool kSealed = std::is_const_v<T>;
  static_assert(std::is_trivially_copyable_v<Element> && !std::is_pointer_v<Element> && !std::is_volatile_v<T>,
                "what processes share is trivially copyable, and holds no pointers");
  static_assert(!std::is_same_v<Element, bool>, "a bool that another process writes need not be one: share std::uint8_t");
  static_assert(alignof(Element) <= 4096, "shared memory is aligned to a page");

 public:
  using value_type = Element;
  using iterator = T*;

  // Empty: valid() is false, and all else throws InvalidStateError. So is one that was moved from.
  SharedArray() = default;
  // `count` elements of zeros. Throws SharedMemoryError.
  explicit SharedArray(std::size_t count) requires(!kSealed) : block_(detail::SharedBlock::make(bytes_of(count))) {}
  // With a copy of these elements; the only way to a sealed one that nobody has ever been able to write to. Throws SharedMemoryError.
  [[nodiscard]] static SharedArray copy_of(std::span<const Element> elements) {
    return SharedArray(detail::SharedBlock::copy_of(std::as_bytes(elements), kSealed));
  }

  [[nodiscard]] bool valid() const noexcept { return block_.valid(); }
  [[nodiscard]] T* data() const { return reinterpret_cast<T*>(block_.data()); }
  [[nodiscard]] std::size_t size() const { return block_.size() / sizeof(T); }  // elements
  [[nodiscard]] bool empty() const { return size() == 0; }
  T& operator[](std::size_t index) const { return data()[index]; }
  T* begin() const { return data(); }
  T* end() const { return data() + size(); }

  // A handle of `count` elements from `first` on, of the same memory. Throws std::out_of_range.
  [[nodiscard]] SharedArray slice(std::size_t first, std::size_t count) const {
    if (first > size() || count > size() - first) throw std::out_of_range("a slice beyond the end of a shared array");
    return SharedArray(block_.slice(first * sizeof(T), count * sizeof(T)));
  }
  // The whole in `parts` consecutive slices, of sizes that differ by one at most; for map(). Throws std::invalid_argument unless parts > 0.
  [[nodiscard]] std::vector<SharedArray> split(std::size_t parts) const {
    if (parts == 0) throw std::invalid_argument("a shared array is split into at least 1 part, not 0");
    std::vector<SharedArray> slices;
    slices.reserve(parts);
    const std::size_t each = size() / parts;
    const std::size_t longer = size() % parts;
    for (std::size_t part = 0, first = 0; part < parts; ++part) {
      const std::size_t count = each + (part < longer ? 1 : 0);
      slices.push_back(slice(first, count));
      first += count;
    }
    return slices;
  }
  // The same elements, where they were, which nobody can write to from now on; this handle is empty then. Throws SharedMemoryError
  // while somebody else has the memory: another handle or a slice of it here, a task that is not done, a pool's initializer, another process.
  // Then this handle is as it was. Of what is on its way to another process just then (a result that holds a copy) nothing is known here:
  // it arrives as SharedMemoryError.
  [[nodiscard]] SharedArray<const Element> seal() && requires(!kSealed) {
    block_.seal();
    return SharedArray<const Element>(std::move(block_));
  }
  // Both are handles of one memory, whatever parts of it, also where one has come back from another process (mapped anew, and in a message
  // with the other counted once more); false of empty ones.
  [[nodiscard]] bool same_memory(const SharedArray& other) const noexcept { return block_.same_memory(other.block_); }

 private:
  friend struct detail::SharedArrayAccess;
  template <class>
  friend class SharedArray;  // seal()
  explicit SharedArray(detail::SharedBlock block) noexcept : block_(std::move(block)) {}

  static std::size_t bytes_of(std::size_t count) {
    if (count > ~std::size_t{0} / sizeof(T)) throw SharedMemoryError("a shared array of more bytes than there are addresses");
    return count * sizeof(T);
  }

  detail::SharedBlock block_;
};

using SharedBuffer = SharedArray<std::byte>;
using SealedBuffer = SharedArray<const std::byte>;

namespace detail {

// For what passes them on.
struct SharedArrayAccess {
  template <class T>
  static const SharedBlock& block(const SharedArray<T>& array) noexcept {
    return array.block_;
  }
  template <class T>
  static SharedArray<T> adopt(SharedBlock block) noexcept {
    return SharedArray<T>(std::move(block));
  }
};

}  // namespace detail
}  // namespace pools
