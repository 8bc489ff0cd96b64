/* The entry point of the workload `function`: what a shared object must export to be run as a task.
 *
 * Plain C, so that any language can provide it. A complete example is examples/count_primes.c:
 *
 *   cc -O2 -shared -fPIC -o libcount_primes.so count_primes.c
 *   poolbench recommend --function ./libcount_primes.so --range 100000..100063
 */
#ifndef POOLBENCH_WORKLOADS_FUNCTION_ENTRY_H
#define POOLBENCH_WORKLOADS_FUNCTION_ENTRY_H

#ifdef __cplusplus
extern "C" {
#endif

/* Does the work for one input: a line of the inputs, NUL-terminated, without its line end. Called by several threads at once, and
 * in several processes; the object is loaded once per process. Returns 0 if the work was done; anything else is a failure,
 * and ends the measurement with this number in the message. Must not let a C++ exception out. */
int poolbench_task(const char* input);

#ifdef __cplusplus
}
#endif

#endif
