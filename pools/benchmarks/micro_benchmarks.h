#pragma once

// What a program of benchmarks measures: main.cpp is that of two, each of which defines this once.

#include "pools/benchmarks/peers/peer.h"

namespace pools::benchmarks {

// Registers the benchmarks of the program's pool by itself, and the race against its peers. Called by main(), not by static initialisers:
// every worker process would run those, too, before pools::init() makes it one, and count the cores for each.
void register_benchmarks(const Effort& effort);

}  // namespace pools::benchmarks
