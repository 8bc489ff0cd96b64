// ProcessPool: functions in other processes, prepared by an initializer; their exceptions come back, too.

#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "pools/process_pool.h"

std::string greeting;
void set_greeting(const std::string& text) { greeting = text; }
std::string greet(const std::string& name) { return greeting + ", " + name; }
int process(int) { return ::getpid(); }
int refuse(int number) { throw std::out_of_range("not " + std::to_string(number)); }

int main(int argc, char** argv) {
  pools::init(argc, argv);  // first: a worker is this program again, and never returns from it

  // What main() sets does not exist in workers: an initializer prepares each of them.
  pools::ProcessPool pool({.workers = 2, .initializer = pools::remote<&set_greeting>("hello")});
  std::printf("%s\n", pool.submit<&greet>("world").result().c_str());
  std::printf("another process: %d\n", pool.submit<&process>(0).result() != ::getpid());
  for (const std::string& text : pool.map<&greet>(std::vector<std::string>{"a", "b"})) std::printf("%s\n", text.c_str());
  try {
    pool.submit<&refuse>(7).result();
  } catch (const pools::RemoteError& error) {
    std::printf("%s: %s\n", error.type().c_str(), error.what());
  }
}
