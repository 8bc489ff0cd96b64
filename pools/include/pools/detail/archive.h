#pragma once

// The archives through which cereal writes and reads messages: raw bytes of this machine, straight into and out of memory
// (cereal's own binary archives go through iostreams). Trivially copyable types without a serialisation of their own are copied,
// also inside containers.

#include <cereal/archives/binary.hpp>
#include <cereal/cereal.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/valarray.hpp>
#include <cereal/types/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <valarray>
#include <vector>

#include "pools/detail/bytes.h"
#include "pools/detail/stack.h"

namespace pools::detail {

class SaveArchive : public cereal::OutputArchive<SaveArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit SaveArchive(Bytes& bytes) : OutputArchive(this), bytes_(bytes) {}
  void write(const void* from, std::size_t count) { bytes_.append(from, count); }
  Bytes& bytes() const { return bytes_; }

 private:
  Bytes& bytes_;
};

class LoadArchive : public cereal::InputArchive<LoadArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit LoadArchive(Reader& reader) : InputArchive(this), reader_(reader) {}
  void read(void* to, std::size_t count) { reader_.read(to, count); }
  std::span<const std::byte> take(std::size_t count) { return reader_.take(count); }
  Reader& reader() const { return reader_; }

  // A container is resized to its count before its elements are read: what cannot be there must not be allocated. Elements of no bytes at
  // all exist (a class whose serialize function archives nothing), so that what takes a moderate amount of memory always passes. Throws
  // WireError.
  void require_elements(std::uint64_t count, std::size_t bytes_each) const {
    constexpr std::size_t kHarmless = std::size_t{1} << 20;
    if (count > reader_.remaining() && count > kHarmless / bytes_each)
      throw WireError("a container in a message is longer than the message");
  }
  // The same before the count has been read.
  void require_next_elements(std::size_t bytes_each) const {
    Reader ahead = reader_;
    cereal::size_type count = 0;
    ahead.read(&count, sizeof count);
    require_elements(count, bytes_each);
  }

  // --- shared pointers, see shared_pointers.h; the first two are cereal's, with the type checked ---
  template <class T>
  void registerSharedPointer(std::uint32_t id, const std::shared_ptr<T>& pointer) {
    const std::uint32_t number = id & ~cereal::detail::msb_32bit;
    if (!pointees_.emplace(number, &typeid(T)).second) throw WireError("a message has two shared objects of one number");
    InputArchive::registerSharedPointer(id, pointer);
  }
  std::shared_ptr<void> getSharedPointer(std::uint32_t id) {
    const auto pointee = pointees_.find(id);
    if (id != 0 && (pointee == pointees_.end() || *pointee->second != *wanted_)) {
      throw WireError("a shared pointer in a message refers to no object of its type");
    }
    return InputArchive::getSharedPointer(id);
  }
  // Of the object of the pointer whose number is read next.
  void expect_pointee(const std::type_info& type) noexcept { wanted_ = &type; }

 private:
  Reader& reader_;
  const std::type_info* wanted_ = nullptr;
  std::unordered_map<std::uint32_t, const std::type_info*> pointees_;
};

// Called by cereal before whatever an archive is given: each level of a nested value comes by here, and one too deep for the stack is an
// exception, of whichever thread encodes or decodes it.
template <class T>
void prologue(SaveArchive&, const T&) {
  require_stack("a value to be encoded is");
}
template <class T>
void prologue(LoadArchive&, const T&) {
  require_stack("a value to be decoded is");
}
template <class T>
void prologue(LoadArchive&,
              T&) {  // not const: GCC takes a value that is not there yet for one that is read, where it is passed as const
  require_stack("a value to be decoded is");
}

// What only means something in the address space that it comes from.
template <class T>
struct PointsElsewhere : std::bool_constant<std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T> ||
                                            std::is_reference_v<T>> {};
template <class T, class Traits>
struct PointsElsewhere<std::basic_string_view<T, Traits>> : std::true_type {};
template <class T, std::size_t N>
struct PointsElsewhere<std::span<T, N>> : std::true_type {};
template <class T>
struct PointsElsewhere<std::reference_wrapper<T>> : std::true_type {};
template <class T, std::size_t N>
struct PointsElsewhere<T[N]> : PointsElsewhere<T> {};

