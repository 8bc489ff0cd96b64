#pragma once

// What does not compile, and says why: a static_assert on kRefused<T> fails when its template is used, and not before.

namespace pools::detail {

template <class>
inline constexpr bool kRefused = false;

}  // namespace pools::detail
