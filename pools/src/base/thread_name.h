#pragma once

#include <string>
#include <string_view>

namespace pools::detail {

// Names the calling thread as `top -H` and `ps -L` show it: prefix + suffix, of which the kernel keeps 15 characters; a longer
// prefix is cut so that the suffix, which tells the threads of a pool apart, is whole.
void name_this_thread(std::string_view prefix, std::string_view suffix) noexcept;

}  // namespace pools::detail
