#include "harness/engine/child_runner.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/engine/internal_entry.h"
#include "harness/engine/loopback_servers.h"
#include "harness/engine/own/inputs.h"
#include "harness/engine/own/own_work.h"
#include "harness/engine/prepared_cell.h"
#include "harness/engine/repetition.h"
#include "harness/engine/scratch.h"
#include "harness/engine/session.h"
#include "harness/engine/supervise.h"
#include "os/descriptor.h"

namespace harness {
namespace {

using workloads::Work;

// A task and its callback with the waits taken out, as a key.
using WorkKey = std::string;
static_assert(std::has_unique_object_representations_v<Work>, "a Work is compared by its bytes");

struct Digests {
  std::uint64_t task = 0;
  std::uint64_t callback = 0;
  bool operator==(const Digests&) const = default;
};

class ChildRunner final : public CellRunner {
 public:
  explicit ChildRunner(RunnerOptions options)
      : options_(std::move(options)), interruption_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!interruption_) throw std::system_error(errno, std::generic_category(), "cannot make an event descriptor");
    if (options_.scratch_parent.empty()) options_.scratch_parent = temporary_directory();
    adopt_orphans();
  }

  RepetitionResult run(const Cell& cell, std::chrono::nanoseconds timeout) override {
    RepetitionResult result;
    result.sample = sample_of(cell);
    if (::getloadavg(&result.sample.load1, 1) != 1) result.sample.load1 = 0;
    try {
      attempt(provided(cell), timeout, result);
    } catch (const std::exception& error) {
      refuse(result, "invalid", error.what());
    }
    return result;
  }

  std::string check_digests(const Cell& cell, std::chrono::nanoseconds timeout) override try {
    // What work of the user's own has to give is not known; and it is not done once more than was asked for.
    if (own::is_own(cell.workload)) return {};
    const PreparedCell unchecked = unchecked_works_of(provided(cell));
    if (unchecked.cell.tasks == 0) return {};

    if (const PreparedCell unknown = works_without_reference(unchecked); unknown.cell.tasks > 0) {
      const RepetitionResult reference = repetition_of(unknown, timeout);
      if (!reference.trace) return "inline: " + failure_of(reference);
      for_each_digest(unknown, *reference.trace, [&](const WorkKey& key, const Digests& digests) {
        references_.insert_or_assign(key, digests);
        return true;
      });
    }

    const RepetitionResult checked = repetition_of(unchecked, timeout);
    if (!checked.trace) return cell.backend + ": " + failure_of(checked);
    std::string difference;
    for_each_digest(unchecked, *checked.trace, [&](const WorkKey& key, const Digests& digests) {
      const Digests& reference = references_.at(key);
      if (digests == reference) return checked_[cell.backend].insert(key).second;
      const bool task_differs = digests.task != reference.task;
      difference = cell.workload + (task_differs ? "" : "'s callback") + " gives digest " +
                   std::to_string(task_differs ? digests.task : digests.callback) + " on " + cell.backend + ", " +
                   std::to_string(task_differs ? reference.task : reference.callback) + " on inline";
      return false;
    });
    return difference;
  } catch (const std::exception& error) {
    return error.what();
  }

  void interrupt() noexcept override {
    // An event counter that nobody reads: once written it stays readable, so an interrupt that comes between two
    // repetitions is not lost. write() is async-signal-safe; its error is kept from the interrupted code.
    const int saved_errno = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(interruption_.get(), &one, sizeof one);
    errno = saved_errno;
  }

 private:
  static void refuse(RepetitionResult& result, std::string_view status, std::string error) {
    for (char& character : error) {
      if (character == '\n' || character == '\r') character = ' ';
    }
    result.sample.status = status;
    result.sample.error = std::move(error);
  }

  static std::string failure_of(const RepetitionResult& result) {
    return result.interrupted ? "interrupted" : result.sample.status + ": " + result.sample.error;
  }

  // The cell with its works made and what they need standing ready.
  PreparedCell provided(const Cell& cell) {
    PreparedCell prepared = prepare(cell, options_.calibration);
    const workloads::Needs needs = needs_of(prepared);
    prepared.context.ports = servers_.require(needs);
    if (needs.subject) {
      prepared.context.subject = cell.inputs.empty() ? options_.subject : own_subject(cell);
      spread(prepared);
    }
    if (needs.scratch_directory) {
      if (!scratch_) scratch_.emplace(options_.scratch_parent);
      prepared.context.scratch_directory = scratch_->directory().string();
    }
    return prepared;
  }

  // Of fewer tasks than inputs, not the first ones.
  static void spread(PreparedCell& prepared) {
    const auto tasks = static_cast<std::int64_t>(prepared.tasks.size());
    const std::int64_t inputs = prepared.context.subject.spread_over;
    if (tasks >= inputs) return;
    for (auto* works : {&prepared.tasks, &prepared.callbacks}) {
      for (std::size_t at = 0; at < works->size(); ++at) {
        Work& work = (*works)[at];
        if (!workloads::catalogue()[work.kind]->needs().subject) continue;
        work.resource = static_cast<std::uint32_t>(own::input_of_task(static_cast<std::int64_t>(at), tasks, inputs));
      }
    }
  }

