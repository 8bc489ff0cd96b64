#pragma once

// The common check after each fault: nothing of the pool's is left.

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace pools::faults {

// Prepares this process: it inherits orphans (PR_SET_CHILD_SUBREAPER), marks its descendants, has a directory for temporary files and,
// where it may, a /dev/shm of its own, and leaves no core files. Once, before there are threads.
class Isolation {
 public:
  Isolation();
  ~Isolation();  // removes the directory
  Isolation(const Isolation&) = delete;
  Isolation& operator=(const Isolation&) = delete;

 private:
  std::string directory_;
  pid_t owner_;
};

// What this process has, and what it may have left elsewhere.
class Surroundings {
 public:
  Surroundings();  // now
  // Throws Failure with every difference: descriptors, threads, files in the temporary directory and in /dev/shm, children (zombies
  // are some), processes that descend from this one whoever their parent is now.
  void expect_unchanged() const;

 private:
  std::multiset<std::string> descriptors_;
  std::size_t threads_;
  std::set<std::string> files_;
  std::set<std::string> shared_;
};

// Reaps what this process has inherited; waits for its death, so that what lives on hangs the test. Every child, or one.
int reap_all();
void reap(pid_t orphan);

}  // namespace pools::faults
