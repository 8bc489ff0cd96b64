#include "harness/engine/repetition.h"

#include <cereal/archives/binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "harness/core/sojourns.h"
#include "harness/engine/backends/experiments.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/frame.h"
#include "harness/engine/session.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/engine/who_ran.h"
#include "os/descriptor.h"

namespace workloads {

template <class Archive>
void serialize(Archive& archive, Work& work) {
  archive(work.kind, work.resource, work.wait_ns, work.compute_units, work.bytes, work.seed);
}

}  // namespace workloads

namespace harness {

template <class Archive>
void serialize(Archive& archive, Cell& cell) {
  archive(cell.cell_id, cell.task_durations_ns, cell.callback_durations_ns, cell.arrivals_ns);
  for_each_factor(cell, [&archive](const Factor& /*factor*/, auto& value) { archive(value); });
}

template <class Archive>
void serialize(Archive& archive, PreparedCell& prepared) {
  archive(prepared.cell, prepared.tasks, prepared.callbacks, prepared.context, prepared.driver);
}

template <class Archive>
void serialize(Archive& archive, RepetitionReply& reply) {
  archive(reply.error, reply.trace);
}

namespace {

template <class T>
std::string encoded(const T& value) {
  std::ostringstream bytes;
  {
    cereal::BinaryOutputArchive archive(bytes);
    archive(value);
  }
  return std::move(bytes).str();
}

template <class T>
T decoded(std::string_view bytes) {
  std::istringstream stream{std::string(bytes)};
  T value;
  cereal::BinaryInputArchive archive(stream);
  archive(value);
  return value;
}

std::string one_line(std::string text) {
  for (char& character : text) {
    if (character == '\n' || character == '\r') character = ' ';
  }
  return text.empty() ? "an exception without a message" : text;
}

bool released_in_order(const TaskTrace& task) {
  return kNoStamp < task.arrived_ns && task.arrived_ns <= task.due_ns && task.due_ns <= task.submitted_ns;
}

RepetitionReply answer(std::string_view request, std::span<const Backend* const> backends) {
  RepetitionReply reply;
  try {
    const PreparedCell prepared = decode_request(request);
    if (!prepared.driver.empty()) drivers::remember(prepared.cell.backend, prepared.driver);
    const Backend* const experiment = find_experiment(prepared.cell.backend);
    const Backend& backend = experiment != nullptr ? *experiment : find_backend(prepared.cell.backend, backends);
    reply.trace = backend.run(prepared);
    reply.error = defect_of(reply.trace, prepared.cell);
    if (reply.error.empty() && experiment == nullptr) {
      reply.error = misplaced_callback(reply.trace, prepared.cell,
                                       {.attaches_late = backend.attaches_late(), .any_worker = backend.any_worker_calls_back()});
    }
    if (reply.error.empty()) reply.error = late_releases(reply.trace, prepared.cell);
  } catch (const std::system_error& error) {
    // Of all that a repetition does only std::thread says so, and no more than this.
    const bool thread = error.code() == std::errc::resource_unavailable_try_again;
    reply.error = (thread ? "cannot start a thread: " : "") + one_line(error.what());
  } catch (const std::exception& error) {
    reply.error = one_line(error.what());
  } catch (...) {
    reply.error = "an exception that is not a std::exception";
  }
  return reply;
}

}  // namespace

std::string encode(const PreparedCell& request) { return encoded(request); }
std::string encode(const RepetitionReply& reply) { return encoded(reply); }
PreparedCell decode_request(std::string_view bytes) { return decoded<PreparedCell>(bytes); }
RepetitionReply decode_reply(std::string_view bytes) { return decoded<RepetitionReply>(bytes); }

std::string defect_of(const Trace& trace, const Cell& cell) {
  if (trace.tasks.size() != static_cast<std::size_t>(cell.tasks)) {
    return "the trace has " + std::to_string(trace.tasks.size()) + " tasks, the cell " + std::to_string(cell.tasks);
  }
  const bool with_callbacks = has_callbacks(cell.strategy);
  for (std::size_t index = 0; index < trace.tasks.size(); ++index) {
    const TaskTrace& task = trace.tasks[index];
    if (arrives(cell) != (task.arrived_ns != kNoStamp) || (arrives(cell) && !released_in_order(task))) {
      return "the arrival of task " + std::to_string(index) + " is missing or out of order";
    }
    if (task.rejected) {
      if (task.started_ns == kNoStamp && task.callback_started_ns == kNoStamp && cell.when_full == "reject") continue;
      return "task " + std::to_string(index) + " was rejected and has begun, or was not to be rejected";
    }
    const bool task_in_order =
        kNoStamp < task.submitted_ns && task.submitted_ns <= task.started_ns && task.started_ns <= task.finished_ns;
    const bool callback_in_order =
        with_callbacks ? task.finished_ns <= task.callback_started_ns && task.callback_started_ns <= task.callback_finished_ns
                       : task.callback_started_ns == kNoStamp && task.callback_finished_ns == kNoStamp;
    if (!task_in_order || !callback_in_order) {
      return "the stamps of task " + std::to_string(index) + " are missing or out of order";
    }
  }
  return {};
}

void run_repetition_child(int stream, std::span<const Backend* const> backends) {
  lead_session();
  os::raise_descriptor_limit();
  try {
    if (const auto request = receive_frame(stream)) send_frame(stream, encode(answer(*request, backends)));
  } catch (const std::exception&) {
    // The stream breaks when the program is gone: there is nobody left to tell.
  }
  std::exit(0);
}

}  // namespace harness
