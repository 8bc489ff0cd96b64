#include "pools/src/remote/outcome.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "pools/detail/remote_exception.h"
#include "pools/errors.h"
#include "pools/src/remote/protocol.h"

namespace pools::detail {
namespace {

enum class OutcomeKind : std::uint8_t { exception, worker_died, time_limit, quarantined, pool };

constexpr std::chrono::microseconds kUnknown{-1};
constexpr std::size_t kLongestWords = std::size_t{64} << 10;

void encode_words(Bytes& to, std::string_view words) {
  words = words.substr(0, kLongestWords);
  put<std::uint64_t>(to, words.size());
  to.append(words.data(), words.size());
}
std::string decode_words(Reader& from) {
  const std::span<const std::byte> words = from.take(get<std::uint64_t>(from));
  return {reinterpret_cast<const char*>(words.data()), words.size()};
}

void encode_death(Bytes& to, OutcomeKind kind, const WorkerDied& died) {
  put(to, kind);
  put<std::int32_t>(to, died.pid());
  put<std::int32_t>(to, died.signal().value_or(-1));
  put<std::int32_t>(to, died.exit_code().value_or(-1));
  encode_words(to, died.what());
  encode_words(to, died.stderr_tail());
  const WorkerDeath& death = died.death();
  put(to, death.cause);
  encode_words(to, death.task);
  put<std::int64_t>(to, death.task_time.value_or(kUnknown).count());
  put<std::int64_t>(to, death.cpu_time.value_or(kUnknown).count());
  put<std::uint64_t>(to, death.peak_memory.value_or(0));
}

template <class Death>
std::exception_ptr decode_death(Reader& from, const std::string& host) {
  const auto some = [&]() -> std::optional<int> {
    const auto number = get<std::int32_t>(from);
    return number < 0 ? std::nullopt : std::optional<int>(number);
  };
  const int pid = get<std::int32_t>(from);
  const std::optional<int> signal = some();
  const std::optional<int> exit_code = some();
  const std::string what = decode_words(from);
  const std::string tail = decode_words(from);
  WorkerDeath death;
  death.cause = get<DeathCause>(from);
  if (death.cause < DeathCause::unknown || death.cause > DeathCause::pool) throw WireError("a cause of death that is none");
  death.task = decode_words(from);
  if (const auto ns = get<std::int64_t>(from); ns >= 0) death.task_time = std::chrono::nanoseconds(ns);
  if (const auto us = get<std::int64_t>(from); us >= 0) death.cpu_time = std::chrono::microseconds(us);
  if (const auto bytes = get<std::uint64_t>(from); bytes > 0) death.peak_memory = bytes;
  return std::make_exception_ptr(Death("on host '" + host + "': " + what, pid, signal, exit_code, tail, std::move(death)));
}

}  // namespace

void encode_outcome(Bytes& to, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const TimeLimitError& died) {
    encode_death(to, OutcomeKind::time_limit, died);
  } catch (const QuarantinedError& died) {
    encode_death(to, OutcomeKind::quarantined, died);
  } catch (const WorkerDied& died) {
    encode_death(to, OutcomeKind::worker_died, died);
  } catch (const BrokenPoolError& broken) {
    put(to, OutcomeKind::pool);
    encode_words(to, broken.what());
  } catch (...) {
    put(to, OutcomeKind::exception);
    encode_current_exception(to);
  }
}

std::exception_ptr decode_outcome(Reader& from, const std::string& host) {
  switch (get<OutcomeKind>(from)) {
    case OutcomeKind::exception:
      return decode_exception(from);
    case OutcomeKind::worker_died:
      return decode_death<WorkerDied>(from, host);
    case OutcomeKind::time_limit:
      return decode_death<TimeLimitError>(from, host);
    case OutcomeKind::quarantined:
      return decode_death<QuarantinedError>(from, host);
    case OutcomeKind::pool:
      return std::make_exception_ptr(BrokenPoolError("on host '" + host + "': " + decode_words(from)));
  }
  throw WireError("an outcome that is none");
}

}  // namespace pools::detail
