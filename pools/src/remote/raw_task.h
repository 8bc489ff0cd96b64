#pragma once

// A task of another program's process pool, run in the one here: the result stays bytes.

#include <type_traits>

#include "pools/detail/bytes.h"
#include "pools/detail/in_place.h"
#include "pools/detail/remote_task.h"

namespace pools::detail {

template <>
struct DecodedInPlace<Bytes> : std::true_type {};  // they are copied

inline Bytes take_rest(Reader& answer) {
  const std::span<const std::byte> rest = answer.take(answer.remaining());
  Bytes bytes;
  bytes.append(rest.data(), rest.size());
  return bytes;
}

using RawTask = DecodedTask<Bytes, &take_rest>;

}  // namespace pools::detail
