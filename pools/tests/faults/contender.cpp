// This library's own ProcessPool in the crash table (scripts/poolbench/experiments/crash_table):
//
//   fault_driver --actor contender FAULT DIRECTORY
//
// owns a pool of three workers, does one thing to it, and reports what becomes of its tasks. The same scenes as those of
// hosts/python_host.py, whose numbers these are; the report is report.py's, in DIRECTORY.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/process_pool.h"
#include "pools/tests/faults/contender_acts.h"
#include "pools/tests/faults/contender_task.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/gate.h"
#include "pools/tests/soft_limit.h"

namespace pools::faults::contender {
namespace {

using namespace std::chrono_literals;

constexpr int kWorkers = 3;
constexpr int kStanding = 2;  // tasks that are running beside the faulty one
constexpr int kQueued = 6;    // tasks behind it; as many are submitted later
constexpr auto kNotice = 3s;  // that the pool has to notice before the standing tasks go on
constexpr auto kPatience = 15s;
constexpr auto kTimeLimit = 1s;
constexpr rlim_t kSpareDescriptors = 12;

template <auto Fn>
inline constexpr bool kNeverEnds = false;
template <>
inline constexpr bool kNeverEnds<&stopped> = true;
template <>
inline constexpr bool kNeverEnds<&endless> = true;

class Host {
 public:
  Host(std::string fault, std::string directory)
      : fault_(std::move(fault)),
        directory_(std::move(directory)),
        report_(::open((directory_ + "/report").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}

  void play() {
    if (const auto reason = inapplicable().find(fault_); reason != inapplicable().end())
      return say({"inapplicable", reason->second});
    const auto scene = scenes().find(fault_);
    if (scene == scenes().end()) throw std::invalid_argument("no fault is called " + fault_);
    scene->second();
  }

 private:
  using Scene = std::function<void()>;

  // --- the report ---

  void say(const std::vector<std::string>& fields) const {
    std::string line;
    for (const std::string& field : fields) {
      std::istringstream words(field);
      std::string text;
      for (std::string word; words >> word;) text += (text.empty() ? "" : " ") + word;
      line += (line.empty() ? "" : "\t") + text;
    }
    line += "\n";
    if (::write(report_, line.data(), line.size()) < 0) std::abort();
  }
  void outcomes(const std::string& role, const std::vector<Task>& tasks, Clock::duration patience = kPatience) {
    const auto until = Clock::now() + patience;
    for (const Task& task : tasks) {
      const End end = task(until);
      say({"task", role, std::to_string(++waited_), end.end, end.what.substr(0, 200)});
    }
  }

  template <auto Fn, class T, class... Args>
  Task submit(std::function<bool(const T&)> is_right, Args&&... args) {
    try {
      RemoteTaskOptions options;
      if (kNeverEnds<Fn>) options.time_limit = kTimeLimit;
      return task_of<T>(pool_->with(options).template submit<Fn>(std::forward<Args>(args)...), std::move(is_right));
    } catch (const std::exception& error) {
      return failed(error);
    }
  }
  static std::function<bool(const int&)> equals(int expected) {
    return [expected](const int& value) { return value == expected; };
  }
  std::vector<Task> squares() {
    std::vector<Task> tasks;
    for (int number = 0; number < kQueued; ++number) tasks.push_back(submit<&square, int>(equals(number * number), number));
    return tasks;
  }

  // --- parts of scenes ---

  // Owned by nobody: where main ends without shutting it down, no destructor does. Not lost either, as LeakSanitizer has it.
  void open() {
    ProcessPoolOptions options{.workers = kWorkers};
    if (fault_ == "initializer_raises") options.initializer = remote<&initializer_raises>();
    if (fault_ == "initializer_dies") options.initializer = remote<&initializer_dies>();
    if (fault_ == "initializer_hangs") options.initializer = remote<&initializer_hangs>();
    if (fault_ == "out_of_memory") options.memory_limit = kMemoryLimit;
    [[maybe_unused]] static ProcessPool* volatile never_deleted;  // volatile: the compiler must not leave it out
    pool_ = new ProcessPool(options);
    never_deleted = pool_;
  }
  std::vector<pid_t> warm() {
    open();
    std::vector<Task> tasks;
    for (int number = 0; number < kWorkers; ++number) {
      tasks.push_back(submit<&meet, int>(equals(number * number), directory_, number, kWorkers));
    }
    for (const Task& task : tasks) task(Clock::now() + kPatience);
    say({"started"});
    return pool_->worker_pids();
  }
  std::vector<pid_t> stand_at_the_gate(int count) {
    std::vector<pid_t> pids;
    for (int number = 0; number < count; ++number) {
      standing_.push_back(submit<&stand, int>(equals(number * number), directory_, number));
    }
    for (int number = 0; number < count; ++number) {
      const std::string file = directory_ + "/standing-" + std::to_string(number);
      await_file(file);
      pids.push_back(test::logged(file).at(0));
    }
    return pids;
  }
  void open_gate() const { std::ofstream(directory_ + "/gate"); }
  void await_death(const std::vector<pid_t>& pids) const {
    for (;;) {
      const std::vector<pid_t> now = pool_->worker_pids();
      if (std::find_first_of(now.begin(), now.end(), pids.begin(), pids.end()) == now.end()) return;
      std::this_thread::sleep_for(5ms);
    }
  }
  void finish() {
    outcomes("later", squares());
    pool_->shutdown();
    say({"ended"});
  }
  void beside_others(const std::function<std::vector<Task>()>& make_faulty) {
    stand_at_the_gate(kStanding);
    const auto until = Clock::now() + kNotice;
    const std::vector<Task> faulty = make_faulty();
    std::vector<Task> others = standing_;
    for (Task& task : squares()) others.push_back(std::move(task));
    for (const Task& task : faulty) task(until);
    if (faulty.empty()) std::this_thread::sleep_until(until);
    if (fault_ == "killed_after_result") await_death({test::logged(directory_ + "/dying").at(0)});
    open_gate();
    outcomes("faulty", faulty);
    outcomes("beside", others);
  }

  // --- scenes ---

  template <auto Fn, class T = int, class... Args>
  Scene task(std::function<bool(const T&)> is_right, int count, Args... args) {
    return [=, this] {
      warm();
      beside_others([&] {
        std::vector<Task> tasks;
        for (int number = 0; number < count; ++number) tasks.push_back(submit<Fn, T>(is_right, directory_, args...));
        return tasks;
      });
      finish();
    };
  }
  template <auto Fn>
  Scene task() {
    return task<Fn>(equals(kAnswer), 1);
  }
  void callback(std::function<void()> what, const std::function<void()>& release) {
    warm();
    beside_others([&] {
      auto future = pool_->submit_with_callback<&square>([what](const Future<int>&) { what(); }, 7);
      return std::vector{task_of<int>(future, equals(49))};
    });
    outcomes("later", squares());
    release();
    pool_->shutdown();
    say({"ended"});
  }
  void idle(int signal, std::size_t count) {
    std::vector<pid_t> pids = warm();
    pids.resize(count);
    for (const pid_t pid : pids) ::kill(pid, signal);
    if (signal == SIGKILL) await_death(pids);
    outcomes("beside", squares());
    finish();
  }
  void all_killed_at_work() {
    warm();
    const std::vector<pid_t> pids = stand_at_the_gate(kWorkers);
    const std::vector<Task> queued = squares();
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    outcomes("faulty", standing_);
    outcomes("beside", queued);
    open_gate();
    finish();
  }
  void start() {
    try {
      open();
    } catch (const std::exception& error) {
      say({"task", "later", "0", "failed", error.what()});
      return say({"ended"});
    }
    outcomes("beside", squares());
    finish();
  }
  void descriptors_limited() {
    const int lowest = ::dup(0);
    ::close(lowest);
    const test::SoftLimit limit(RLIMIT_NOFILE, static_cast<rlim_t>(lowest) + kSpareDescriptors);
    start();
  }
  void interrupted() {
    ::signal(SIGINT, [](int) {});
    warm();
    beside_others([] {
      ::kill(0, SIGINT);
      return std::vector<Task>{};
    });
    finish();
  }
  void sigchld_ignored() {
    ::signal(SIGCHLD, SIG_IGN);
    task<&killed>()();
  }
  void foreign_waitpid() {
    std::thread([] {
      for (;;) {
        if (::waitpid(-1, nullptr, 0) < 0) std::this_thread::sleep_for(5ms);
      }
    }).detach();
    task<&killed>()();
  }
  void fork_of_host() {
    warm();
    const pid_t child = ::fork();
    if (child == 0) {
      outcomes("faulty", {submit<&square, int>(equals(49), 7)}, kNotice);
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    outcomes("beside", squares());
    finish();
  }
  void not_shut_down() {
    warm();
    outcomes("later", squares());
    say({"ended"});
  }
  void killed_while(const std::function<void()>& prepare) {
    warm();
    prepare();
    say({"ready"});
    for (;;) ::pause();
  }

  static const std::map<std::string, std::string>& inapplicable() {
    static const std::map<std::string, std::string> reasons = {
        {"unencodable_exception", "an exception travels as the name of its type and its words"},
        {"undecodable_exception", "an exception travels as the name of its type and its words"},
    };
    return reasons;
  }
  const std::map<std::string, Scene>& scenes() {
    using Does = Traveller::Does;
    const auto is_large = [](const std::string& value) { return value.size() == kLarge; };
    const auto any = [](const auto&) { return true; };
    static std::atomic<bool> released{false};
    static const std::map<std::string, Scene> all = {
        {"killed", task<&killed>()},
        {"segfault", task<&segfault>()},
        {"aborts", task<&aborts>()},
        {"exits", task<&exits>()},
        {"exits_at_once", task<&exits_at_once>()},
        {"recursion", task<&recursion>()},
        {"out_of_memory", task<&out_of_memory>()},
        {"crash_loop", task<&killed>(equals(kAnswer), 20)},
        {"stopped", task<&stopped>()},
        {"endless", task<&endless>()},
        {"forks", task<&forks>()},
        {"closes_descriptors", task<&closes_descriptors>()},
        {"closes_standard", task<&closes_standard>()},
        {"never_ending_thread", task<&never_ending_exit>()},
        {"unencodable_argument", task<&takes>(equals(kAnswer), 1, Traveller{Does::refuses_encoding})},
        {"undecodable_argument", task<&takes>(equals(kAnswer), 1, Traveller{Does::refuses_decoding})},
        {"killed_by_argument", task<&takes>(equals(kAnswer), 1, Traveller{Does::dies_decoding})},
        {"unencodable_result", task<&unencodable_result, Traveller>(any, 1)},
        {"undecodable_result", task<&undecodable_result, Traveller>(any, 1)},
        {"large_result", task<&large_result, std::string>(is_large, 1)},
        {"nested_result", task<&nested_result, Nested>(any, 1)},
        {"killed_mid_result", task<&killed_mid_result, std::string>(is_large, 1)},
        {"killed_after_result", task<&killed_after_result>()},
        {"callback_raises", [this] { callback([] { throw std::runtime_error("this callback raises"); }, [] {}); }},
        {"callback_blocks",
         [this] {
           callback([] { released.wait(false); },
                    [] {
                      released = true;
                      released.notify_all();
                    });
         }},
        {"grandchild", task<&grandchild>()},
        {"grandchild_in_session", task<&grandchild_in_session>()},
        {"killed_with_grandchild", task<&killed_with_grandchild>()},
        {"idle_killed", [this] { idle(SIGKILL, 1); }},
        {"all_killed_idle", [this] { idle(SIGKILL, kWorkers); }},
        {"all_killed_at_work", [this] { all_killed_at_work(); }},
        {"idle_stopped", [this] { idle(SIGSTOP, 1); }},
        {"initializer_raises", [this] { start(); }},
        {"initializer_dies", [this] { start(); }},
        {"initializer_hangs", [this] { start(); }},
        {"descriptors_limited", [this] { descriptors_limited(); }},
        {"interrupted", [this] { interrupted(); }},
        {"sigchld_ignored", [this] { sigchld_ignored(); }},
        {"foreign_waitpid", [this] { foreign_waitpid(); }},
        {"stdio_closed", [this] { start(); }},
        {"fork_of_host", [this] { fork_of_host(); }},
        {"not_shut_down", [this] { not_shut_down(); }},
        {"host_killed_idle", [this] { killed_while([] {}); }},
        {"host_killed_at_work", [this] { killed_while([this] { stand_at_the_gate(kWorkers); }); }},
        {"host_killed_with_grandchild",
         [this] { killed_while([this] { submit<&grandchild, int>(equals(kAnswer), directory_)(Clock::now() + kPatience); }); }},
    };
    return all;
  }

  const std::string fault_;
  const std::string directory_;
  const int report_;
  ProcessPool* pool_ = nullptr;
  int waited_ = 0;
  std::vector<Task> standing_;
};

}  // namespace

POOLS_ACTOR(contender) {
  if (arguments.size() != 2) throw std::invalid_argument("usage: fault_driver --actor contender FAULT DIRECTORY");
  Host(arguments[0], arguments[1]).play();
  return EXIT_SUCCESS;
}

}  // namespace pools::faults::contender
