#pragma once

// Shared pointers in a message, for cereal/types/memory.hpp.
//
// cereal writes what several shared pointers share once, and a number instead of it the next time; what is read is kept as
// shared_ptr<void> under its number. Which type it has it does not know: two numbers swapped make a string of an int. So this archive notes
// the type with the number (LoadArchive::registerSharedPointer), and is told here which type is wanted. weak_ptr and pointers to
// polymorphic types are read through the same function, the latter as the type that they really have. A unique_ptr has no number.

#include <cereal/types/memory.hpp>
#include <memory>
#include <type_traits>
#include <typeinfo>

#include "pools/detail/archive.h"

namespace pools::detail {

template <class T>
void CEREAL_LOAD_FUNCTION_NAME(LoadArchive& archive, cereal::memory_detail::PtrWrapper<std::shared_ptr<T>&>& wrapper) {
  archive.expect_pointee(typeid(std::remove_const_t<T>));
  cereal::CEREAL_LOAD_FUNCTION_NAME(archive, wrapper);
}

}  // namespace pools::detail
