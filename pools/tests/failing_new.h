#pragma once

// An operator new that fails when the program says so. Link failing_new.cpp and define fail_allocation(). Not under sanitizers, which have
// one of their own: nothing fails there.

namespace pools::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kNewMayFail = false;
#else
inline constexpr bool kNewMayFail = true;
#endif

// Asked by each allocation, on its thread; true: it throws std::bad_alloc. Must not allocate.
bool fail_allocation() noexcept;

}  // namespace pools::test
