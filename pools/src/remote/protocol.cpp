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

// One list of fields per frame: what is written and what is read are made from it.
template <class Hello, class Archive>
void hello_fields(Hello& hello, Archive&& field) {  // after its protocol
  field(hello.program);
  field(hello.incarnation);
  field(hello.pid);
  field(hello.workers);
  field(hello.host);
}

template <class Welcome, class Archive>
void welcome_fields(Welcome& welcome, Archive&& field) {
  field(welcome.heartbeat_ns);
  field(welcome.silence_ns);
  field(welcome.workers);
  field(welcome.name_prefix);
  field(welcome.initializer);
  field(welcome.initializer_arguments);
  field(welcome.backoff_ns);
  field(welcome.max_backoff_ns);
  field(welcome.quarantine_after);
  field(welcome.crash_limit);
  field(welcome.max_tasks_per_child);
  field(welcome.memory_limit);
  field(welcome.recycle_above);
  field(welcome.output);
  field(welcome.max_payload);
}

// Texts and bytes are preceded by their length.
class FieldWriter {
 public:
  explicit FieldWriter(Bytes& frame) : frame_(frame) {}
  template <class T>
  void operator()(const T& value) {
    put(frame_, value);
  }
  void operator()(const std::string& text) { block(std::as_bytes(std::span(std::string_view(text).substr(0, kLongestText)))); }
  void operator()(const Bytes& bytes) { block(bytes.view()); }

 private:
  void block(std::span<const std::byte> bytes) {
    put<std::uint64_t>(frame_, bytes.size());
    frame_.append(bytes.data(), bytes.size());
  }
  Bytes& frame_;
};

class FieldReader {  // Throws WireError
 public:
  explicit FieldReader(Reader& content) : content_(content) {}
  template <class T>
  void operator()(T& value) {
    value = get<T>(content_);
  }
  void operator()(std::string& text) {
    const auto length = get<std::uint64_t>(content_);
    if (length > kLongestText) throw WireError("a text of an absurd length");
    text = text_of_bytes(content_.take(length));
  }
  void operator()(Bytes& bytes) {
    const std::span<const std::byte> block = content_.take(get<std::uint64_t>(content_));
    bytes.append(block.data(), block.size());
  }

 private:
  Reader& content_;
};

}  // namespace

FunctionKey own_program() { return key_of(reinterpret_cast<const void*>(&own_program)); }

Bytes hello_frame(const Hello& hello) {
  Bytes frame = begun_frame(FrameKind::hello);
  put(frame, hello.protocol);
  hello_fields(hello, FieldWriter(frame));
  return frame;
}

Hello hello_of(std::span<const std::byte> content) {
  Reader reader(content);
  Hello hello;
  hello.protocol = get<std::uint32_t>(reader);
  if (hello.protocol != kRemoteProtocol) return hello;
  hello_fields(hello, FieldReader(reader));
  reader.expect_end();
  constexpr std::int32_t kMostWorkers = 1 << 16;
  if (hello.workers < 1 || hello.workers > kMostWorkers) throw WireError("a hello of an absurd number of workers");
  return hello;
}

Bytes welcome_frame(std::uint64_t session, const Welcome& welcome) {
  Bytes frame = begun_frame(FrameKind::welcome, session);
  welcome_fields(welcome, FieldWriter(frame));
  return frame;
}

Welcome welcome_of(std::span<const std::byte> content) {
  Reader reader(content);
  Welcome welcome;
  welcome_fields(welcome, FieldReader(reader));
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
