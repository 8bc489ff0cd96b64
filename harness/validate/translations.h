#pragma once

// The tutorial whose claims are on trial, and its words in English.
//
// Thread safety: constant data, pure functions.

#include <string_view>

namespace harness {

// What it is called, in both languages.
inline constexpr std::string_view kTutorial = "线程池与进程池 (Thread pools and process pools)";

// Of words that a claim cites, as literally as English allows; empty for others.
std::string_view in_english(std::string_view chinese);

}  // namespace harness
