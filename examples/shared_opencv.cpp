// An image of OpenCV's in memory that processes share: cv::Mat with data of somebody else's is a header over it.

#include <cstddef>
#include <cstdio>
#include <opencv2/core.hpp>
#include <vector>

#include "pools/process_pool.h"
#include "pools/shared_buffer.h"

using Pixels = pools::SharedArray<unsigned char>;

constexpr int kWidth = 640;
constexpr int kRows = 120;  // to a task

cv::Mat mat_of(const Pixels& pixels) { return cv::Mat(static_cast<int>(pixels.size()) / kWidth, kWidth, CV_8UC1, pixels.data()); }
double brighten(const Pixels& rows, int by) {
  cv::Mat mat = mat_of(rows);
  mat += cv::Scalar(by);
  return cv::sum(mat)[0];
}

int main(int argc, char** argv) {
  pools::init(argc, argv);
  pools::ProcessPool pool{2};

  const Pixels image(std::size_t{kWidth} * 4 * kRows);
  mat_of(image).setTo(cv::Scalar(10));
  double sum = 0;
  for (const double part : pool.map<&brighten>(image.split(4), std::vector<int>{1, 2, 3, 4})) sum += part;
  std::printf("sum %.0f, last pixel %d\n", sum, image[image.size() - 1]);
}
