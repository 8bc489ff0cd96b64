/* The entry points of the workload `function`: what a shared object must export to be run as a task, and may to have callbacks.
 *
 * Plain C, so that any language can provide them. A complete example is examples/count_primes.c:
 *
 *   cc -O2 -shared -fPIC -o libcount_primes.so count_primes.c
 *   poolbench recommend --function ./libcount_primes.so --range 100000..100063
 *
 * All are called by several threads at once, and in several processes; the object is loaded once per process. They return 0 if the
 * work was done; anything else is a failure, and ends the measurement with this number in the message. They must not let a C++
 * exception out. */
#ifndef POOLBENCH_WORKLOADS_FUNCTION_ENTRY_H
#define POOLBENCH_WORKLOADS_FUNCTION_ENTRY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Does the work for one input: a line of the inputs, NUL-terminated, without its line end. */
int poolbench_task(const char* input);

/* Optional. Called instead of poolbench_task where there are callbacks: does the same, and puts what they are given at *result, from
 * malloc(), and its size in bytes at *size; the caller frees it. Both are 0 before the call, and may stay so. In an object without
 * this one callbacks are given no result. */
int poolbench_task_with_result(const char* input, char** result, size_t* size);

/* Optional. The callback of one task: its input, and its result of `size` bytes (not NUL-terminated; valid during the call). */
int poolbench_callback(const char* input, const char* result, size_t size);

#ifdef __cplusplus
}
#endif

#endif
