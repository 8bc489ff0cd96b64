#pragma once

// Whose decoding runs no code of the user's. What a class with a serialisation of its own does in there is its author's affair: it may
// take long, block or recurse, so that a pool decodes it on a thread that nobody else waits for. Bytes, numbers, strings and the standard's
// containers of them are decoded where they arrive.

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <exception>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "pools/detail/archive.h"
#include "pools/shared_buffer.h"

namespace pools::detail {

template <class T>
struct DecodedInPlace : std::bool_constant<Copied<T>> {};

template <class... T>
inline constexpr bool kDecodedInPlace = (DecodedInPlace<T>::value && ...);

// Keys are compared and hashed as they are put in: only those whose order and hash are not the user's.
template <class T>
struct KeyInPlace : std::bool_constant<std::is_arithmetic_v<T>> {};
template <class C, class Traits>
struct KeyInPlace<std::basic_string<C, Traits>> : DecodedInPlace<std::basic_string<C, Traits>> {};

template <>
struct DecodedInPlace<void> : std::true_type {};
template <>
struct DecodedInPlace<std::exception_ptr> : std::true_type {};  // decode_exception()'s, within the outcome of an item
template <>
struct DecodedInPlace<std::monostate> : std::true_type {};
template <class C>
struct DecodedInPlace<std::basic_string<C, std::char_traits<C>>> : std::is_arithmetic<C> {};
template <class T>
struct DecodedInPlace<SharedArray<T>> : std::true_type {};
template <class T>
struct DecodedInPlace<std::vector<T>> : DecodedInPlace<T> {};
template <class T>
struct DecodedInPlace<std::deque<T>> : DecodedInPlace<T> {};
template <class T>
struct DecodedInPlace<std::list<T>> : DecodedInPlace<T> {};
template <class T>
struct DecodedInPlace<std::forward_list<T>> : DecodedInPlace<T> {};
template <class T, std::size_t N>
struct DecodedInPlace<std::array<T, N>> : DecodedInPlace<T> {};
template <class T>
struct DecodedInPlace<std::optional<T>> : DecodedInPlace<T> {};
template <class A, class B>
struct DecodedInPlace<std::pair<A, B>> : std::bool_constant<kDecodedInPlace<A, B>> {};
template <class... T>
struct DecodedInPlace<std::tuple<T...>> : std::bool_constant<kDecodedInPlace<T...>> {};
template <class... T>
struct DecodedInPlace<std::variant<T...>> : std::bool_constant<kDecodedInPlace<T...>> {};
template <class T>
struct DecodedInPlace<std::complex<T>> : std::is_arithmetic<T> {};
template <class Rep, class Period>
struct DecodedInPlace<std::chrono::duration<Rep, Period>> : std::is_arithmetic<Rep> {};
template <class Clock, class Duration>
struct DecodedInPlace<std::chrono::time_point<Clock, Duration>> : DecodedInPlace<Duration> {};
template <std::size_t N>
struct DecodedInPlace<std::bitset<N>> : std::true_type {};
template <class K>
struct DecodedInPlace<std::set<K>> : KeyInPlace<K> {};
template <class K>
struct DecodedInPlace<std::multiset<K>> : KeyInPlace<K> {};
template <class K>
struct DecodedInPlace<std::unordered_set<K>> : KeyInPlace<K> {};
template <class K, class V>
struct DecodedInPlace<std::map<K, V>> : std::bool_constant<KeyInPlace<K>::value && kDecodedInPlace<V>> {};
template <class K, class V>
struct DecodedInPlace<std::multimap<K, V>> : std::bool_constant<KeyInPlace<K>::value && kDecodedInPlace<V>> {};
template <class K, class V>
struct DecodedInPlace<std::unordered_map<K, V>> : std::bool_constant<KeyInPlace<K>::value && kDecodedInPlace<V>> {};

}  // namespace pools::detail
