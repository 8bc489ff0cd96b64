#pragma once

// Shared arrays on their way through the archives, also within containers and classes: a reference to what is attached to the message.

#include <cereal/cereal.hpp>
#include <type_traits>

#include "pools/detail/archive.h"
#include "pools/shared_buffer.h"

namespace pools::detail {

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(SaveArchive& archive, const SharedArray<T>& array) {
  SharedArrayAccess::block(array).save(archive.bytes());
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, SharedArray<T>& array) {
  array = SharedArrayAccess::adopt<T>(SharedBlock::load(archive.reader(), std::is_const_v<T>, alignof(T), sizeof(T)));
}

}  // namespace pools::detail
