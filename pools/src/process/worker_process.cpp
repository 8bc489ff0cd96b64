#include "pools/src/process/worker_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "pools/cores.h"
#include "pools/errors.h"
#include "pools/src/base/affinity.h"
#include "pools/src/process/ipc/handshake.h"

namespace pools::detail {
namespace {

Message prepare_message(const std::string& name, int number, int inner_threads, const ProcessPoolOptions& options) {
  const RemoteCall& initializer = options.initializer;
  Message message(MessageKind::prepare, initializer ? initializer.function() : FunctionKey{});
  const WorkerSetup setup{.max_payload = options.max_payload,
                          .memory_limit = options.memory_limit,
                          .cpu = options.cpus.empty() ? -1 : cpu_of_worker(options.cpus, number),
                          .inner_threads = inner_threads};
  message.payload().append(&setup, sizeof setup);
  encode(message.payload(), name);
  if (initializer) {
    message.payload().attach_all(initializer.attachments());
    message.payload().append(initializer.arguments().data(), initializer.arguments().size());
  }
  return message;
}

// 0: nobody has said.
int inner_threads_of(const ProcessPoolOptions& options, int workers) {
  if (options.inner_threads) return *options.inner_threads;
  return options.cpus.empty() ? inner_threads_share(pools::usable_cores().count, workers) : 1;
}

// What libraries read, once, when they are loaded or first used.
std::vector<std::string> environment_for(int inner_threads, const ProcessPoolOptions& options) {
  std::vector<std::string> environment;
  if (inner_threads == 0) return environment;
  for (const char* const variable :
       {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS"}) {
    if (!options.inner_threads && std::getenv(variable) != nullptr) continue;
    environment.push_back(std::string(variable) + "=" + std::to_string(inner_threads));
  }
  return environment;
}

// The kernel sums up what is resident from what each CPU has counted, and may be late with some of it.
constexpr std::uint64_t kCountedLate = std::uint64_t{4} << 20;

std::uint64_t peak_of_this_process() noexcept {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return static_cast<std::uint64_t>(use.ru_maxrss) * 1024;
}

FileDescriptor null_output() {
  FileDescriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!null) throw std::system_error(errno, std::generic_category(), "cannot open /dev/null");
  return null;
}

}  // namespace

WorkerProcess::WorkerProcess(int number, int workers, const ProcessPoolOptions& options, DescendantMark mark, OutputRelay* relay)
    : number_(number),
      rules_{.may_refuse = static_cast<bool>(options.initializer), .max_payload = options.max_payload},
      mark_(mark),
      relay_(relay) {
  const std::string name = options.name_prefix + "_" + std::to_string(number);
  const int inner_threads = inner_threads_of(options, workers);
  DescriptorPair ends = make_socket_pair(SOCK_STREAM);
  if (!ends) throw std::system_error(errno, std::generic_category(), "cannot make a socket for a worker");
  lifeline_ = std::move(ends.first);
  const FileDescriptor theirs = std::move(ends.second);
  // Sent before there is a receiver, so that no death can be in the way.
  Passage their_passage;
  std::tie(passage_, their_passage) = Passage::make();
  send_handshake(lifeline_.get(), channel_.memory_descriptor(), channel_.event(), their_passage.descriptor());
  FileDescriptor output;
  FileDescriptor errors;
  if (options.output == WorkerOutput::discarded) {
    output = null_output();
    errors = null_output();
  } else if (relay_ != nullptr) {
    output_ = relay_->attach(name, output, errors);
  }
  try {
    // Of the group that it is going to be started in; before that, so that a kill of it does not count as one before its time.
    oom_kills_ = OomKills(::getpid());
    child_ = spawn({.arguments = {kWorkerArgument, name},
                    .channel_fd = theirs.get(),
                    .stdout_fd = output.get(),
                    .stderr_fd = errors.get(),
                    .own_process_group = true,
                    .mark = mark_,
                    .environment = environment_for(inner_threads, options)});
    peak_at_first_ = peak_of_this_process() + kCountedLate;
    if (output_) relay_->started(*output_, child_.pid());
    channel_.forget_memory_descriptor();
    load(prepare_message(name, number, inner_threads, options));
    if (!control_.attachments().empty() && !send_attachments(control_, sequence_)) {
      throw std::system_error(refusal_, std::generic_category(), "cannot pass the initializer's shared memory to a worker");
    }
    control_.payload().detach();
    send_some();
    channel_.ring();
  } catch (...) {
    child_ = Child();  // killed, if it was started
    finish_output();
    throw;
  }
}

std::string WorkerProcess::finish_output() noexcept {
  std::string tail;
  try {
    if (output_) tail = relay_->finish(*output_);
  } catch (const std::exception&) {
    report_error("passing on the last words of a worker", std::current_exception());
  }
  output_.reset();
  return tail;
}

WorkerProcess::~WorkerProcess() {
  child_ = Child();  // killed with its group, and reaped, if it was not before
  finish_output();
  // A canceller that found a task on this worker's board may still look at it, though the task has ended meanwhile.
  if (has_offered_) FutureState::await_all_cancellers();
}

std::size_t WorkerProcess::tasks() const noexcept {
  std::size_t tasks = 0;
  for (std::size_t index = 0; index < count_; ++index) tasks += given_[(first_ + index) % kMostGiven].task != nullptr;
  return tasks;
}

std::size_t WorkerProcess::first() noexcept {
  std::size_t index = 0;
  while (index < count_ && !at(index).task) ++index;
  return index;
}

bool WorkerProcess::take_back(Given& entry) noexcept {
  const bool taken_now = channel_.board().take_back(entry.sequence);
  if (!taken_now && !channel_.board().taken_back(entry.sequence)) return false;
  FutureState& state = entry.task->state();
  state.recall();  // a canceller that took it back before has come to its end
  if (!taken_now && !state.cancelled()) {
    condemn("a task that it called taken back, which nobody had done");
    return false;
  }
  state.add_reference();
  entry.taken_back = TaskRef(entry.task.get());
  return true;
}

std::optional<MessageHeader> WorkerProcess::receive() {
  received_ = {};
  const auto header = reader_.poll(channel_, [this](const MessageHeader& each) { rules_.check(each, phase, up); });
  if (!header || header->descriptors == 0) return header;
  received_ = passage_.receive(header->sequence, header->descriptors);
  rules_.check(*header, received_.attachments);
  return header;
}

// Before the message: so it is there for who reads that. Of one that is dying, or does not read, death tells.
bool WorkerProcess::send_attachments(const Message& message, std::uint64_t sequence) noexcept {
  const int error = passage_.send(sequence, message.attachments(), Passage::When::now);
  if (error == 0 || error == EPIPE || error == ECONNRESET) return true;
  if (error == EAGAIN) {
    condemn("descriptors that it does not take");
    return true;
  }
  refusal_ = error;
  return false;
}

WorkerProcess::Giving WorkerProcess::give(TaskRef& task) noexcept {
  const std::uint64_t sequence = sequence_ + 1;
  channel_.board().offer(sequence);
  task->offered_on(channel_.board(), sequence);
  if (!task->state().offer()) {
    channel_.board().take_back(sequence);  // the number is used again, by the next
    return Giving::cancelled;
  }
  has_offered_ = true;
  sequence_ = sequence;
  Message& message = task->message();
  // After the offer: what had been sent with a task that is cancelled then would lie in the socket, and nobody would come for it.
  if (has_attachments(*task) && !send_attachments(message, sequence)) {
    channel_.board().take_back(sequence);  // or a canceller has
    task->state().recall();
    return task->state().cancelled() ? Giving::cancelled : Giving::refused;
  }
  ++tasks_given;
  message.seal(sequence);
  sending_ = message.view();
  begun_ = false;
  at(count_++) = {std::move(task), sequence, nullptr};
  return Giving::given;
}

void WorkerProcess::load(Message prepare) noexcept {
  control_ = std::move(prepare);
  control_.seal(++sequence_);
  sending_ = control_.view();
  begun_ = false;
}

void WorkerProcess::load_stop() noexcept {
  control_.restart(MessageKind::stop);  // in the memory of `prepare`: there may be no other
  control_.seal(++sequence_);
  sending_ = control_.view();
  begun_ = false;
}

bool WorkerProcess::send_some() {
  begun_ = begun_ || channel_.begin_message();
  const std::size_t count = begun_ ? channel_.write_quietly(sending_) : 0;
  sending_ = sending_.subspan(count);
  unsent_.store(!sending_.empty(), std::memory_order_release);
  if (count > 0) channel_.publish();
  return count > 0;
}

void WorkerProcess::condemn(const char* violation) noexcept {
  try {
    violation_ = violation;
  } catch (const std::bad_alloc&) {
  }
  kill_reason = KillReason::violation;
  condemned_.store(true, std::memory_order_relaxed);
  child_.kill(SIGKILL);
}

bool WorkerProcess::actionable() {
  // Who has been told to end gets nothing more, and must not keep the supervisor awake by making room for it.
  if (channel_.readable()) return true;
  return unsent() && !terminated && channel_.room() >= (begun_ ? 1 : Message::kAlignment);
}

}  // namespace pools::detail
