#include "workloads/catalogue.h"

#include <vector>

namespace workloads {

std::span<const Workload* const> catalogue() {
  // The order is part of what Work::kind means: append only.
  static const std::vector<const Workload*> kCatalogue = [] {
    std::vector<const Workload*> all{
        &sleep_workload(),     &spin_workload(),       &sort_workload(),
        &hash_workload(),      &file_io_workload(),    &tcp_echo_workload(),
        &http_page_workload(), &parse_json_workload(), &parse_html_links_workload(),
        &gil_spin_workload(),
    };
    const auto mixed = mixed_workloads();
    all.insert(all.end(), mixed.begin(), mixed.end());
    all.insert(all.end(), {&command_workload(), &function_workload(), &blocking_sleep_workload(), &python_workload(),
                           &python_callback_workload()});
    all.push_back(&payload_workload());
    all.push_back(&command_callback_workload());
    all.push_back(&function_callback_workload());
    return all;
  }();
  return kCatalogue;
}

const Workload* find_workload(std::string_view name) {
  for (const Workload* workload : catalogue()) {
    if (workload->name() == name) return workload;
  }
  for (const auto find : {find_python_workload, find_command_workload, find_function_workload}) {
    if (const Workload* const own = find(name)) return own;
  }
  return find_mixed_workload(name);
}

bool needs_subject(std::string_view name) {
  const Workload* const workload = find_workload(name);
  return workload != nullptr && workload->needs().subject;
}

}  // namespace workloads
