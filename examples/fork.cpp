// fork(): a pool belongs to the process that made it. A fork may read what is done, refuses what needs the pool, and may exit.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "pools/process_pool.h"
#include "pools/thread_pool.h"

int square(int n) { return n * n; }

int main(int argc, char** argv) {
  pools::init(argc, argv);
  pools::ThreadPool threads{2};
  pools::ProcessPool processes{1};
  const auto done = processes.submit<&square>(3);
  done.result();

  const pid_t child = ::fork();
  if (child == 0) {
    int refused = 0;
    try {
      threads.submit([] {});
    } catch (const pools::Error&) {  // "the pool 'pool' belongs to process 123; this is process 456, a fork of it, ..."
      ++refused;
    }
    try {
      processes.submit<&square>(4);
    } catch (const pools::Error&) {
      ++refused;
    }
    return done.result() == 9 && refused == 2 ? EXIT_SUCCESS
                                              : EXIT_FAILURE;  // destroys its copies of the pools, and waits for nobody
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::printf("the fork ended with %d; here the pool has %d\n", WEXITSTATUS(status), processes.submit<&square>(4).result());
}
