#include "pools/tests/remote/owner.h"

#include <unistd.h>

#include <cstdlib>

#include "pools/remote_pool.h"
#include "pools/tests/gate.h"

namespace pools::test {
namespace {

int log_process_and_pass(const std::string& log, const std::string& gate) {
  log_value(log, ::getpid());
  pass(gate);
  return 0;
}

}  // namespace

void own_remote_pool(const std::string& log, const std::string& gate) {
  // What a shell starts in the background has no standard input but the one that it is given.
  RemotePool pool({.launcher = command("exec 4<&0; setsid {agent} --workers 2 <&4 & wait", {"x"})});
  pool.start_all();
  log_value(log, pool.hosts()[0].pid);
  const Future<int> other = pool.submit<&log_process_and_pass>(log, gate);
  pool.submit<&log_process_and_pass>(log, gate).result();
  other.result();
  std::exit(EXIT_SUCCESS);
}

}  // namespace pools::test
