#pragma once

// What may cross to another process, and how.
//
//   arithmetic types, enums, trivially copyable classes    their bytes. A class that holds pointers is the caller's mistake.
//   everything cereal can serialise                        standard containers, smart pointers (that share an object: of one
//                                                          type), std::optional, std::variant,
//                                                          and classes with serialize (or save and load, ...) of their own;
//                                                          to be received they must be default-constructible
//   SharedArray, SharedBuffer (shared_buffer.h)            a reference; the memory itself goes along, as a descriptor
//   pointers, references, views                            refused at compile time, as is everything else; but for the views that a
//                                                          parameter may be (views.h)

#include <cereal/types/array.hpp>
#include <cereal/types/atomic.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/queue.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/stack.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/valarray.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <concepts>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "pools/detail/archive.h"
#include "pools/detail/bytes.h"
#include "pools/detail/shared_archive.h"
#include "pools/detail/shared_pointers.h"

namespace pools::detail {

template <class T>
concept Serialised = !Copied<T> && cereal::traits::is_output_serializable<T, SaveArchive>::value &&
                     cereal::traits::is_input_serializable<T, LoadArchive>::value;

template <class T>
inline constexpr bool kTransferable =
    !PointsElsewhere<T>::value && (Copied<T> || (Serialised<T> && std::default_initializable<T>));

// Fails to compile, in words, where a T cannot travel.
template <class T>
constexpr void check_transferable() {
  static_assert(!PointsElsewhere<T>::value,
                "pointers, references and views mean nothing in another process: pass a value (std::string, std::vector, ...)");
  static_assert(PointsElsewhere<T>::value || Copied<T> || Serialised<T>,
                "this type can neither be copied as bytes (it is not trivially copyable) nor serialised by cereal: give it "
                "template <class Archive> void serialize(Archive& archive) { archive(its, members); }");
  static_assert(!Serialised<T> || std::default_initializable<T>,
                "a type that cereal serialises must be default-constructible to be received");
}

template <class T>
void encode(Bytes& to, const T& value) {
  check_transferable<T>();
  if constexpr (Copied<T>) {
    to.append(std::addressof(value), sizeof value);
  } else if constexpr (kTransferable<T>) {
    SaveArchive archive(to);
    archive(value);
  }
}

template <class T>
T decode(Reader& from) {
  check_transferable<T>();
  if constexpr (std::is_same_v<T, bool>) {
    return from.read_bool();
  } else if constexpr (Copied<T>) {
    // Not default-constructed: it need not be possible.
    union Slot {
      Slot() {}
      T value;
    } slot;
    from.read(std::addressof(slot.value), sizeof slot.value);
    return slot.value;
  } else if constexpr (kTransferable<T>) {
    T value{};
    LoadArchive archive(from);
    archive(value);
    return value;
  } else {
    std::abort();  // has not compiled
  }
}

// Encodes a T made from `value`, without the copy where it is one already.
template <class T, class Value>
void encode_as(Bytes& to, Value&& value) {
  if constexpr (std::same_as<std::remove_cvref_t<Value>, T>) {
    encode<T>(to, value);
  } else {
    encode<T>(to, static_cast<T>(std::forward<Value>(value)));
  }
}

}  // namespace pools::detail
