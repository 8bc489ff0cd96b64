# What `cmake --install` puts where:
#
#   component pools     lib/libpoolbench_pools.a, include/poolbench/pools/..., lib/cmake/poolbench: a consumer writes
#                       find_package(poolbench), links poolbench::pools and includes <pools/thread_pool.h>; the contract
#                       in share/doc/poolbench/pools.md
#   component program   bin/poolbench, share/poolbench/scripts (the plots), share/doc/poolbench
include(CMakePackageConfigHelpers)

set(poolbench_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/poolbench")

install(TARGETS poolbench_pools EXPORT poolbench-targets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT pools)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/pools" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/poolbench" COMPONENT pools
  FILES_MATCHING PATTERN "*.h"
  PATTERN "tests" EXCLUDE
  PATTERN "faults" EXCLUDE
  PATTERN "verification" EXCLUDE
  PATTERN "benchmarks" EXCLUDE)
# The contract.
install(FILES "${PROJECT_SOURCE_DIR}/pools/README.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}" RENAME pools.md COMPONENT pools)
install(EXPORT poolbench-targets NAMESPACE poolbench:: DESTINATION "${poolbench_config_dir}" COMPONENT pools)

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/poolbench-config.cmake.in"
  "${PROJECT_BINARY_DIR}/poolbench-config.cmake"
  INSTALL_DESTINATION "${poolbench_config_dir}")
# Before 1.0 every minor version may break.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/poolbench-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/poolbench-config.cmake"
  "${PROJECT_BINARY_DIR}/poolbench-config-version.cmake"
  DESTINATION "${poolbench_config_dir}" COMPONENT pools)

if(TARGET poolbench)
  install(TARGETS poolbench RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
  install(PROGRAMS "${PROJECT_SOURCE_DIR}/scripts/plot.py" "${PROJECT_SOURCE_DIR}/scripts/python"
    "${PROJECT_SOURCE_DIR}/scripts/cpython_driver.py"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/poolbench/scripts" COMPONENT program)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/scripts/plots" DESTINATION "${CMAKE_INSTALL_DATADIR}/poolbench/scripts"
    COMPONENT program FILES_MATCHING PATTERN "*.py")
  install(FILES "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT program)
  # The data dictionary goes with whatever may write such files.
  install(FILES "${PROJECT_SOURCE_DIR}/results/README.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}" RENAME data_dictionary.md
    COMPONENT program)
endif()
