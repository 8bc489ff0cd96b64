# Warnings, sanitizers and the language level, as properties of a target; nothing here is global.

# The flags that every target of this project is compiled with.
add_library(poolbench_options INTERFACE)
target_compile_features(poolbench_options INTERFACE cxx_std_20)
target_compile_options(poolbench_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>   # false alarms in std::string's operator+ at -O3 (GCC bug 105651)
  $<$<BOOL:${POOLBENCH_WARNINGS_AS_ERRORS}>:-Werror>)
if(POOLBENCH_SANITIZE)
  target_compile_options(poolbench_options INTERFACE -fsanitize=${POOLBENCH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)   # false alarms in std::regex under the sanitizers (GCC bug 105562)
  target_link_options(poolbench_options INTERFACE -fsanitize=${POOLBENCH_SANITIZE})
endif()
# TSan does not model std::atomic_thread_fence; GCC says so, and the code uses none.

# poolbench_library(NAME SOURCES... [INCLUDE folder]) - a static library poolbench_NAME with the alias poolbench::NAME. Its sources include
# headers from the root; so do those who link it, unless INCLUDE says where the headers are that are for them: such a library is for others,
# and shared if BUILD_SHARED_LIBS says so.
function(poolbench_library name)
  cmake_parse_arguments(ARG "" "INCLUDE" "SOURCES" ${ARGN})
  set(type STATIC)
  if(ARG_INCLUDE AND BUILD_SHARED_LIBS)
    set(type SHARED)
  endif()
  add_library(poolbench_${name} ${type} ${ARG_SOURCES})
  add_library(poolbench::${name} ALIAS poolbench_${name})
  set_target_properties(poolbench_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})   # before 1.0 every minor version may break
  target_compile_features(poolbench_${name} PUBLIC cxx_std_20)
  if(ARG_INCLUDE)
    target_include_directories(poolbench_${name}
      PUBLIC
        $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${ARG_INCLUDE}>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/poolbench>
      PRIVATE "${PROJECT_SOURCE_DIR}")
  else()
    target_include_directories(poolbench_${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  endif()
  target_link_libraries(poolbench_${name} PRIVATE $<BUILD_INTERFACE:poolbench_options>)
endfunction()

# poolbench_unity(TARGET [TOGETHER n] [WHOLE folders...]) - where POOLBENCH_UNITY_BUILD says so, sources are compiled together: what they include
# and instantiate alike is compiled once. All of a folder, or of a WHOLE folder and those in it; with TOGETHER, n each in the order of the list.
# Anonymous names of these have to differ.
function(poolbench_unity target)
  cmake_parse_arguments(ARG "" "TOGETHER" "WHOLE" ${ARGN})
  if(NOT POOLBENCH_UNITY_BUILD)
    return()
  endif()
  if(ARG_TOGETHER)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE BATCH UNITY_BUILD_BATCH_SIZE ${ARG_TOGETHER})
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source)
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    if(folder MATCHES "^[.][.]")
      continue()   # generated
    endif()
    foreach(whole IN LISTS ARG_WHOLE)
      if(folder MATCHES "^${whole}/")
        set(folder "${whole}")
      endif()
    endforeach()
    string(MAKE_C_IDENTIFIER "${folder}" group)
    set_source_files_properties("${source}" TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP "${group}")
  endforeach()
endfunction()
