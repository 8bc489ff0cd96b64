// What cannot travel to another process, and the commonest mistakes, are refused by the compiler. Compiled by CTest, once without a definition, which has to work, and
// once for each of those below, which has to fail with the words that CMakeLists.txt expects.

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pools/process_pool.h"
#include "pools/thread_pool.h"

namespace {

struct Lock {  // neither copyable as bytes nor serialisable
  std::mutex mutex;
  std::string name;
};
struct NoDefault {
  explicit NoDefault(int start) : value(start) {}
  NoDefault(const NoDefault& other) : value(other.value) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
  int value;
};

int plain(const std::string& text) { return static_cast<int>(text.size()); }
int by_pointer(const int* pointer) { return *pointer; }
int by_view(std::string_view view) { return static_cast<int>(view.size()); }
int by_span_to_write(std::span<int> view) { return static_cast<int>(view.size()); }
std::string_view to_view(int) { return {}; }
int by_lock(const Lock& lock) { return static_cast<int>(lock.name.size()); }
const int* to_pointer(int) { return nullptr; }
int without_default(const NoDefault& argument) { return argument.value; }
void out_parameter(int& value) { value = 1; }
int owned(const std::unique_ptr<int>& number) { return *number; }

}  // namespace

int main(int argc, char** argv) {
  pools::init(argc, argv);
  pools::ProcessPool pool{1};
  pool.submit<&plain>(std::string("text"));
  pool.submit<&by_view>("text");
  pools::ThreadPool threads{1};
  threads.submit(owned, std::make_unique<int>(1));
#if defined(ARGUMENT_BY_POINTER)
  const int number = 1;
  pool.submit<&by_pointer>(&number);
#elif defined(ARGUMENT_BY_SPAN_TO_WRITE)
  std::vector<int> numbers{1};
  pool.submit<&by_span_to_write>(std::span<int>(numbers));
#elif defined(RESULT_BY_VIEW)
  pool.submit<&to_view>(1);
#elif defined(ARGUMENT_UNSERIALISABLE)
  const Lock lock;
  pool.submit<&by_lock>(lock);
#elif defined(RESULT_BY_POINTER)
  pool.submit<&to_pointer>(1);
#elif defined(ARGUMENT_WITHOUT_DEFAULT)
  pool.submit<&without_default>(NoDefault(1));
#elif defined(OUT_PARAMETER)
  int number = 0;
  pool.submit<&out_parameter>(number);
#elif defined(ARGUMENT_TOO_MANY)
  pool.submit<&plain>(std::string("text"), 1);
#elif defined(CALLABLE_FOR_A_PROCESS)
  const int number = 1;
  pool.submit([number] { return number; });
#elif defined(FUNCTION_FOR_A_PROCESS)
  pool.submit(plain, "text");
#elif defined(CALLABLE_FOR_A_PROCESS_WITH_OPTIONS)
  pool.with({.priority = 1}).submit([] { return 1; });
#elif defined(CALLABLE_FOR_A_MAP)
  pool.map(plain, std::vector<std::string>{"text"});
#elif defined(GENERIC_LAMBDA)
  pool.submit<[](auto value) { return value; }>(1);
#elif defined(ARGUMENT_THAT_IS_NOT_MOVED)
  const std::unique_ptr<int> number = std::make_unique<int>(1);
  threads.submit(owned, number);
#elif defined(ARGUMENT_THAT_IS_NOT_MOVED_TO_A_NAMED_FUNCTION)
  const std::unique_ptr<int> number = std::make_unique<int>(1);
  threads.submit<&owned>(number);
#elif defined(ARGUMENT_OF_ANOTHER_TYPE)
  pool.submit<&plain>(std::vector<int>{1});
#elif defined(ARGUMENTS_THAT_DO_NOT_FIT)
  threads.submit(plain, 1, 2);
#elif defined(ARGUMENTS_THAT_DO_NOT_FIT_WITH_OPTIONS)
  threads.with({.priority = 1}).submit(plain, 1, 2);
#elif defined(ARGUMENTS_THAT_DO_NOT_FIT_A_NAMED_FUNCTION)
  threads.submit<&plain>(1, 2);
#elif defined(MAP_OF_A_FUNCTION_THAT_DOES_NOT_FIT)
  static_cast<void>(threads.map(plain, std::vector<int>{1}));
#elif defined(MAP_OF_A_NAMED_FUNCTION_THAT_DOES_NOT_FIT)
  static_cast<void>(threads.map<&plain>(std::vector<int>{1}));
#elif defined(MAP_OVER_A_NUMBER)
  threads.map([](int value) { return value; }, 3);
#elif defined(MAP_OF_A_NAMED_FUNCTION_OVER_A_NUMBER)
  threads.map<&plain>(3);
#elif defined(MAP_OVER_A_NUMBER_IN_PROCESSES)
  pool.map<&plain>(3);
#elif defined(WAIT_FOR_A_NUMBER)
  pools::wait(3);
#elif defined(WAIT_FOR_NUMBERS)
  pools::wait(std::vector<int>{1}, std::chrono::seconds(1));
#elif defined(WAIT_FOR_ONE_FUTURE)
  pools::wait(threads.submit([] { return 1; }));
#elif defined(AS_COMPLETED_OF_NUMBERS)
  for ([[maybe_unused]] const auto& each : pools::as_completed(std::vector<int>{1})) {
  }
#elif defined(SHARED_ARRAY_OF_BOOL)
  static_cast<void>(pools::SharedArray<bool>().valid());
#elif defined(BLOCKS_FOR_A_FUNCTION_OF_ONE_BOUND)
  threads.for_each_block(0, 10, [](int begin) { return begin; });
#endif
}
