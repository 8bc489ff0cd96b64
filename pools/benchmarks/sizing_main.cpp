// pool_sizing: how far a pool that sizes itself is from the best fixed size.
//
//   pool_sizing simulated   by exact simulation, beside hill climbing: a second
//   pool_sizing measured    with real pools, on a quiet machine: some minutes

#include <cstdio>
#include <string>

#include "pools/benchmarks/sizing.h"
#include "pools/remote_executor.h"

int main(int argc, char** argv) {
  pools::init(argc, argv);
  const std::string what = argc == 2 ? argv[1] : "";
  if (what == "simulated") {
    pools::benchmarks::print_simulated();
  } else if (what == "measured") {
    pools::benchmarks::print_measured();
  } else {
    std::fprintf(stderr, "usage: pool_sizing simulated|measured\n");
    return 2;
  }
}
