// Uses both pools through their installed headers. Exit code 0 when every result is right.

#include <pools/future.h>
#include <pools/process_pool.h>
#include <pools/thread_pool.h>

#include <unistd.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

int failures = 0;

void expect(bool condition, const char* what) {
  if (condition) return;
  std::cerr << "wrong: " << what << '\n';
  ++failures;
}

}  // namespace

std::size_t total_length(const std::vector<std::string>& words) {
  std::size_t total = 0;
  for (const std::string& word : words) total += word.size();
  return total;
}

int process_id() { return static_cast<int>(::getpid()); }

int refuse(int value) { throw std::invalid_argument("refused " + std::to_string(value)); }

int main(int argc, char** argv) {
  pools::init(argc, argv);

  pools::ThreadPool threads{2};
  auto moved = threads.submit([text = std::make_unique<std::string>("captured")] { return text->size(); });
  expect(moved.result() == 8, "a move-only capture on the thread pool");
  int sum = 0;
  for (const int square : threads.map([](int value) { return value * value; }, std::vector<int>{1, 2, 3})) sum += square;
  expect(sum == 14, "map on the thread pool");
  threads.shutdown();

  pools::ProcessPool processes{2};
  expect(processes.submit<&total_length>(std::vector<std::string>{"one", "three"}).result() == 8,
         "an argument and a result that crossed to a worker process and back");
  expect(processes.submit<&process_id>().result() != process_id(), "a task that ran in another process");
  try {
    processes.submit<&refuse>(7).result();
    expect(false, "an exception that crossed a process boundary: there was none");
  } catch (const std::exception& error) {
    expect(std::string(error.what()).find("refused 7") != std::string::npos, "the message of a remote exception");
  }
  processes.shutdown();

  if (failures == 0) std::cout << "both pools work\n";
  return failures == 0 ? 0 : 1;
}
