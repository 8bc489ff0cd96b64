// then_in: threads that wait, processes that compute, and nobody in between.

#include <cstdio>
#include <string>
#include <vector>

#include "pools/process_pool.h"
#include "pools/thread_pool.h"

std::string fetch(const std::string& url) { return "<html>" + url + "</html>"; }
int parse(const std::string& page) { return static_cast<int>(page.size()); }

int main(int argc, char** argv) {
  pools::init(argc, argv);
  pools::ThreadPool fetchers{10};
  pools::ProcessPool parsers{2};
  std::vector<pools::Future<int>> sizes;
  for (const std::string url : {"a", "bb", "ccc"}) sizes.push_back(fetchers.submit<&fetch>(url).then_in<&parse>(parsers));
  for (const auto& size : sizes) std::printf("%d\n", size.result());  // errors of either end up here
}
