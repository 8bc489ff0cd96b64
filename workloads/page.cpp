#include "workloads/page.h"

#include <array>
#include <cassert>
#include <string_view>

#include "workloads/digest.h"

namespace workloads {
namespace {

constexpr std::array<std::string_view, 32> kWords{"future", "worker",  "thread",  "process", "result", "callback", "queue",
                                                  "signal", "kernel",  "memory",  "socket",  "buffer", "stream",   "parser",
                                                  "packet", "channel", "monitor", "barrier", "cache",  "clock",    "core",
                                                  "event",  "fiber",   "handle",  "latch",   "lock",   "page",     "pipe",
                                                  "pool",   "task",    "timer",   "token"};

std::string_view word(SplitMix64& random) { return kWords[random.below(kWords.size())]; }

void append_words(std::string& text, SplitMix64& random, std::uint64_t count) {
  for (std::uint64_t index = 0; index < count; ++index) {
    if (index > 0) text += ' ';
    text += word(random);
  }
}

std::string hexadecimal(std::uint64_t number) {
  std::string digits(16, '0');
  for (std::size_t place = digits.size(); place-- > 0; number >>= 4) digits[place] = "0123456789abcdef"[number & 15];
  return digits;
}

// A document is head, items, foot; what the last item leaves of the size is filled inside the foot.
struct Frame {
  std::string head;
  std::string before_filling;
  std::string_view after_filling;
};

template <class Item>
std::string document(std::int64_t bytes, const Frame& frame, std::string_view separator, Item item) {
  assert(kSmallestPage <= bytes && bytes <= kLargestPage);
  const std::size_t size = static_cast<std::size_t>(bytes) - frame.before_filling.size() - frame.after_filling.size();
  std::string text;
  text.reserve(static_cast<std::size_t>(bytes));
  text = frame.head;
  for (std::size_t index = 0;; ++index) {
    const std::size_t before = text.size();
    if (index > 0) text += separator;
    item(text, index);
    if (text.size() > size) {
      text.resize(before);
      break;
    }
  }
  const std::size_t filling = size - text.size();
  text += frame.before_filling;
  text.append(filling, '.');
  text += frame.after_filling;
  return text;
}

}  // namespace

std::string html_page(std::uint64_t seed, std::int64_t bytes) {
  SplitMix64 random(combine(seed, "html"));
  const std::string name = hexadecimal(seed);
  const Frame frame{"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Page " + name +
                        "</title></head>\n<body><h1>Page " + name + "</h1>\n<ul>\n",
                    "</ul>\n<p>", "</p></body></html>\n"};
  return document(bytes, frame, "", [&](std::string& text, std::size_t index) {
    text += "<li class=\"item\"><a href=\"/";
    text += word(random);
    text += '/';
    text += hexadecimal(random());
    text += ".html?n=";
    text += std::to_string(index);
    text += "\">";
    append_words(text, random, 2 + random.below(3));
    text += "</a> <em>";
    append_words(text, random, 1 + random.below(3));
    text += "</em></li>\n";
  });
}

std::string json_document(std::uint64_t seed, std::int64_t bytes) {
  SplitMix64 random(combine(seed, "json"));
  const Frame frame{"{\"page\": \"" + hexadecimal(seed) + "\",\n \"items\": [\n", "\n ],\n \"filling\": \"", "\"}\n"};
  return document(bytes, frame, ",\n", [&](std::string& text, std::size_t index) {
    text += "  {\"id\": ";
    text += std::to_string(index);
    text += ", \"key\": \"";
    text += hexadecimal(random());
    text += "\", \"title\": \"";
    append_words(text, random, 2 + random.below(3));
    text += "\", \"score\": ";
    // Thousandths: written the same everywhere, read as a number with a fraction.
    const std::string thousandths = std::to_string(1000 + random.below(1000));
    text += std::to_string(random.below(100)) + "." + thousandths.substr(1);
    text += ", \"open\": ";
    text += random.below(2) == 0 ? "true" : "false";
    text += ", \"tags\": [\"";
    text += word(random);
    text += "\", \"";
    text += word(random);
    text += "\"]}";
  });
}

}  // namespace workloads
