# cmake -DOUTPUT=<file.cpp> -P embed.cmake -- <suite.toml>... : the suites as string literals, in the order given.
set(entries "")
set(seen_separator FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE ${last})
  set(argument "${CMAKE_ARGV${index}}")
  if(argument STREQUAL "--")
    set(seen_separator TRUE)
  elseif(seen_separator)
    get_filename_component(name "${argument}" NAME_WE)
    file(READ "${argument}" text)
    if(text MATCHES "\\)poolbench_suite\"")
      message(FATAL_ERROR "${argument} contains the delimiter of its own literal")
    endif()
    string(APPEND entries "    {\"${name}\", R\"poolbench_suite(${text})poolbench_suite\"},\n")
  endif()
endforeach()
file(WRITE "${OUTPUT}" "// Generated from harness/suites/*.toml.
#include \"harness/plan/suite.h\"

namespace harness {
namespace {
constexpr BuiltinSuite kSuites[] = {
${entries}};
}  // namespace

std::span<const BuiltinSuite> builtin_suites() { return kSuites; }

}  // namespace harness
")
