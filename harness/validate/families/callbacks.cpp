// Who runs a callback, by thread and process id: the callback time that each took.

#include <fmt/core.h>

#include <numeric>

#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

constexpr std::string_view kThread = "1、线程池使用回调函数的话，最终执行回调函数的是各个空闲的线程";
constexpr std::string_view kProcess = "1、进程池使用回调函数的话，最终执行回调函数的是主进程";
constexpr std::string_view kProcessSerial = "造成以上原因是因为，进程池里面的回调函数，是由主进程执行的";

enum class Share { all, none };

// The claim that an actor takes all or none of the callback time, where by the model it takes `model`.
Claim who(std::string_view id, std::string_view english, std::string_view chinese, std::string_view domain,
          std::string_view formula, std::int64_t (*taken)(const Evidence&), Share claimed, Share model, std::string_view violated,
          ClaimCell cell) {
  Claim claim;
  claim.id = id;
  claim.english = english;
  claim.chinese = chinese;
  claim.domain = domain;
  claim.cells = {std::move(cell)};
  claim.claimed = [=](std::span<const Cell> cells) {
    const std::vector<std::int64_t>& durations = cells.front().callback_durations_ns;
    const std::int64_t all = std::accumulate(durations.begin(), durations.end(), std::int64_t{0});
    const auto value = [all](Share share) { return share == Share::all ? all : 0; };
    return Claimed{std::string(formula),
                   value(claimed),
                   value(model),
                   std::string(violated),
                   {{"all callbacks", all}, {"no callback", 0}, {"one callback less", all - durations.front()}}};
  };
  claim.measure = [taken](std::span<const Observation> round) { return taken(*round.front().evidence); };
  claim.facts = [](std::span<const Observation> round) { return callbacks_text(*round.front().evidence); };
  claim.is_formula = false;
  claim.needs_evidence = true;
  return claim;
}

// Time beyond one callback at a time. The rival is that all run at once.
Claim one_at_a_time(std::string_view id, std::string_view english, std::string_view chinese, ClaimCell cell) {
  Claim claim = who(
      id, english, chinese, "always", "time in which callbacks overlap",
      [](const Evidence& evidence) { return evidence.overlap_ns; }, Share::none, Share::none, "", std::move(cell));
  return claim;
}

std::int64_t own_worker(const Evidence& evidence) { return evidence.own_worker_ns; }
std::int64_t any_worker(const Evidence& evidence) { return evidence.own_worker_ns + evidence.other_worker_ns; }
std::int64_t other_worker(const Evidence& evidence) { return evidence.other_worker_ns; }
std::int64_t main_process(const Evidence& evidence) { return evidence.in_main_process_ns(); }
std::int64_t elsewhere(const Evidence& evidence) { return evidence.elsewhere_ns; }

}  // namespace

std::vector<Claim> callback_claims() {
  // Tasks end 20 ms apart, so that there are idle workers at every callback but the first.
  const ClaimCell threads{"thread", 4, "worker", 0, {20, 40, 60, 80}, times(4, 60)};
  const ClaimCell processes{"process", 4, "main", 0, times(4, 40), times(4, 60)};
  return {
      who("who_thread_idle", "thread pool: another thread, an idle one, runs a callback", kThread, "never",
          "callback time on other workers = n*c", other_worker, Share::all, Share::none,
          "the thread that ran the task runs its callback: 0 of n = 4 on another one", threads),
      who("who_thread_worker", "thread pool: the thread that ran the task runs its callback", "",
          "callbacks attached before the task ends", "callback time on the task's worker = n*c", own_worker, Share::all,
          Share::all, "", threads),
      who("who_thread_attached_late", "thread pool: threads of the pool run callbacks, also those attached to a finished future",
          kThread, "callbacks attached before the task ends", "callback time on workers = n*c", any_worker, Share::all,
          Share::none, "the task is done when the callback is attached: the submitting thread runs all n = 4",
          {"thread_attach_late", 4, "worker", 0, times(4, 20), times(4, 60)}),
      who("who_process_main", "process pool: the main process runs the callbacks", kProcess, "always",
          "callback time in the main process = n*c", main_process, Share::all, Share::all, "", processes),
      who("who_process_attached_late", "process pool: the main process runs callbacks, also those attached to a finished future",
          kProcess, "always", "callback time in the main process = n*c", main_process, Share::all, Share::all, "",
          {"process_attach_late", 4, "main", 0, times(4, 20), times(4, 60)}),
      one_at_a_time("who_process_one_at_a_time", "process pool: one callback at a time", kProcessSerial, processes),
      who("who_remedy", "the remedy: other processes than the main one deal with the results", kRemedy, "always",
          "parsing time in parser processes = n*c", elsewhere, Share::all, Share::all, "",
          {"process", 4, "extra", 2, times(4, 40), times(4, 60)}),
  };
}

}  // namespace harness
