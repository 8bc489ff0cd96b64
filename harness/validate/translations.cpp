#include "harness/validate/translations.h"

#include <algorithm>
#include <utility>

namespace harness {
namespace {

constexpr std::pair<std::string_view, std::string_view> kTranslations[] = {
    {"解决方法：不绑定回调函数，直接再开几个进程，用开的进程来处理返回的值",
     "The solution: bind no callback function but start a few more processes, and have them deal with the returned values"},
    {"1、线程池使用回调函数的话，最终执行回调函数的是各个空闲的线程",
     "1. If a thread pool uses callback functions, it is the idle threads that run them in the end"},
    {"2、当任务是IO密集型，应当使用线程池", "2. When the tasks are IO-bound, use a thread pool"},
    {"3、当各个任务的执行时间不一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间",
     "3. When the tasks take different times, total time = time of the longest task + time of the callback"},
    {"4、当各个任务的执行时间一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间",
     "4. When the tasks take the same time, total time = time of the longest task + time of the callback"},
    {"1、进程池使用回调函数的话，最终执行回调函数的是主进程",
     "1. If a process pool uses callback functions, it is the main process that runs them in the end"},
    {"2、当任务是计算密集型，应当使用进程池", "2. When the tasks are CPU-bound, use a process pool"},
    {"4、当各个任务执行时间一样时，总执行时间 = 最长的任务执行时间 + （任务个数 * 回调函数执行时间)",
     "4. When the tasks take the same time, total time = time of the longest task + (number of tasks * time of the callback)"},
    {"map(func, *iterables, timeout=None, chunksize=1) # 取代for循环submit的操作",
     "map(func, *iterables, timeout=None, chunksize=1) # in place of submitting in a for loop"},
    {"pool = ProcessPoolExecutor(4) # 这里参数是进程的个数，一般为计算机核数",
     "pool = ProcessPoolExecutor(4) # the parameter is the number of processes, usually the number of cores"},
    {"pool = ThreadPoolExecutor(4) # 这里参数是线程的个数，一般为计算机核数 * 5",
     "pool = ThreadPoolExecutor(4) # the parameter is the number of threads, usually the number of cores * 5"},
    {"submit和map必须在shutdown之前", "submit and map have to come before shutdown"},
    {"wait=False，立即返回，并不会等待池内的任务执行完毕",
     "wait=False returns at once and does not wait until the tasks in the pool have run"},
    {"wait=True，关闭入口，不在接受任务，等待池内所有任务执行完毕回收完资源后才继续",
     "wait=True closes the entrance, takes no more tasks, and goes on only when all tasks in the pool have run and their resources are reclaimed"},
    {"但不管wait参数为何值，整个程序都会等到所有任务执行完毕",
     "But whatever the parameter wait is, the whole program waits until all tasks have run"},
    {"使用进程池/线程池是折中方案，是为了保护计算机能正常工作，只有当并发的任务数远大于计算机承受能力时，才能使用",
     "A pool of processes or threads is a compromise that protects the machine; use it only when there are far more concurrent tasks than the machine can bear"},
    {"同步：提交完任务后，原地阻塞等待任务结束，拿到返回值后，继续往下运行",
     "Synchronous: after submitting a task, block on the spot until it ends, take the return value, then go on"},
    {"异步：提交任务后，不在原地等待，继续往下运行，一般异步搭配回调机制使用",
     "Asynchronous: after submitting a task, do not wait on the spot but go on; usually combined with callbacks"},
    {"当并发的任务数远远超过了计算机的承受能力时，即无法一次性开启过多的进程数/线程数时，就应该用线程池/进程池的概念将开启的进程数或线程数限制在计算机可承受的范围内",
     "When there are far more concurrent tasks than the machine can bear, so that one cannot start that many processes or threads at once, limit their number with a pool to what the machine can bear"},
    {"造成以上原因是因为，进程池里面的回调函数，是由主进程执行的",
     "The reason for the above is that the callback functions of a process pool are run by the main process"},
};

}  // namespace

std::string_view in_english(std::string_view chinese) {
  const auto* const at = std::ranges::find(kTranslations, chinese, &std::pair<std::string_view, std::string_view>::first);
  return at == std::end(kTranslations) ? std::string_view() : at->second;
}

}  // namespace harness