// Has serialize, save and load, or the like, its own or in cereal; one direction is enough (cereal's wrapper of a
// unique_ptr has a type for each). Asked of cereal's own archives, which do not know the functions below.
template <class T>
inline constexpr bool kHasSerialisation = cereal::traits::is_output_serializable<T, cereal::BinaryOutputArchive>::value ||
                                          cereal::traits::is_input_serializable<T, cereal::BinaryInputArchive>::value;

// Travels as its bytes.
template <class T>
concept Copied = std::is_arithmetic_v<T> || std::is_enum_v<T> ||
                 (std::is_class_v<T>&& std::is_trivially_copyable_v<T> && !PointsElsewhere<T>::value && !kHasSerialisation<T>) ||
                 (std::is_union_v<T> && std::is_trivially_copyable_v<T>);

// Found by cereal through the archives' namespace.
template <class T>
requires(std::is_arithmetic_v<T> || (Copied<T> && !std::is_enum_v<T>)) void CEREAL_SAVE_FUNCTION_NAME(SaveArchive& archive,
                                                                                                      const T& value) {
  archive.write(std::addressof(value), sizeof value);
}
template <class T>
requires(std::is_arithmetic_v<T> || (Copied<T> && !std::is_enum_v<T>)) void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive,
                                                                                                      T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    value = archive.reader().read_bool();
  } else {
    archive.read(std::addressof(value), sizeof value);
  }
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(SaveArchive& archive, const cereal::BinaryData<T>& data) {
  archive.write(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, cereal::BinaryData<T>& data) {
  archive.read(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(SaveArchive& archive, const cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(SaveArchive& archive, const cereal::SizeTag<T>& tag) {
  archive(tag.size);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, cereal::SizeTag<T>& tag) {
  archive(tag.size);
  archive.require_elements(tag.size, 1);
}

// Strings and vectors of bytes: one copy. cereal's own functions fill the new memory with zeros first.
template <class Byte>
concept ByteLike = sizeof(Byte) == 1 && std::is_arithmetic_v<Byte> && !std::is_same_v<Byte, bool>;
template <ByteLike Byte, class Container>
void load_bytes(LoadArchive& archive, Container& to) {
  cereal::size_type size = 0;
  archive(cereal::make_size_tag(size));
  const std::span<const std::byte> bytes = archive.take(static_cast<std::size_t>(size));
  const auto* const first = reinterpret_cast<const Byte*>(bytes.data());
  to.assign(first, first + bytes.size());
}
template <ByteLike Byte, class Allocator>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, std::vector<Byte, Allocator>& vector) {
  load_bytes<Byte>(archive, vector);
}
template <ByteLike Byte, class Traits, class Allocator>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, std::basic_string<Byte, Traits, Allocator>& string) {
  load_bytes<Byte>(archive, string);
}

// Containers that cereal resizes, whatever their elements take.
template <class T, class Allocator>
requires(!ByteLike<T> && !std::is_same_v<T, bool>) void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive,
                                                                                  std::vector<T, Allocator>& vector) {
  archive.require_next_elements(sizeof(T));
  cereal::CEREAL_LOAD_FUNCTION_NAME(archive, vector);
}
template <class T, class Allocator>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, std::deque<T, Allocator>& deque) {
  archive.require_next_elements(sizeof(T));
  cereal::CEREAL_LOAD_FUNCTION_NAME(archive, deque);
}
template <class T, class Allocator>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, std::list<T, Allocator>& list) {
  archive.require_next_elements(sizeof(T));
  cereal::CEREAL_LOAD_FUNCTION_NAME(archive, list);
}
template <class T, class Allocator>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, std::forward_list<T, Allocator>& list) {
  archive.require_next_elements(sizeof(T));
  cereal::CEREAL_LOAD_FUNCTION_NAME(archive, list);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, std::valarray<T>& valarray) {
  archive.require_next_elements(sizeof(T));
  cereal::CEREAL_LOAD_FUNCTION_NAME(archive, valarray);
}

}  // namespace pools::detail

CEREAL_SETUP_ARCHIVE_TRAITS(pools::detail::LoadArchive, pools::detail::SaveArchive)
