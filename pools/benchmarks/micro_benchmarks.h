#pragma once

namespace pools::benchmarks {

// The benchmarks of each pool by itself. Registered from main(), as register_race() is, and not by static initialisers: every worker
// process would run those, too, before pools::init() makes it one, and count the cores for each.
void register_thread_benchmarks();
void register_process_benchmarks();

}  // namespace pools::benchmarks
