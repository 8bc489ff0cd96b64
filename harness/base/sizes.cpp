// parse_sizes: a recursive-descent parser of lists of expressions and ranges.

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_set>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"

namespace harness {
namespace {

constexpr std::string_view kForms =
    "1, cores, cores*5, (cores+1)/2, 1..8, 1..(cores*5), 4..64*2 (4, 8, ... up to 64), or a list of them";

class SizeParser {
 public:
  SizeParser(std::string_view text, int cores) : text_(text), cores_(cores) {}

  std::vector<Size> list() {
    std::vector<Size> sizes;
    do {
      item(sizes);
    } while (accept(","));
    skip_blanks();
    if (at_ != text_.size()) fail(fmt::format("'{}' is not understood", text_.substr(at_)));
    return sizes;
  }

 private:
  void item(std::vector<Size>& sizes) {
    skip_blanks();
    const std::size_t from = at_;
    const std::int64_t low = expression();
    const std::string low_spec = without_blanks(from, at_);
    if (!accept("..")) {
      add(sizes, low_spec, low);
      return;
    }
    const std::size_t bound_from = at_;
    const std::optional<std::int64_t> stepped = stepped_bound();
    products_ = 0;
    const std::int64_t high = stepped ? *stepped : expression();
    if (products_ > 0) ambiguous(low_spec, bound_from);
    std::int64_t factor = 1;
    if (stepped) {
      accept("*");
      factor = number();
      if (factor < 2) fail(fmt::format("a range grows by a factor of at least 2, not {}", factor));
    }
    check_size(low);
    check_size(high);
    if (low > high) fail(fmt::format("the range {}..{} is empty", low, high));
    if (high - low >= kMostSizes && !stepped) fail(fmt::format("more than {} sizes", kMostSizes));
    for (std::int64_t value = low;;) {
      add(sizes, fmt::format("{}", value), value);
      if (stepped ? value > high / factor : value == high) return;
      value = stepped ? value * factor : value + 1;
    }
  }

  // The bound of "a..b*f": an integer or a parenthesised expression, then '*' and an integer that ends the item. Leaves
  // the position at the '*'; nullopt and the position unchanged where this is not what follows.
  std::optional<std::int64_t> stepped_bound() {
    const std::size_t from = at_;
    skip_blanks();
    if (at_ < text_.size() && (text_[at_] == '(' || is_digit(text_[at_]))) {
      const std::int64_t bound = factor();
      skip_blanks();
      const std::size_t star = at_;
      if (accept("*")) {
        skip_blanks();
        if (at_ < text_.size() && is_digit(text_[at_])) {
          number();
          skip_blanks();
          if (at_ == text_.size() || text_[at_] == ',') {
            at_ = star;
            return bound;
          }
        }
      }
    }
    at_ = from;
    return std::nullopt;
  }

  std::int64_t expression() {
    std::int64_t value = term();
    while (true) {
      if (accept("+")) {
        if (__builtin_add_overflow(value, term(), &value)) overflow();
      } else if (accept("-")) {
        if (__builtin_sub_overflow(value, term(), &value)) overflow();
      } else {
        return value;
      }
    }
  }

  std::int64_t term() {
    std::int64_t value = factor();
    while (true) {
      if (accept("*")) {
        if (depth_ == 0) ++products_;
        if (__builtin_mul_overflow(value, factor(), &value)) overflow();
      } else if (accept("/")) {
        const std::int64_t divisor = factor();
        if (divisor == 0) fail("division by zero");
        if (divisor == -1 && value == std::numeric_limits<std::int64_t>::min()) overflow();
        value /= divisor;
      } else {
        return value;
      }
    }
  }

  std::int64_t factor() {
    if (accept("(")) {
      if (++depth_ > kMostDepth) fail("too many parentheses");
      const std::int64_t value = expression();
      if (!accept(")")) fail("a ')' is missing");
      --depth_;
      return value;
    }
    if (accept("cores")) {
      if (at_ < text_.size() && (is_digit(text_[at_]) || is_letter(text_[at_]))) {
        fail(fmt::format("'{}' is not a number and not 'cores'", word_at(at_ - 5)));
      }
      return cores_;
    }
    return number();
  }

  std::int64_t number() {
    skip_blanks();
    if (at_ == text_.size()) fail(text_.empty() ? "it is empty" : "a number or 'cores' is missing at its end");
    if (text_[at_] == '-') fail("it is negative");
    if (!is_digit(text_[at_])) fail(fmt::format("'{}' is not a number and not 'cores'", word_at(at_)));
    std::int64_t value = 0;
    for (; at_ < text_.size() && is_digit(text_[at_]); ++at_) {
      if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
          __builtin_add_overflow(value, std::int64_t{text_[at_] - '0'}, &value)) {
        overflow();
      }
    }
    return value;
  }

  void add(std::vector<Size>& sizes, std::string spec, std::int64_t value) {
    check_size(value);
    if (there_.insert(value).second) sizes.push_back({std::move(spec), static_cast<int>(value)});
  }

  void check_size(std::int64_t value) const {
    if (value < 1) fail(fmt::format("it comes to {} and must be at least 1", value));
    if (value > std::numeric_limits<int>::max()) overflow();
  }

  // Takes `token` after blanks; ".." is not two decimal points because numbers are whole.
  bool accept(std::string_view token) {
    skip_blanks();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  std::string without_blanks(std::size_t from, std::size_t to) const {
    std::string spec;
    for (const char c : text_.substr(from, to - from)) {
      if (c != ' ') spec += c;
    }
    return spec;
  }

  std::string_view word_at(std::size_t from) const {
    std::size_t to = from;
    while (to < text_.size() && (is_digit(text_[to]) || is_letter(text_[to]))) ++to;
    return text_.substr(from, to == from ? 1 : to - from);
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

  // A * in a range's bound, outside parentheses, that is not "times f": both readings, as they are to be written.
  [[noreturn]] void ambiguous(const std::string& low, std::size_t bound_from) const {
    const std::string bound = without_blanks(bound_from, at_);
    const std::size_t star = bound.rfind('*');
    const std::string factor = bound.substr(star + 1);
    const bool factor_ends_it = !factor.empty() && std::all_of(factor.begin(), factor.end(), is_digit);
    const std::string every = fmt::format("{}..({}) for every size up to {}", low, bound, bound);
    fail(factor_ends_it
             ? fmt::format("the * after .. can be read in two ways; write {}, or {}..({})*{} for growing by a factor of {}",
                           every, low, bound.substr(0, star), factor, factor)
             : fmt::format("a * after .. stands in parentheses: write {}", every));
  }

  [[noreturn]] void overflow() const { fail("it is more than 2^31-1"); }

  [[noreturn]] void fail(std::string_view why) const {
    throw ConfigError(fmt::format("bad size '{}': {}; allowed: {}", text_, why, kForms));
  }

  static constexpr std::int64_t kMostSizes = 10'000;
  static constexpr int kMostDepth = 100;

  std::string_view text_;
  int cores_;
  std::size_t at_ = 0;
  int depth_ = 0;                           // parentheses that are open
  int products_ = 0;                        // * outside parentheses since it was set to 0
  std::unordered_set<std::int64_t> there_;  // the values of the list
};

}  // namespace

std::vector<Size> parse_sizes(std::string_view text, int cores) { return SizeParser(text, cores).list(); }

}  // namespace harness
