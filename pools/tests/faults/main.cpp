// fault_driver --list                    the names of the cases
// fault_driver CASE [--repeat N]         runs one: N times, or as often as it asks for. Exit status: 0; 1: the pool did not take it
//                                        well; 77: this machine does not allow the case
// fault_driver --actor NAME ARGUMENTS... what a case starts

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "pools/process_pool.h"
#include "pools/tests/faults/aftermath.h"
#include "pools/tests/faults/fault.h"

namespace pools::faults {
namespace {

int nothing() { return 0; }

void run(const Case& wanted, int repetitions) {
  const Isolation isolation;
  {
    ProcessPool first{1};  // whatever is made once and stays is made now
    first.submit<&nothing>().result();
  }
  const Surroundings before;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    wanted.run();
    before.expect_unchanged();
  }
}

int drive(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (const Case& each : cases()) std::printf("%s\n", each.name.c_str());
    return EXIT_SUCCESS;
  }
  if (argc > 2 && std::strcmp(argv[1], kActorArgument) == 0) {
    const auto actor = std::find_if(actors().begin(), actors().end(), [&](const Actor& each) { return each.name == argv[2]; });
    if (actor == actors().end()) throw std::invalid_argument(std::string("no actor is called ") + argv[2]);
    return actor->run(Arguments(argv + 3, argv + argc));
  }
  const bool repeated = argc == 4 && std::strcmp(argv[2], "--repeat") == 0 && std::atoi(argv[3]) > 0;
  if (argc != 2 && !repeated) throw std::invalid_argument("usage: fault_driver --list | CASE [--repeat N]");
  const auto wanted = std::find_if(cases().begin(), cases().end(), [&](const Case& each) { return each.name == argv[1]; });
  if (wanted == cases().end()) throw std::invalid_argument(std::string("no case is called ") + argv[1] + "; see --list");
  run(*wanted, repeated ? std::atoi(argv[3]) : wanted->repetitions);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace pools::faults

int main(int argc, char** argv) {
  pools::init(argc, argv);
  try {
    return pools::faults::drive(argc, argv);
  } catch (const pools::faults::Skip& reason) {
    std::fprintf(stderr, "skipped: %s\n", reason.what());
    return pools::faults::kSkipped;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argc > 1 ? argv[argc > 2 && argv[1][0] == '-' ? 2 : 1] : argv[0], error.what());
    return EXIT_FAILURE;
  }
}
