// The queue of a process pool, held against a sorted map.

#include "pools/remote.h"
#include "pools/src/process/task_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace pools::detail {
namespace {

int nothing(int value) { return value; }

TaskRef make_task(std::uint64_t number, int priority) {
  TaskRef task(new DecodedTask<int, &decode_value<int>>(trampoline_key<&call_remotely<&nothing>>()));
  task->number = number;
  if (priority != 0) task->extras().options.priority = priority;
  return task;
}

TEST(TaskQueue, hands_out_by_priority_and_within_one_by_number_also_what_came_back) {
  std::mt19937 random(3);
  TaskQueue queue;
  std::map<std::pair<int, std::uint64_t>, bool> expected;  // -priority, number
  std::vector<TaskRef> taken;
  std::uint64_t number = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto dice = random() % 8;
    if (dice < 4) {
      const int priority = static_cast<int>(random() % 5) - 2;
      expected[{-priority, number}] = true;
      queue.push(make_task(number++, priority));
    } else if (dice < 7 && !queue.empty()) {
      ASSERT_EQ(queue.front().number, expected.begin()->first.second);
      taken.push_back(queue.pop());
      ASSERT_EQ(taken.back()->number, expected.begin()->first.second);
      ASSERT_EQ(taken.back()->priority(), -expected.begin()->first.first);
      expected.erase(expected.begin());
    } else if (!taken.empty()) {
      std::swap(taken[random() % taken.size()], taken.back());
      expected[{-taken.back()->priority(), taken.back()->number}] = true;
      queue.put_back(std::move(taken.back()));
      taken.pop_back();
    }
    ASSERT_EQ(queue.size(), expected.size());
    if (taken.size() > 10) taken.clear();
  }
}

TEST(TaskList, gives_out_what_is_wanted_and_keeps_the_rest_in_order) {
  TaskList list;
  for (const std::uint64_t number : {4, 1, 3, 0, 2}) list.insert(make_task(number, 0));
  TaskList even = list.take_if([](const RemoteTask& task) { return task.number % 2 == 0; });
  list.push_back(make_task(5, 0));
  std::vector<std::uint64_t> order;
  while (!even.empty()) order.push_back(even.pop_front()->number);
  list.for_each([&](const RemoteTask& task) { order.push_back(task.number); });
  EXPECT_EQ(order, (std::vector<std::uint64_t>{0, 2, 4, 1, 3, 5}));
}

}  // namespace
}  // namespace pools::detail
