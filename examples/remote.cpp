// A pool whose workers are on other hosts. Here both "hosts" are this machine; with .launcher = pools::ssh({"a", "b"}) and .address of a network
// that a and b are on, nothing else changes.

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "pools/remote_pool.h"

int words(const std::string& text) {
  int count = 0;
  bool inside = false;
  for (const char c : text) {
    if (c != ' ' && !inside) ++count;
    inside = c != ' ';
  }
  return count;
}
int crash(int) { return std::raise(SIGKILL); }

int main(int argc, char** argv) {
  pools::init(argc, argv);  // an agent, or one of its workers, never returns from here
  pools::RemotePool pool({.launcher = pools::command("exec {agent} --workers 2", {"a", "b"})});
  pool.start_all();
  std::printf("%zu hosts, %d workers\n", pool.hosts().size(), pool.metrics().workers);

  const std::vector<std::string> texts{"to be", "or not to be", "that is the question"};
  for (const int count : pool.map<&words>(texts)) std::printf("%d\n", count);

  try {
    pool.submit<&crash>(0).result();
  } catch (const pools::WorkerDied& death) {  // the worker's host has another one by now
    std::printf("a worker died of signal %d\n", death.signal().value_or(0));
  }
  pool.shutdown();  // the agents end with it
}
