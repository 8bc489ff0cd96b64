// Types of your own as arguments and results of tasks in other processes.

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "pools/process_pool.h"

struct Point {  // trivially copyable: nothing to do
  double x, y;
};
struct Page {  // anything else says what there is to it, for cereal
  std::string url;
  std::vector<std::string> words;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(url, words);
  }
};

Point middle(const Point& a, const Point& b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }
std::map<std::string, int> histogram(const Page& page) {
  std::map<std::string, int> counts;
  for (const std::string& word : page.words) ++counts[word];
  return counts;
}

int main(int argc, char** argv) {
  pools::init(argc, argv);
  pools::ProcessPool pool{1};
  const Point between = pool.submit<&middle>(Point{0, 0}, Point{2, 4}).result();
  std::printf("%g %g\n", between.x, between.y);
  for (const auto& [word, count] : pool.submit<&histogram>(Page{"a.html", {"to", "be", "or", "not", "to", "be"}}).result()) {
    std::printf("%s %d\n", word.c_str(), count);
  }
}
