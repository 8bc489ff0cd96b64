# Checks one Promela model exhaustively, or shows that the check finds what is wrong with a mutant of it.
#
#   cmake -DSPIN=spin -DCC=gcc -DMODEL=file.pml -DDEFINES="-DA;-DB=2" -DEXPECT=holds|fails -DSCRATCH=dir -P run_model.cmake
#
# holds: every state was visited and no assertion, end state or loop of unfinished business was wrong. fails: spin has found an error in
# the model itself; that it could not be built, or that the search was cut short, is a failure here, too.
foreach(needed SPIN CC MODEL EXPECT SCRATCH)
  if(NOT DEFINED ${needed})
    message(FATAL_ERROR "run_model.cmake needs -D${needed}=...")
  endif()
endforeach()
if(NOT DEFINED OPTIMISE)
  set(OPTIMISE -O1)   # of a long search -O3, which takes longer to compile
endif()
separate_arguments(defines UNIX_COMMAND "${DEFINES}")

# A search need not be done again while model and question are the same: SEARCHED has a line for each that was done, "HASH STATES". What has
# changed is searched anew. POOLBENCH_SEARCH_MODELS=1 searches all; the line that a search adds to SEARCHED is printed.
if(DEFINED SEARCHED)
  file(READ "${MODEL}" text)
  string(SHA256 question "${text};${DEFINES};${EXPECT}")
  file(STRINGS "${SEARCHED}" done REGEX "^${question} ")
  if(done AND NOT "$ENV{POOLBENCH_SEARCH_MODELS}")
    message(STATUS "searched before, and neither model nor question has changed since: ${done}")
    return()
  endif()
endif()

file(REMOVE_RECURSE "${SCRATCH}")
file(MAKE_DIRECTORY "${SCRATCH}")
get_filename_component(name "${MODEL}" NAME)
configure_file("${MODEL}" "${SCRATCH}/${name}" COPYONLY)

function(run what)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY "${SCRATCH}" RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${what} failed (${code}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run("spin" ${SPIN} ${defines} -a ${name})
run("the compiler" ${CC} ${OPTIMISE} -w -DSAFETY -DCOLLAPSE -DVECTORSZ=4096 -DMEMLIM=2048 -o pan pan.c)
run("pan" ./pan -m1000000 -w22 -n)

string(REGEX MATCH "errors: ([0-9]+)" ignored "${output}")
set(errors "${CMAKE_MATCH_1}")
string(REGEX MATCH "[0-9.e+]+ states, stored" states "${output}")
if(output MATCHES "max search depth too small|out of memory|Search not completed.*errors: 0")
  message(FATAL_ERROR "the search was cut short:\n${output}")
endif()
if(EXPECT STREQUAL "holds")
  if(NOT errors STREQUAL "0")
    execute_process(COMMAND ${SPIN} ${defines} -p -t ${name} WORKING_DIRECTORY "${SCRATCH}" OUTPUT_VARIABLE trail ERROR_VARIABLE trail)
    message(FATAL_ERROR "the model does not hold:\n${output}\n${trail}")
  endif()
  message(STATUS "holds: ${states}")
elseif(EXPECT STREQUAL "fails")
  if(NOT output MATCHES "assertion violated|invalid end state" OR errors STREQUAL "0")
    message(FATAL_ERROR "the mutant passed, so the check sees nothing:\n${output}")
  endif()
  message(STATUS "found wrong, as it is: ${states}")
else()
  message(FATAL_ERROR "EXPECT is 'holds' or 'fails'")
endif()
if(DEFINED SEARCHED)
  message(STATUS "for ${SEARCHED}: ${question} ${EXPECT}, ${states}")
endif()
file(REMOVE_RECURSE "${SCRATCH}")