  // Read when a cell first names them: the file of inputs may change while a sweep goes on, and its repetitions do not.
  const workloads::Subject& own_subject(const Cell& cell) {
    const std::vector<std::string> key{cell.workload, cell.callback_workload, cell.inputs};
    const auto known = own_.find(key);
    return known != own_.end() ? known->second : own_.emplace(key, own::subject_of(cell)).first->second;
  }

  // Runs it in a child and fills in the outcome.
  void attempt(const PreparedCell& prepared, std::chrono::nanoseconds timeout, RepetitionResult& result) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    os::DescriptorPair stream = os::make_stream_pair();
    os::DescriptorPair output = os::make_pipe();
    pools::Child child = spawn_internal(kRepetitionEntry, {}, stream.theirs.get(), output.theirs.get());
    stream.theirs.reset();
    output.theirs.reset();
    Attempt attempt = supervise(child, stream.ours.get(), output.ours.get(), interruption_.get(), encode(prepared), deadline);
    const std::string last_words = attempt.last_words.empty() ? "" : ": " + attempt.last_words;
    switch (attempt.end) {
      case Attempt::End::answered: {
        RepetitionReply reply = decode_reply(attempt.answer);
        // What one of its processes printed before it died may say why.
        if (!reply.error.empty()) return refuse(result, "invalid", std::move(reply.error) + last_words);
        measure(reply.trace, result.sample);
        result.trace = std::move(reply.trace);
        return;
      }
      case Attempt::End::crashed:
        refuse(result, "crash", attempt.how_it_died + last_words);
        break;
      case Attempt::End::timed_out:
        refuse(result, "timeout", "killed at its deadline of " + human_duration(timeout) + last_words);
        break;
      case Attempt::End::interrupted:
        result.interrupted = true;
        refuse(result, "invalid", "interrupted");
        break;
    }
    if (scratch_) scratch_->clear();  // a repetition that was cut off has not tidied up
  }

  RepetitionResult repetition_of(const PreparedCell& prepared, std::chrono::nanoseconds timeout) {
    RepetitionResult result;
    result.sample = sample_of(prepared.cell);
    attempt(prepared, timeout, result);
    return result;
  }

  static WorkKey key_of(const PreparedCell& prepared, std::size_t task) {
    const auto bytes_of = [](const Work& work) { return std::string(reinterpret_cast<const char*>(&work), sizeof work); };
    return bytes_of(prepared.tasks[task]) + (prepared.callbacks.empty() ? "" : bytes_of(prepared.callbacks[task]));
  }

  // Calls visit(key, digests) per task until it returns false.
  template <class Visit>
  static void for_each_digest(const PreparedCell& prepared, const Trace& trace, Visit visit) {
    for (std::size_t task = 0; task < trace.tasks.size(); ++task) {
      if (!visit(key_of(prepared, task), Digests{trace.tasks[task].digest, trace.tasks[task].callback_digest})) return;
    }
  }

  // The same cell with only those of its tasks that `wanted` accepts.
  template <class Wanted>
  static PreparedCell with_tasks(const PreparedCell& prepared, Wanted wanted) {
    PreparedCell subset = prepared;
    subset.tasks.clear();
    subset.callbacks.clear();
    for (std::size_t task = 0; task < prepared.tasks.size(); ++task) {
      if (!wanted(key_of(prepared, task))) continue;
      subset.tasks.push_back(prepared.tasks[task]);
      if (!prepared.callbacks.empty()) subset.callbacks.push_back(prepared.callbacks[task]);
    }
    subset.cell.tasks = static_cast<int>(subset.tasks.size());
    static_cast<Factors&>(subset.cell) = without_arrivals(subset.cell);  // what a work gives does not depend on when it comes
    subset.cell.arrivals_ns.clear();
    return subset;
  }

  PreparedCell unchecked_works_of(PreparedCell prepared) {
    for (auto* works : {&prepared.tasks, &prepared.callbacks}) {
      for (Work& work : *works) work = workloads::without_wait(work);
    }
    std::set<WorkKey> seen = checked_[prepared.cell.backend];
    return with_tasks(prepared, [&](const WorkKey& key) { return seen.insert(key).second; });
  }

  PreparedCell works_without_reference(const PreparedCell& prepared) {
    PreparedCell unknown = with_tasks(prepared, [&](const WorkKey& key) { return !references_.contains(key); });
    unknown.cell.backend = "inline";
    unknown.driver.clear();
    unknown.cell.strategy = prepared.callbacks.empty() ? "none" : "fused";
    return unknown;
  }

  RunnerOptions options_;
  os::Descriptor interruption_;
  LoopbackServers servers_;
  std::optional<Scratch> scratch_;
  std::map<std::vector<std::string>, workloads::Subject> own_;  // by workload, callback_workload and inputs
  std::map<WorkKey, Digests> references_;                       // what inline gave
  std::map<std::string, std::set<WorkKey>> checked_;            // per backend, what agreed with it
};

}  // namespace

std::unique_ptr<CellRunner> make_child_runner(RunnerOptions options) { return std::make_unique<ChildRunner>(std::move(options)); }

}  // namespace harness
