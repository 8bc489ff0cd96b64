// A matrix of Eigen's in memory that processes share.

#include <Eigen/Dense>
#include <cstddef>
#include <cstdio>
#include <vector>

#include "pools/process_pool.h"
#include "pools/shared_buffer.h"

using Values = pools::SharedArray<double>;
using Matrix = Eigen::Map<Eigen::MatrixXd>;

constexpr int kSize = 300;
constexpr int kColumns = 100;  // to a task

// Its columns of a * a, written where they belong.
void square_columns(const Values& a, const Values& columns, int first) {
  const Matrix all(a.data(), kSize, kSize);
  Matrix(columns.data(), kSize, kColumns) = all * all.middleCols(first, kColumns);
}

int main(int argc, char** argv) {
  pools::init(argc, argv);
  pools::ProcessPool pool{2};

  const Values a(kSize * kSize);
  Matrix(a.data(), kSize, kSize).setIdentity();
  Matrix(a.data(), kSize, kSize) *= 3;

  const Values squared(kSize * kSize);
  std::vector<pools::Future<void>> done;
  for (int first = 0; first < kSize; first += kColumns) {
    done.push_back(
        pool.submit<&square_columns>(a, squared.slice(static_cast<std::size_t>(kSize * first), kSize * kColumns), first));
  }
  for (const auto& each : done) each.result();
  std::printf("trace %.0f\n", Matrix(squared.data(), kSize, kSize).trace());
}
