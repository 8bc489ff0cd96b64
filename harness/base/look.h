#pragma once

// How a text for people looks where it is shown: how wide it may be, and whether what matters has a colour.
//
// Thread safety: pure functions.

#include <cstddef>
#include <string>
#include <string_view>

namespace harness {

// Of a text that is kept, or printed where no terminal says how wide it is.
inline constexpr std::size_t kPageColumns = 100;

struct Look {
  std::size_t columns = kPageColumns;
  bool colour = false;  // escape sequences of a terminal may be in it
};

enum class Paint { strong, good, bad, doubtful, faint };

// The text between the escape sequences of that paint, which columns_of() and hang() count as nothing. As it is where the look has no
// colours, and where it is empty.
std::string painted(std::string_view text, Paint paint, const Look& look);

}  // namespace harness
