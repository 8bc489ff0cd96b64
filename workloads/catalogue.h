#pragma once

// One function per workload file, for catalogue.cpp. Each returns an immutable object that lives as long as the
// program.

#include <span>
#include <string_view>

#include "workloads/work.h"

namespace workloads {

const Workload& sleep_workload();
const Workload& spin_workload();
const Workload& sort_workload();
const Workload& hash_workload();
const Workload& file_io_workload();
const Workload& tcp_echo_workload();
const Workload& http_page_workload();
const Workload& parse_json_workload();
const Workload& parse_html_links_workload();
const Workload& gil_spin_workload();
const Workload& command_workload();
const Workload& command_callback_workload();
const Workload& function_workload();
const Workload& function_callback_workload();
const Workload& blocking_sleep_workload();
const Workload& python_workload();
const Workload& python_callback_workload();
const Workload& payload_workload();

// `mixed` and those of its variants `mixed:R` and `mixed:R~J` that are listed, R the ratio of waiting to computing, J the jitter.
std::span<const Workload* const> mixed_workloads();
// The variant that the name means, however its numbers are written (mixed:4, mixed:16.0~0.50), listed or not: R is 0 to 1,000,000, J 0 to 1.
// nullptr for other numbers and for what is no such name. Thread safety: any thread.
const Workload* find_mixed_workload(std::string_view name);

// The one of what "python:MODULE:FUNCTION", "command:./convert {}" or "function:./libx.so" names; nullptr for what is no such name. Whether
// there is such a thing is not asked. Any thread.
const Workload* find_python_workload(std::string_view name);
const Workload* find_command_workload(std::string_view name);
const Workload* find_function_workload(std::string_view name);

}  // namespace workloads
