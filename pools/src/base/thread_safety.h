#pragma once

// What a mutex protects and who has to hold it, said so that clang checks it (-Wthread-safety: the preset `tidy`, the test
// `thread_safety`). Other compilers read nothing here. Never in a public header: these names are short.
//
//   Mutex mutex_;
//   int count_ GUARDED_BY(mutex_) = 0;     read and written with mutex_ held only
//   void raise_locked() REQUIRES(mutex_);  the caller holds it
//   void raise() EXCLUDES(mutex_);         the caller does not hold it: it is locked in here
//
// The analysis knows a mutex by the expression that names it, and nothing of aliases. So what one object guards in another, by a rule
// that no expression names, is said in a comment; what may be read without the mutex for a reason that no attribute tells is read through a
// function that is marked NOT_ANALYSED and says the reason.

#ifdef __clang__
#define POOLS_THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define POOLS_THREAD_SAFETY(attribute)
#endif

#define CAPABILITY(name) POOLS_THREAD_SAFETY(capability(name))
#define SCOPED_CAPABILITY POOLS_THREAD_SAFETY(scoped_lockable)
#define GUARDED_BY(mutex) POOLS_THREAD_SAFETY(guarded_by(mutex))
#define REQUIRES(...) POOLS_THREAD_SAFETY(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) POOLS_THREAD_SAFETY(acquire_capability(__VA_ARGS__))
#define RELEASE(...) POOLS_THREAD_SAFETY(release_capability(__VA_ARGS__))
#define EXCLUDES(...) POOLS_THREAD_SAFETY(locks_excluded(__VA_ARGS__))
#define RETURNS_CAPABILITY(mutex) POOLS_THREAD_SAFETY(lock_returned(mutex))
#define NOT_ANALYSED POOLS_THREAD_SAFETY(no_thread_safety_analysis)
