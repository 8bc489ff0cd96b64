#pragma once

// A call for another process, ready to be sent. pools::remote<&fn>(args...) makes one (remote.h).

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "pools/detail/bytes.h"
#include "pools/detail/function_key.h"

namespace pools {

// A call that is going to be made in another process: function and arguments. Immutable; copies share.
class RemoteCall {
 public:
  RemoteCall() = default;  // none
  RemoteCall(detail::FunctionKey function, detail::Bytes arguments)
      : function_(function), arguments_(std::make_shared<const detail::Bytes>(std::move(arguments))) {}

  explicit operator bool() const noexcept { return arguments_ != nullptr; }
  const detail::FunctionKey& function() const noexcept { return function_; }
  std::span<const std::byte> arguments() const noexcept { return arguments_->view(); }
  std::span<const detail::Attachment> attachments() const noexcept { return arguments_->attachments(); }

 private:
  detail::FunctionKey function_;
  std::shared_ptr<const detail::Bytes> arguments_;
};

}  // namespace pools
