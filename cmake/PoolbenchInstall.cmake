# What `cmake --install` puts where:
#
#   component pools     lib/libpoolbench_pools*.a, include/poolbench/pools/..., lib/cmake/poolbench: a consumer writes
#                       find_package(poolbench), links poolbench::pools and includes <pools/thread_pool.h>; or, without Boost and cereal,
#                       find_package(poolbench COMPONENTS pools-thread) and links poolbench::pools-thread; for a RemotePool, where ZeroMQ was
#                       there when poolbench was built, COMPONENTS pools-remote and poolbench::pools-remote. The contract is in
#                       share/doc/poolbench/pools
#                       Makefiles: pkg-config --cflags --libs poolbench-pools (or -pools-thread, -pools-remote)
#   component program   bin/poolbench, its manual and what completes its command line in bash, zsh and fish, share/poolbench/scripts (what draws and reports, and the driver of CPython), share/doc/poolbench with the other documents
include(CMakePackageConfigHelpers)

# Installs documents where they stand in the tree, below share/doc/poolbench. What is not installed there (sources, pictures) is no
# link any more, but its words.
set(poolbench_guide pools/README.md docs/cluster.md docs/faults.md)
file(GLOB pages RELATIVE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/docs/*.md")
set(poolbench_documents README.md CHANGELOG.md DESIGN.md CONTRIBUTING.md ${pages})
list(REMOVE_ITEM poolbench_documents ${poolbench_guide})
function(poolbench_install_documents component there)
  foreach(document IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${document}")
    cmake_path(GET document PARENT_PATH folder)
    file(READ "${PROJECT_SOURCE_DIR}/${document}" text)
    string(REGEX MATCHALL "!?\\[[^][]*\\]\\([^() ]+\\)" links "${text}")
    foreach(link IN LISTS links)
      string(REGEX REPLACE "^!?\\[([^][]*)\\]\\(.*" "\\1" words "${link}")
      string(REGEX REPLACE "^.*\\]\\(([^#]*).*\\)$" "\\1" target "${link}")
      cmake_path(APPEND folder "${target}" OUTPUT_VARIABLE target_path)
      cmake_path(NORMAL_PATH target_path)
      if(link MATCHES "^!")
        string(REPLACE "\n\n${link}" "" text "${text}")
      elseif(NOT target STREQUAL "" AND NOT target MATCHES "^[a-z]+:" AND NOT target_path IN_LIST there)
        string(REPLACE "${link}" "${words}" text "${text}")
      endif()
    endforeach()
    file(WRITE "${PROJECT_BINARY_DIR}/documents/${document}" "${text}")
    install(FILES "${PROJECT_BINARY_DIR}/documents/${document}" DESTINATION "${CMAKE_INSTALL_DOCDIR}/${folder}" COMPONENT ${component})
  endforeach()
endfunction()

set(poolbench_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/poolbench")

# One export per library: who wants one need not have what the other one needs.
set(libraries pools-thread pools)
if(TARGET poolbench_pools-remote)
  list(APPEND libraries pools-remote)
endif()
foreach(library IN LISTS libraries)
  install(TARGETS poolbench_${library} EXPORT poolbench-${library}-targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT pools
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT pools)
  install(EXPORT poolbench-${library}-targets NAMESPACE poolbench:: DESTINATION "${poolbench_config_dir}" COMPONENT pools)
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/pools/include/pools" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/poolbench" COMPONENT pools)
# The contract. It is installed without the rest, too.
poolbench_install_documents(pools "${poolbench_guide}" ${poolbench_guide})

# For those who build without CMake. Wherever the tree was moved to: paths are relative to the file.
set(poolbench_pc_pools-thread_libraries "-pthread")
set(poolbench_pc_pools_libraries "-lboost_filesystem")
set(poolbench_pc_pools_requires "poolbench-pools-thread")
set(poolbench_pc_pools-remote_libraries "")   # which loads libzmq.so.5 when it needs it
set(poolbench_pc_pools-remote_requires "poolbench-pools")
set(poolbench_pc_pools-thread_summary "a thread pool with the API of Python's concurrent.futures")
set(poolbench_pc_pools_summary "a thread pool and a supervised process pool with the API of Python's concurrent.futures")
set(poolbench_pc_pools-remote_summary "a pool over several hosts with the API of Python's concurrent.futures")
file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
foreach(library IN LISTS libraries)
  set(pc_name "poolbench-${library}")
  set(pc_library "poolbench_${library}")
  set(pc_summary "${poolbench_pc_${library}_summary}")
  set(pc_requires "${poolbench_pc_${library}_requires}")
  set(pc_libraries "${poolbench_pc_${library}_libraries}")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/poolbench.pc.in" "${PROJECT_BINARY_DIR}/pkgconfig/${pc_name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/pkgconfig/${pc_name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT pools)
endforeach()

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
  if(poolbench_contender_modules)
    install(TARGETS ${poolbench_contender_modules} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/poolbench" COMPONENT program)
  endif()
  install(PROGRAMS "${PROJECT_SOURCE_DIR}/scripts/plot.py" "${PROJECT_SOURCE_DIR}/scripts/python"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/poolbench/scripts" COMPONENT program)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/scripts/poolbench" "${PROJECT_SOURCE_DIR}/scripts/drivers"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/poolbench/scripts"
    COMPONENT program PATTERN "__pycache__" EXCLUDE)
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT program)
  poolbench_install_documents(program "${poolbench_guide};${poolbench_documents};LICENSE" ${poolbench_documents})

  # The program itself knows its commands and flags.
  set(generated "${PROJECT_BINARY_DIR}/generated")
  add_custom_command(OUTPUT "${generated}/stamp"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${generated}"
    COMMAND poolbench manual --output "${generated}/man"
    COMMAND poolbench completions bash > "${generated}/poolbench"
    COMMAND poolbench completions zsh > "${generated}/_poolbench"
    COMMAND poolbench completions fish > "${generated}/poolbench.fish"
    COMMAND "${CMAKE_COMMAND}" -E touch "${generated}/stamp"
    DEPENDS poolbench
    COMMENT "Writing the manual and the completions")
  add_custom_target(poolbench_generated ALL DEPENDS "${generated}/stamp")
  foreach(section 1 5)
    install(DIRECTORY "${generated}/man/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT program
      FILES_MATCHING PATTERN "*.${section}")
  endforeach()
  install(FILES "${generated}/poolbench" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT program)
  install(FILES "${generated}/_poolbench" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions" COMPONENT program)
  install(FILES "${generated}/poolbench.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" COMPONENT program)
  include(PoolbenchPackages)
endif()
