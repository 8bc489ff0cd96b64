#pragma once

// All of the library: both pools, their futures, options and errors.

#include "pools/cores.h"
#include "pools/errors.h"
#include "pools/future.h"
#include "pools/map_results.h"
#include "pools/metrics.h"
#include "pools/observer.h"
#include "pools/options.h"
#include "pools/process_pool.h"
#include "pools/remote.h"
#include "pools/remote_executor.h"
#include "pools/shared_buffer.h"
#include "pools/thread_pool.h"
#include "pools/wait.h"
#include "pools/worker_count.h"
