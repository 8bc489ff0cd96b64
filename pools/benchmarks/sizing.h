#pragma once

// What pool_sizing prints: the tables of docs/self_sizing.md.

namespace pools::benchmarks {

void print_simulated();
// Real pools, for minutes. REQUIRES: a machine that has nothing else to do; pools::init()
void print_measured();

}  // namespace pools::benchmarks
