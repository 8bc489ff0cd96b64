#include "pools/src/base/thread_name.h"

#include <pthread.h>

#include <algorithm>
#include <cstddef>

namespace pools::detail {

void name_this_thread(std::string_view prefix, std::string_view suffix) noexcept {
  char name[16] = {};
  constexpr std::size_t kVisible = sizeof name - 1;
  const std::size_t tail = std::min(suffix.size(), kVisible);
  const std::size_t head = std::min(prefix.size(), kVisible - tail);
  std::copy_n(prefix.data(), head, name);
  std::copy_n(suffix.data(), tail, name + head);
  ::pthread_setname_np(::pthread_self(), name);
}

}  // namespace pools::detail
