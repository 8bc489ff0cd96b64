#include "harness/base/console.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <system_error>

#include "harness/base/errors.h"

namespace harness {
namespace {

// Bytes of the UTF-8 character that the text begins with; 0 if it begins with none (overlong forms and surrogates are none).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead < 0xF0) {
    const bool valid = !(lead == 0xE0 && byte(1) < 0xA0) && !(lead == 0xED && byte(1) > 0x9F);
    return valid && follows(1) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead < 0xF5) {
    const bool valid = !(lead == 0xF0 && byte(1) < 0x90) && !(lead == 0xF4 && byte(1) > 0x8F);
    return valid && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

// A terminal obeys these: C0, DEL, and C1 as UTF-8 has them.
bool is_control(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  return lead < ' ' || lead == 0x7F || (lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0);
}

void append_escaped(std::string_view bytes, std::string& out) {
  for (const char byte : bytes) {
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\r') {
      out += "\\r";
    } else if (byte == '\t') {
      out += "\\t";
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(byte)));
    }
  }
}

// The word's two ends, cut between characters.
std::string shortened(std::string_view word, std::size_t longest) {
  if (word.size() <= longest) return std::string(word);
  const auto inside = [word](std::size_t at) { return (static_cast<unsigned char>(word[at]) & 0xC0U) == 0x80U; };
  std::size_t head = longest * 3 / 4;
  std::size_t tail = word.size() - longest / 4;
  while (head > 0 && inside(head)) --head;
  while (tail < word.size() && inside(tail)) ++tail;
  return fmt::format("{}...{}", word.substr(0, head), word.substr(tail));
}

// Settings of their own, which order nothing: relaxed.
std::atomic<Colours> chosen_colours{Colours::on_terminals};
std::atomic<Verbosity> chosen_verbosity{Verbosity::normal};
std::atomic<bool> is_line_open{false};  // of say_live()

std::string_view value_of(const char* variable) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

bool has_colours(int descriptor) {
  const Colours chosen = chosen_colours.load(std::memory_order_relaxed);
  if (chosen != Colours::on_terminals) return chosen == Colours::always;
  return ::isatty(descriptor) == 1 && is_capable_terminal() && value_of("NO_COLOR").empty();
}

}  // namespace

std::size_t line_columns() { return ::isatty(STDOUT_FILENO) == 1 ? text_columns() : std::numeric_limits<std::size_t>::max(); }

bool is_capable_terminal() { return !value_of("TERM").empty() && value_of("TERM") != "dumb"; }

void choose_colours(Colours when) noexcept { chosen_colours.store(when, std::memory_order_relaxed); }

bool stdout_has_colours() { return has_colours(STDOUT_FILENO); }

bool stderr_has_colours() { return has_colours(STDERR_FILENO); }

Look text_look() { return {.columns = text_columns(), .colour = stdout_has_colours()}; }

std::size_t stdout_columns() {
  struct winsize window {};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : kPageColumns;
}

std::size_t text_columns() {
  constexpr std::size_t kNarrowest = 60;
  constexpr std::size_t kWidest = 120;
  return std::clamp(stdout_columns(), kNarrowest, kWidest);
}

void choose_verbosity(Verbosity verbosity) noexcept { chosen_verbosity.store(verbosity, std::memory_order_relaxed); }

Verbosity verbosity() noexcept { return chosen_verbosity.load(std::memory_order_relaxed); }

void say(std::string_view text) noexcept {
  if (text.empty()) return;
  if (is_line_open.exchange(false, std::memory_order_relaxed)) std::fwrite(kClearLine.data(), 1, kClearLine.size(), stderr);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void tell(std::string_view text) noexcept {
  if (verbosity() != Verbosity::quiet) say(text);
}

void detail(std::string_view text) noexcept {
  if (verbosity() == Verbosity::verbose) say(text);
}

void say_live(std::string_view bytes) noexcept {
  std::fwrite(bytes.data(), 1, bytes.size(), stderr);
  std::fflush(stderr);
  is_line_open.store(!bytes.ends_with('\n') && !bytes.ends_with(kClearLine), std::memory_order_relaxed);
}

void write_stdout(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  const std::string why = std::generic_category().message(errno);
  throw EnvironmentError(fmt::format("cannot write to standard output: {}", why));
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t longest_word) {
  std::string escaped;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    const std::string_view character = rest.substr(0, length == 0 ? 1 : length);
    if (length == 0 || is_control(character)) {
      append_escaped(character, escaped);
    } else {
      escaped += character;
    }
    rest.remove_prefix(character.size());
  }
  std::string line;
  for (std::size_t at = 0; at < escaped.size();) {
    const std::size_t blank = std::min(escaped.find(' ', at), escaped.size());
    line += shortened(std::string_view(escaped).substr(at, blank - at), longest_word);
    if (blank < escaped.size()) line += ' ';
    at = blank + 1;
  }
  return line;
}

}  // namespace harness
