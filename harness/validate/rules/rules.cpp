#include "harness/validate/rules/rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace harness {
namespace {

using Setting = const RuleSetting&;

// clang-format off
constexpr Rule kRules[] = {
    {"libuv", "4", "https://docs.libuv.org/en/stable/threadpool.html: 'Its default size is 4'", [](Setting) { return 4.0; }},
    {"anyio", "40", "https://anyio.readthedocs.io/en/stable/threads.html: 'has a value of 40'; FastAPI runs its plain functions there", [](Setting) { return 40.0; }},
    {"processes", "cores", "https://docs.python.org/3.12/library/concurrent.futures.html, ProcessPoolExecutor: 'the number of processors on the machine'; the tutorial", [](Setting s) { return 1.0 * s.cpus; }},
    {"joblib", "cores", "https://joblib.readthedocs.io/en/stable/generated/joblib.Parallel.html, n_jobs=-1, by loky.cpu_count(), which sees a quota", [](Setting s) { return 1.0 * s.cores; }},
    {"one more", "cores+1", "Goetz et al., Java Concurrency in Practice, 2006, section 8.2: for compute-intensive tasks", [](Setting s) { return s.cores + 1.0; }},
    {"netty", "2*cores", "https://github.com/netty/netty, MultithreadEventLoopGroup: DEFAULT_EVENT_LOOP_THREADS = availableProcessors() * 2", [](Setting s) { return 2.0 * s.cores; }},
    {"gunicorn", "2*cores+1", "https://docs.gunicorn.org/en/stable/design.html: 'Generally we recommend (2 x $num_cores) + 1'", [](Setting s) { return 2.0 * s.cpus + 1; }},
    {"hikaricp", "2*cores+1 disk", "https://github.com/brettwooldridge/HikariCP/wiki/About-Pool-Sizing: '(core_count * 2) + effective_spindle_count'", [](Setting s) { return 2.0 * s.cores + 1; }},
    {"tutorial", "cores*5", "the tutorial; https://docs.python.org/3.7/library/concurrent.futures.html, ThreadPoolExecutor: 'multiplied by 5' (3.5 to 3.7)", [](Setting s) { return 5.0 * s.cpus; }},
    {"python 3.8", "min(32, cores+4)", "https://docs.python.org/3.8/library/concurrent.futures.html, ThreadPoolExecutor: 'min(32, os.cpu_count() + 4)'", [](Setting s) { return std::min(32.0, s.cpus + 4.0); }},
    {"goetz", "cores*(1+W/C)", "Goetz et al., Java Concurrency in Practice, 2006, section 8.2: N_cpu * U_cpu * (1 + W/C), U_cpu = 1", [](Setting s) { return s.cores * (1 + s.wait_per_compute); }},
    {"little", "rate*service", "Little, A proof for the queuing formula L = lambda W, Operations Research 9, 1961: as many as are busy in the mean", [](Setting s) { return s.rate_per_s * s.service_s; }},
};
// clang-format on

}  // namespace

std::span<const Rule> rules_of_thumb() { return kRules; }

int workers_of(const Rule& rule, const RuleSetting& setting) {
  constexpr double kRounding = 1e-6;
  const double workers = rule.workers(setting);
  return workers > 0 ? std::max(1, static_cast<int>(std::ceil(workers * (1 - kRounding)))) : 0;
}

std::string title_of(const Rule& rule) { return fmt::format("{}: {}", rule.name, rule.formula); }

}  // namespace harness
