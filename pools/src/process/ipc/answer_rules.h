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
#include <span>
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
  std::uint64_t max_payload = 0;  // bytes of a result, shared memory included; 0: no limit

  // `up`: it has been ready. Throws WireError.
  void check(const MessageHeader& header, WorkerPhase phase, bool up) const {
    check_length(header.length, longest(header.kind, phase, up));
    if (header.descriptors == 0) return;
    if (header.kind != MessageKind::result) throw WireError("an answer with descriptors that is no result");
    if (header.descriptors > kMostAttachments) throw WireError("an answer with more descriptors than there may be");
  }
  // A result with the memory that came along.
  void check(const MessageHeader& header, std::span<const Attachment> attachments) const {
    if (max_payload == 0) return;
    std::uint64_t bytes = header.length;  // max_payload at most, and so it stays, lest a sum of lies comes out small
    for (const Attachment& attachment : attachments) {
      check_length(attachment.size, max_payload - bytes);
      bytes += attachment.size;
    }
  }

 private:
  static void check_length(std::uint64_t bytes, std::uint64_t most) {
    if (bytes <= most) return;
    throw WireError("an answer of " + std::to_string(bytes) + " bytes where " + std::to_string(most) + " are the most");
  }
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
