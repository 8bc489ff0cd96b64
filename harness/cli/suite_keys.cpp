#include "harness/cli/suite_keys.h"

namespace harness {

std::span<const SuiteKey> suite_keys() {
  static constexpr SuiteKey kKeys[] = {
      {KeyPlace::suite, "name", "its name, that of its output directory: letters, digits, '_' and '-'"},
      {KeyPlace::suite, "description", "a sentence for poolbench list suites"},
      {KeyPlace::suite, "runs", "measured repetitions of each cell"},
      {KeyPlace::suite, "warmup", "repetitions before them, stored but marked"},
      {KeyPlace::suite, "timeout", "deadline of one repetition, such as \"30s\""},
      {KeyPlace::suite, "order", "random, round-robin or batch"},
      {KeyPlace::suite, "seed", "of the order, the drawn durations and the works"},
      {KeyPlace::suite, "exclude", "a list of tables of axes: cells that agree with all axes of one are left out"},
      {KeyPlace::suite, "grid", "[[grid]]: axes that are crossed"},
      {KeyPlace::suite, "case", "[[case]]: the duration of each task; other axes are crossed"},
      {KeyPlace::axis, "backend", "executors: poolbench list backends"},
      {KeyPlace::axis, "workers", "how many workers: 4, \"cores\", \"cores*5\", \"1..64*2\""},
      {KeyPlace::axis, "workload",
       "kinds of work: poolbench list workloads; or your own: \"python:crawler:fetch\", \"command:./convert {}\", \"function:./libx.so\""},
      {KeyPlace::axis, "strategy", "who runs the callbacks: poolbench list strategies"},
      {KeyPlace::axis, "parsers", "parser processes of the strategy extra"},
      {KeyPlace::axis, "tasks", "how many tasks (of a grid)"},
      {KeyPlace::axis, "distribution", "of the tasks' durations (of a grid): equal, linear, uniform, exponential, heavy_tailed"},
      {KeyPlace::axis, "task",
       "duration of a task, such as \"20ms\": the mean, of linear the first; of a case one per task, \"4x5s,1s\""},
      {KeyPlace::axis, "callback", "duration of a callback; of a case one for all, or one per task"},
      {KeyPlace::axis, "payload", "bytes that travel with a task, such as \"64KiB\""},
      {KeyPlace::axis, "chunksize", "tasks per job of the strategy map"},
      {KeyPlace::axis, "start_method", "how worker processes are started"},
      {KeyPlace::axis, "in_flight", "tasks that an event loop has under way at most; 0: any number"},
      {KeyPlace::axis, "arrivals",
       "when tasks come: closed (all at once), \"poisson:300/s\", \"poisson:0.8*capacity\", \"poisson:0.6*cores\", \"constant:300/s\", \"burst:50@1s\", \"trace:FILE\""},
      {KeyPlace::axis, "queue", "how many tasks that nobody has begun may wait; 0: any number"},
      {KeyPlace::axis, "when_full", "what becomes of a task when the queue is full: block, reject, caller_runs"},
      {KeyPlace::axis, "deadline",
       "how long a client may be there, such as \"200ms\"; who is there for longer is counted as late"},
      {KeyPlace::axis, "inputs", "of work of your own: what it is done on, a file with one input per line, or \"1..60\""},
      {KeyPlace::axis, "callback_workload", "of work of your own: what is done with its result, named as a workload is"},
      {KeyPlace::table, "duration", "of a grid: how long tasks come, instead of how many there are"},
      {KeyPlace::table, "runs", "as above, for this table"},
      {KeyPlace::table, "warmup", "as above, for this table"},
      {KeyPlace::table, "timeout", "as above, for this table"},
      {KeyPlace::table, "exclude", "as above, for this table"},
  };
  return kKeys;
}

}  // namespace harness
