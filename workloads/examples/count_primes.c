/* A task for `poolbench recommend --function`: counts the primes below the number that is its input. And a callback, which adds up the
 * digits of the count.
 *
 *   cc -O2 -shared -fPIC -o libcount_primes.so count_primes.c
 *   poolbench recommend --function ./libcount_primes.so --range 100000..100063
 *   poolbench recommend --function ./libcount_primes.so --callback poolbench_callback --range 100000..100063
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../function_entry.h"

static long primes_below(long limit) {
  long count = 0;
  for (long candidate = 2; candidate < limit; ++candidate) {
    int prime = 1;
    for (long divisor = 2; prime && divisor * divisor <= candidate; ++divisor) prime = candidate % divisor != 0;
    count += prime;
  }
  return count;
}

/* The count for the number that `input` is, or -1. */
static long count_for(const char* input) {
  char* end = NULL;
  errno = 0;
  const long limit = strtol(input, &end, 10);
  if (errno != 0 || end == input || *end != '\0' || limit < 0) return -1;
  return primes_below(limit);
}

int poolbench_task(const char* input) {
  const volatile long count = count_for(input); /* volatile: is really counted */
  return count < 0 ? EXIT_FAILURE : 0;
}

int poolbench_task_with_result(const char* input, char** result, size_t* size) {
  enum { kDigits = 24 };
  const long count = count_for(input);
  if (count < 0) return EXIT_FAILURE;
  *result = malloc(kDigits);
  if (*result == NULL) return EXIT_FAILURE;
  *size = (size_t)snprintf(*result, kDigits, "%ld", count);
  return 0;
}

int poolbench_callback(const char* input, const char* result, size_t size) {
  int sum = 0;
  (void)input;
  for (size_t at = 0; at < size; ++at) sum += result[at] - '0';
  return sum >= 0 ? 0 : EXIT_FAILURE;
}
