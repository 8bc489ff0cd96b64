/* A function that ends its process on some inputs, in every way that leaves a word behind. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int deeper(volatile char* above) {
  volatile char page[4096];
  if (*above == 1) return 0; /* never */
  page[0] = *above;
  return deeper(page) + page[0];
}

int poolbench_task(const char* input) {
  const struct timespec moment = {0, 2000000};
  volatile char nothing = 0;
  if (strcmp(input, "crash") == 0) raise(SIGSEGV);
  if (strcmp(input, "overflow") == 0) return deeper(&nothing) & 1;
  if (strcmp(input, "abort") == 0) abort();
  if (strcmp(input, "exit") == 0) exit(5);
  nanosleep(&moment, NULL);
  return 0;
}
