// Memory that processes share: nothing of it is copied, however large it is.

#include <cstddef>
#include <cstdio>
#include <numeric>
#include <utility>
#include <vector>

#include "pools/process_pool.h"
#include "pools/shared_buffer.h"

using Image = pools::SharedArray<float>;
using Table = pools::SharedArray<const int>;

void brighten(const Image& rows) {
  for (float& pixel : rows) pixel += 1;
}
float sum_of(const Image& rows) { return std::accumulate(rows.begin(), rows.end(), 0.0F); }
Image black(int pixels) { return Image(static_cast<std::size_t>(pixels)); }
int look_up(const Table& table, int at) { return table[static_cast<std::size_t>(at)]; }

int main(int argc, char** argv) {
  pools::init(argc, argv);
  pools::ProcessPool pool{2};

  Image image = pool.submit<&black>(1'000'000).result();  // made by a worker
  pool.submit<&brighten>(image).result();                 // written by a worker, where it is
  std::printf("%.0f\n", image[999'999]);

  float sum = 0;
  for (const float part : pool.map<&sum_of>(image.split(4))) sum += part;  // slices: no copies either
  std::printf("%.0f\n", sum);

  pools::SharedArray<int> squares(100);
  for (int number = 0; number < 100; ++number) squares[static_cast<std::size_t>(number)] = number * number;
  const Table table = std::move(squares).seal();  // from now on nobody can change it
  std::printf("%d\n", pool.submit<&look_up>(table, 12).result());

  std::printf("%lu buffers of %lu bytes passed\n", pool.metrics().shared_buffers, pool.metrics().shared_bytes);
}
