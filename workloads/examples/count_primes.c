/* A task for `poolbench recommend --function`: counts the primes below the number that is its input.
 *
 *   cc -O2 -shared -fPIC -o libcount_primes.so count_primes.c
 *   poolbench recommend --function ./libcount_primes.so --range 100000..100063
 */
#include <errno.h>
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

int poolbench_task(const char* input) {
  char* end = NULL;
  errno = 0;
  const long limit = strtol(input, &end, 10);
  if (errno != 0 || end == input || *end != '\0' || limit < 0) return EXIT_FAILURE;
  volatile long count = primes_below(limit);
  (void)count;
  return 0;
}
