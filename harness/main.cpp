#include "harness/cli/cli.h"
#include "harness/engine/internal_entry.h"
#include "pools/process_pool.h"

// Started by itself, the program is a pool's worker process, or a repetition, a server or a guard: these two calls then
// never return. The command line is looked at by nobody before them.
int main(int argc, char** argv) {
  pools::init(argc, argv);
  harness::internal_entry(argc, argv);
  return harness::run_cli(argc, argv);
}
