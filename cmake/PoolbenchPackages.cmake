# Debian packages: `cpack --config build/release/CPackConfig.cmake` makes poolbench (the program) and libpoolbench-dev (the library).
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME poolbench)
set(CPACK_PACKAGE_CONTACT "The poolbench authors <poolbench@users.noreply.github.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "thread pools and process pools: which, and with how many workers")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_COMPONENTS_ALL program pools)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME poolbench)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "python3")
if(TARGET poolbench_pools-remote)   # which loads it: nobody else can know
  string(APPEND CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS ", libzmq5")
endif()
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "python3-matplotlib, python3-pandas, python3-numpy")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "The program: it measures on your own machine and for your own work which executor
to use (thread pool, process pool, event loop), how many workers it should have
and who should run the callbacks, and holds the result against an exact model.
It sweeps executors, pool sizes, workloads and callback strategies into CSV
files, draws them, and recommends.")

set(CPACK_DEBIAN_POOLS_PACKAGE_NAME libpoolbench-dev)
set(CPACK_DEBIAN_POOLS_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_POOLS_PACKAGE_DEPENDS "libboost-filesystem-dev (>= 1.74), libcereal-dev")
if(TARGET poolbench_pools-remote)
  set(CPACK_DEBIAN_POOLS_PACKAGE_SUGGESTS "libzmq5")
endif()
set(CPACK_COMPONENT_POOLS_DESCRIPTION "The library: two executors for C++20 with the API of Python's concurrent.futures,
a thread pool and a process pool whose workers are supervised, restarted and
leave nothing behind. Static libraries, headers, and what find_package and
pkg-config read.")

# What Debian wants beside what `cmake --install` installs: a copyright file and a changelog for each package, compressed pages.
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_BINARY_DIR}/PoolbenchPackagesStaged.cmake")
configure_file("${PROJECT_SOURCE_DIR}/cmake/PoolbenchPackagesStaged.cmake.in" "${PROJECT_BINARY_DIR}/PoolbenchPackagesStaged.cmake" @ONLY)
include(CPack)
