#include "harness/base/look.h"

#include <fmt/color.h>

namespace harness {
namespace {

// Of the terminal's own sixteen colours, which its user has chosen to be readable.
fmt::text_style style_of(Paint paint) {
  switch (paint) {
    case Paint::strong:
      return fmt::emphasis::bold;
    case Paint::good:
      return fmt::emphasis::bold | fmt::fg(fmt::terminal_color::green);
    case Paint::bad:
      return fmt::emphasis::bold | fmt::fg(fmt::terminal_color::red);
    case Paint::doubtful:
      return fmt::fg(fmt::terminal_color::yellow);
    case Paint::faint:
      break;
  }
  return fmt::emphasis::faint;
}

}  // namespace

std::string painted(std::string_view text, Paint paint, const Look& look) {
  if (!look.colour || text.empty()) return std::string(text);
  return fmt::format(style_of(paint), "{}", text);
}

}  // namespace harness
