#pragma once

// A task of another program's process pool, run in the one here: the result stays bytes.

#include <span>
#include <type_traits>

#include "pools/detail/bytes.h"
#include "pools/detail/in_place.h"
#include "pools/detail/remote_task.h"
#include "pools/errors.h"

namespace pools::detail {

template <>
struct DecodedInPlace<Bytes> : std::true_type {};  // they are copied

// Throws SharedMemoryError.
inline void refuse_attachments(std::span<const Attachment> attachments) {
  if (!attachments.empty()) {
    throw SharedMemoryError("a RemotePool passes no shared buffer (SharedArray) on: hosts share no memory; pass a std::vector");
  }
}

inline Bytes take_rest(Reader& answer) {
  refuse_attachments(answer.attachments());
  const std::span<const std::byte> rest = answer.take(answer.remaining());
  Bytes bytes;
  bytes.append(rest.data(), rest.size());
  return bytes;
}

using RawTask = DecodedTask<Bytes, &take_rest>;

}  // namespace pools::detail
