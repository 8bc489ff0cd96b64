#include "contenders/module.h"

#include <dlfcn.h>

#include <stdexcept>
#include <string>
#include <system_error>

namespace contenders {
namespace {

using std::filesystem::path;

path place_of(std::string_view library) {
  std::error_code error;
  const path program = std::filesystem::read_symlink("/proc/self/exe", error);
  path installed = program.parent_path().parent_path() / POOLBENCH_LIBDIR / "poolbench" / library;
  if (!program.empty() && std::filesystem::is_regular_file(installed, error)) return installed;
  return path(POOLBENCH_MODULES_DIRECTORY) / library;
}

}  // namespace

void* find_entry(std::string_view library, const char* function) {
  void* const loaded = ::dlopen(place_of(library).c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const found = loaded == nullptr ? nullptr : ::dlsym(loaded, function);
  if (found == nullptr) throw std::runtime_error(std::string("cannot load an executor: ") + ::dlerror());
  return found;
}

}  // namespace contenders
