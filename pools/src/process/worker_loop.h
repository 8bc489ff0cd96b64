#pragma once

// What a worker process does instead of main().

namespace pools::detail {

// Serves the pool that started this process, and exits. REQUIRES: argv[1] is kWorkerArgument.
[[noreturn]] void run_worker(int argc, char** argv);

}  // namespace pools::detail
