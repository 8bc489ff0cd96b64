/* A task for `workload = "function:./libmatmul.so"` and `poolbench recommend --function`: multiplies two matrices of as many rows as its
 * input says, by the machine's BLAS. OpenBLAS, which Debian's libopenblas-dev brings, starts threads of its own for it:
 * OPENBLAS_NUM_THREADS of them, or one per core.
 *
 *   cc -O2 -shared -fPIC -o libmatmul.so matmul.c -lopenblas
 *   poolbench recommend --function ./libmatmul.so --range 700..731
 */
#include <errno.h>
#include <stdlib.h>

#include "../function_entry.h"

/* Of the CBLAS interface, the same in every implementation; declared here, so that no header need be found. */
enum { kRowMajor = 101, kNoTranspose = 111 };
void cblas_dgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha, const double* a, int lda,
                 const double* b, int ldb, double beta, double* c, int ldc);

int poolbench_task(const char* input) {
  char* end = NULL;
  errno = 0;
  const long rows = strtol(input, &end, 10);
  if (errno != 0 || end == input || *end != '\0' || rows < 1 || rows > 10000) return EXIT_FAILURE;
  const int n = (int)rows;
  const size_t count = (size_t)n * (size_t)n;
  double* const matrix = malloc(2 * count * sizeof(double));
  if (matrix == NULL) return EXIT_FAILURE;
  for (size_t at = 0; at < count; ++at) matrix[at] = (double)(at % 7);
  double* const product = matrix + count;
  cblas_dgemm(kRowMajor, kNoTranspose, kNoTranspose, n, n, n, 1, matrix, n, matrix, n, 0, product, n);
  /* Whole numbers: exact, whatever order and however many threads they were added in. The first row times the first column. */
  double expected = 0;
  for (int at = 0; at < n; ++at) expected += matrix[at] * matrix[(size_t)at * (size_t)n];
  const int right = product[0] == expected;
  free(matrix);
  return right ? 0 : EXIT_FAILURE;
}
