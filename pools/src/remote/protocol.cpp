#include "pools/src/remote/protocol.h"

#include "pools/detail/function_key.h"

namespace pools::detail {
namespace {

constexpr std::size_t kLongestText = 4096;  // of a host's name or of a refusal

Bytes begun_frame(FrameKind kind, std::uint64_t session = 0) {
  const FrameHeader header{.kind = kind, .session = session};
  Bytes frame;
  frame.append(&header, sizeof header);
  return frame;
}

// Bytes of any length, preceded by it.
void encode_block(Bytes& to, std::span<const std::byte> block) {
  put<std::uint64_t>(to, block.size());
  to.append(block.data(), block.size());
}

std::string decode_text(Reader& from) {
  const auto length = get<std::uint64_t>(from);
  if (length > kLongestText) throw WireError("a text of an absurd length");
  return text_of_bytes(from.take(length));
}
void encode_text(Bytes& to, std::string_view text) { encode_block(to, std::as_bytes(std::span(text.substr(0, kLongestText)))); }

}  // namespace

FunctionKey own_program() { return key_of(reinterpret_cast<const void*>(&own_program)); }

Bytes hello_frame(const Hello& hello) {
  Bytes frame = begun_frame(FrameKind::hello);
  put(frame, hello.protocol);
  put(frame, hello.program);
  put(frame, hello.incarnation);
  put(frame, hello.pid);
  put(frame, hello.workers);
  encode_text(frame, hello.host);
  return frame;
}

Hello hello_of(std::span<const std::byte> content) {
  Reader reader(content);
  Hello hello;
  hello.protocol = get<std::uint32_t>(reader);
  if (hello.protocol != kRemoteProtocol) return hello;
  hello.program = get<FunctionKey>(reader);
  hello.incarnation = get<std::uint64_t>(reader);
  hello.pid = get<std::int32_t>(reader);
  hello.workers = get<std::int32_t>(reader);
  hello.host = decode_text(reader);
  reader.expect_end();
  constexpr std::int32_t kMostWorkers = 1 << 16;
  if (hello.workers < 1 || hello.workers > kMostWorkers) throw WireError("a hello of an absurd number of workers");
  return hello;
}

Bytes welcome_frame(std::uint64_t session, const Welcome& welcome) {
  Bytes frame = begun_frame(FrameKind::welcome, session);
  put(frame, welcome.heartbeat_ns);
  put(frame, welcome.silence_ns);
  put(frame, welcome.workers);
  encode_text(frame, welcome.name_prefix);
  put(frame, welcome.initializer);
  encode_block(frame, welcome.initializer_arguments.view());
  put(frame, welcome.backoff_ns);
  put(frame, welcome.max_backoff_ns);
  put(frame, welcome.quarantine_after);
  put(frame, welcome.crash_limit);
  put(frame, welcome.max_tasks_per_child);
  put(frame, welcome.memory_limit);
  put(frame, welcome.recycle_above);
  put(frame, welcome.output);
  put(frame, welcome.max_payload);
  return frame;
}

Welcome welcome_of(std::span<const std::byte> content) {
  Reader reader(content);
  Welcome welcome;
  welcome.heartbeat_ns = get<std::int64_t>(reader);
  welcome.silence_ns = get<std::int64_t>(reader);
  welcome.workers = get<std::int32_t>(reader);
  welcome.name_prefix = decode_text(reader);
  welcome.initializer = get<FunctionKey>(reader);
  const auto length = get<std::uint64_t>(reader);
  const std::span<const std::byte> arguments = reader.take(length);
  welcome.initializer_arguments.append(arguments.data(), arguments.size());
  welcome.backoff_ns = get<std::int64_t>(reader);
  welcome.max_backoff_ns = get<std::int64_t>(reader);
  welcome.quarantine_after = get<std::int32_t>(reader);
  welcome.crash_limit = get<std::int32_t>(reader);
  welcome.max_tasks_per_child = get<std::int32_t>(reader);
  welcome.memory_limit = get<std::uint64_t>(reader);
  welcome.recycle_above = get<std::uint64_t>(reader);
  welcome.output = get<std::int32_t>(reader);
  welcome.max_payload = get<std::uint64_t>(reader);
  reader.expect_end();
  return welcome;
}

Bytes text_frame(FrameKind kind, std::string_view text) {
  Bytes frame = begun_frame(kind);
  text = text.substr(0, kLongestText);
  frame.append(text.data(), text.size());
  return frame;
}

Frame frame_of(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  Frame frame;
  reader.read(&frame.header, sizeof frame.header);
  if (frame.header.magic != FrameHeader::kMagic) throw WireError("a frame without its magic number");
  frame.content = reader.take(reader.remaining());
  return frame;
}

}  // namespace pools::detail
