#pragma once

// Parameters that view their argument where it arrived, in the memory of the channel or of its message: no copy is made in the worker. The
// view is good as long as the task runs, and not in a fork that the task makes: that has not the memory of the channel.
//
// On the wire: the number of elements; of elements that are aligned a byte that says how many bytes of padding follow, and those; the
// elements. The padding aligns them as far as messages are (Message::kAlignment). Where that is not enough, they are copied.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "pools/detail/archive.h"
#include "pools/detail/bytes.h"

namespace pools::detail {

template <class T>
inline constexpr bool kView = false;
template <class C>
inline constexpr bool kView<std::basic_string_view<C>> = std::is_arithmetic_v<C>;
template <class T>
inline constexpr bool kView<std::span<const T>> =
    Copied<T> && !std::is_same_v<T, bool> && alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;

template <class View>
void encode_view(Bytes& to, const View& view) {
  using Element = typename View::value_type;
  const std::uint64_t count = view.size();
  to.append(&count, sizeof count);
  if constexpr (alignof(Element) > 1) {
    const auto padding = static_cast<std::uint8_t>((alignof(Element) - (to.size() + 1) % alignof(Element)) % alignof(Element));
    to.append(&padding, 1);
    std::memset(to.extend(padding), 0, padding);
  }
  to.append(view.data(), view.size() * sizeof(Element));
}

// Of an argument in a message: the view, and the copy that it is of where it had to be made.
template <class View>
class ViewedArgument {
  using Element = typename View::value_type;

 public:
  // Throws WireError, std::bad_alloc.
  explicit ViewedArgument(Reader& from) {
    std::uint64_t count = 0;
    from.read(&count, sizeof count);
    if constexpr (alignof(Element) > 1) {
      std::uint8_t padding = 0;
      from.read(&padding, 1);
      from.take(padding);
    }
    if (count > from.remaining() / sizeof(Element)) throw WireError("a view in a message is longer than the message");
    const std::span<const std::byte> bytes = from.take(static_cast<std::size_t>(count) * sizeof(Element));
    const std::byte* first = bytes.data();
    if (reinterpret_cast<std::uintptr_t>(first) % alignof(Element) != 0) {
      copy_.reset(new std::byte[bytes.size()]);
      std::memcpy(copy_.get(), first, bytes.size());
      first = copy_.get();
    }
    view_ = View(reinterpret_cast<const Element*>(first), static_cast<std::size_t>(count));
  }
  View& view() noexcept { return view_; }

 private:
  View view_;
  std::unique_ptr<std::byte[]> copy_;
};

}  // namespace pools::detail
