# poolbench_test(NAME SOURCES... [LINK libs...] [LABELS labels...] [TIMEOUT seconds] [MAIN main.cpp])
#
# A GoogleTest program NAME whose tests CTest knows one by one. Every test has a timeout: a hang is a failure. The
# program's main() (MAIN, by default tests/main.cpp) calls pools::init first, so that its process pools can re-execute
# it.
include(GoogleTest)

# The Python of the tests is the one that scripts/python finds. It is asked once: to see whether an interpreter has what it looks for, it
# imports that, which takes half a second. Where there is none, tests fail with its message.
execute_process(COMMAND "${PROJECT_SOURCE_DIR}/scripts/python" -c "import sys; print(sys.executable)"
  OUTPUT_VARIABLE poolbench_python OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
# What tests start as python3 is the same one: a shim on the PATH takes a third of a second each time.
set(poolbench_python_first "")
if(poolbench_python)
  cmake_path(GET poolbench_python PARENT_PATH poolbench_python_directory)
  set(poolbench_python_first ENVIRONMENT_MODIFICATION "PATH=path_list_prepend:${poolbench_python_directory}")
else()
  set(poolbench_python "${PROJECT_SOURCE_DIR}/scripts/python")
endif()

# poolbench_test_code(TARGET) - in a release it is not optimised: what is tested is optimised as it ships; the tests need not be.
function(poolbench_test_code target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O0>)
endfunction()

function(poolbench_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;MAIN" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(NOT ARG_MAIN)
    set(ARG_MAIN "${PROJECT_SOURCE_DIR}/tests/main.cpp")
  endif()
  add_executable(${name} ${ARG_SOURCES} ${ARG_MAIN})
  target_link_libraries(${name} PRIVATE poolbench_options ${ARG_LINK} poolbench::pools GTest::gtest GTest::gmock)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  poolbench_unity(${name} TOGETHER 12)
  poolbench_test_code(${name})
  gtest_discover_tests(${name}
    DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES
    DISCOVERY_TIMEOUT 30
    PROPERTIES TIMEOUT ${ARG_TIMEOUT} ${poolbench_python_first})
  # gtest_discover_tests takes a list of labels apart: the second would be a property's name.
  set(labels "${CMAKE_CURRENT_BINARY_DIR}/${name}_labels.cmake")
  file(CONFIGURE OUTPUT "${labels}" @ONLY CONTENT "if(@name@_TESTS)\n  set_tests_properties(\${@name@_TESTS} PROPERTIES LABELS \"@ARG_LABELS@\")\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${labels}")
endfunction()

# poolbench_example(NAME page.md EXPECT regex)
#
# A program NAME of what stands between the first ```cpp of the page and the next ```, and a test that runs it and looks for `regex` in
# what it prints.
function(poolbench_example name page)
  cmake_parse_arguments(ARG "" "EXPECT" "" ${ARGN})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${page}")
  file(READ "${page}" text)
  string(FIND "${text}" "```cpp\n" begin)
  math(EXPR begin "${begin} + 7")
  string(SUBSTRING "${text}" ${begin} -1 example)
  string(FIND "${example}" "```" length)
  string(SUBSTRING "${example}" 0 ${length} example)
  file(CONFIGURE OUTPUT ${name}.cpp CONTENT "${example}" @ONLY)
  add_executable(${name} "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
  target_link_libraries(${name} PRIVATE poolbench_options poolbench::pools)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 60 PASS_REGULAR_EXPRESSION "${ARG_EXPECT}")
endfunction()
