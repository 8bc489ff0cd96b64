#include "contenders/contender.h"

#include <thread>
#include <vector>

namespace contenders {

std::string_view name_of(ExecutedBy executed_by) {
  switch (executed_by) {
    case ExecutedBy::workers:
      return "workers";
    case ExecutedBy::helping:
      return "helping";
    case ExecutedBy::thread_per_task:
      return "thread_per_task";
    case ExecutedBy::caller:
      return "caller";
  }
  return "";
}

void Defaults::producers(int count, const std::function<void(int)>& body) {
  if (count == 1) {
    body(0);
    return;
  }
  std::vector<std::jthread> threads;
  for (int index = 0; index < count; ++index) threads.emplace_back([&body, index] { body(index); });
}

}  // namespace contenders
