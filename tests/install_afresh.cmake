# Installs the build directory BUILD_DIR into an empty PREFIX and empties CONSUMER_BUILD: a header that is installed no more
# must not be found where an earlier run left it.
file(REMOVE_RECURSE "${PREFIX}" "${CONSUMER_BUILD}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${PREFIX}" RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "cmake --install ${BUILD_DIR} failed")
endif()
