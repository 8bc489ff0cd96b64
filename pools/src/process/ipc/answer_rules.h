#pragma once

// What a worker may say, and when: checked as soon as a message's header has been read, before any of its payload is kept.
//
//   the worker            what it may answer
//   is starting           `ready`, without a payload; with an initializer also `refused`. Likewise when it is told to stop meanwhile
//   is ready              `result`, `error`; `skipped`, without a payload
//   was, and is stopping  nothing: it had answered everything before it was told to stop
//
// Whose answer it is (its sequence number, whether that task was begun or taken back) is checked when the message is there.

#include <cstdint>
#include <limits>
#include <string>

#include "pools/detail/remote_exception.h"
#include "pools/src/process/ipc/wire.h"

namespace pools::detail {

enum class WorkerPhase {
  starting,  // has been sent `prepare`, has not answered
  ready,     // takes tasks
  stopping,  // has been sent `stop`
};

struct AnswerRules {
  bool may_refuse = false;        // there is an initializer, which may throw
  std::uint64_t max_payload = 0;  // bytes of a result; 0: no limit

  // `up`: it has been ready. Throws WireError.
  void check(const MessageHeader& header, WorkerPhase phase, bool up) const {
    const std::uint64_t most = longest(header.kind, phase, up);
    if (header.length <= most) return;
    throw WireError("an answer of " + std::to_string(header.length) + " bytes where " + std::to_string(most) + " are the most");
  }

 private:
  std::uint64_t longest(MessageKind kind, WorkerPhase phase, bool up) const {
    switch (kind) {
      case MessageKind::ready:
        if (!up) return 0;
        throw WireError("a worker that is ready twice");
      case MessageKind::refused:
        if (!up && may_refuse) return kLongestException;
        throw WireError("a refusal where no initializer runs");
      case MessageKind::result:
      case MessageKind::error:
      case MessageKind::skipped:
        if (phase != WorkerPhase::ready) throw WireError("an answer of a worker that has no task");
        if (kind == MessageKind::skipped) return 0;
        if (kind == MessageKind::error) return kLongestException;
        return max_payload > 0 ? max_payload : std::numeric_limits<std::uint64_t>::max();
      case MessageKind::prepare:
      case MessageKind::task:
      case MessageKind::stop:
        break;
    }
    throw WireError("a message that a worker does not send");
  }
};

}  // namespace pools::detail
