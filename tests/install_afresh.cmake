# Installs the build directory BUILD_DIR into an empty PREFIX and empties CONSUMER_BUILDS (separated by commas): a header that is installed
# no more must not be found where an earlier run left it.
string(REPLACE "," ";" consumer_builds "${CONSUMER_BUILDS}")
file(REMOVE_RECURSE "${PREFIX}" ${consumer_builds})
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${PREFIX}" RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "cmake --install ${BUILD_DIR} failed")
endif()
