# SPDX-License-Identifier: Apache-2.0
# pixloom_module(), pixloom_program() and pixloom_test(): the only way targets are made.
# Source lists are explicit and sorted; tools/check_layers.py compares them with the folder.

# ---- Options of every own target; consumers of the installed library get none --------------------

add_library(pixloom_options INTERFACE)
target_compile_features(pixloom_options INTERFACE cxx_std_20)
# No contraction: a*b+c rounds twice on every machine, so that pixels are the same everywhere.
target_compile_options(pixloom_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow
                                                 -ffp-contract=off)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  target_compile_options(pixloom_options INTERFACE -march=x86-64-v2)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports "literal" + std::string at -O2 and above (GCC bug 105651).
  target_compile_options(pixloom_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(PIXLOOM_WERROR)
  target_compile_options(pixloom_options INTERFACE -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Flow-dependent warnings with known false positives at -O3: shown, not fatal.
    target_compile_options(
      pixloom_options INTERFACE -Wno-error=array-bounds -Wno-error=maybe-uninitialized
                                -Wno-error=stringop-overflow -Wno-error=stringop-overread)
  endif()
endif()
if(PIXLOOM_SANITIZE)
  # vptr: oneTBB's flow graph destroys a task and then reads from its object.
  target_compile_options(
    pixloom_options INTERFACE -fsanitize=${PIXLOOM_SANITIZE} -fno-sanitize=vptr
                              -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(pixloom_options INTERFACE -fsanitize=${PIXLOOM_SANITIZE})
endif()

# pixloom_module(NAME [INSTALL_HEADERS]
#                SOURCES file...        sorted, relative to the module
#                DEPENDS module...      modules whose headers this one's headers include
#                USES module...         modules that only the .cc files include
#                PUBLIC_LIBS target...  third-party libraries seen in this module's headers
#                PRIVATE_LIBS target... third-party libraries seen in .cc files only
#                HEADER_LIBS target...  header-only libraries seen in .cc files only)
# makes the static library pixloom::NAME. INSTALL_HEADERS installs the module's headers.
function(pixloom_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INSTALL_HEADERS" ""
                        "SOURCES;DEPENDS;USES;PUBLIC_LIBS;PRIVATE_LIBS;HEADER_LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "pixloom_module(${name}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  list(TRANSFORM arg_DEPENDS PREPEND "pixloom::")
  list(TRANSFORM arg_USES PREPEND "pixloom::")

  set(target pixloom_${name})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(public PUBLIC)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
    # Not exported: the options and header-only libraries matter only while building.
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:pixloom_options>)
    foreach(library IN LISTS arg_HEADER_LIBS)
      target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${library}>)
    endforeach()
    target_link_libraries(${target} PRIVATE ${arg_USES} ${arg_PRIVATE_LIBS})
  else()
    add_library(${target} INTERFACE)  # headers only
    set(public INTERFACE)
  endif()
  add_library(pixloom::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})

  # Includes are written from the top: #include "pipeline/sample.h".
  target_include_directories(
    ${target} ${public} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/pixloom>)
  target_compile_features(${target} ${public} cxx_std_20)
  target_link_libraries(${target} ${public} ${arg_DEPENDS} ${arg_PUBLIC_LIBS})

  install(TARGETS ${target} EXPORT pixloomTargets)
  if(arg_INSTALL_HEADERS)
    install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/"
            DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/pixloom/${name}" FILES_MATCHING PATTERN "*.h")
  endif()
endfunction()

# Below the prefix; a program in bin/ finds it, whatever the prefix is.
set(PIXLOOM_PLUGIN_DIR lib/pixloom/plugins)

# pixloom_plugin(ID SOURCES file... LIBS target...)
# makes the backend plugin pixloom_ID.so in plugins/ of the build folder, with the text ID.plugin of
# the current folder beside it; both are installed. It links nothing of Pixloom: the C header alone
# is what they share. ID.so would be taken for a library that is loaded already, as libtorch.so.
function(pixloom_plugin id)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "pixloom_plugin(${id}): needs SOURCES; got ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target pixloom_backend_${id})
  add_library(${target} MODULE ${arg_SOURCES})
  set_target_properties(
    ${target} PROPERTIES PREFIX "" OUTPUT_NAME pixloom_${id} CXX_EXTENSIONS OFF
                         CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                         LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/plugins")
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE pixloom_options ${arg_LIBS})
  configure_file("${CMAKE_CURRENT_SOURCE_DIR}/${id}.plugin"
                 "${PROJECT_BINARY_DIR}/plugins/${id}.plugin" COPYONLY)
  install(TARGETS ${target} LIBRARY DESTINATION ${PIXLOOM_PLUGIN_DIR})
  install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/${id}.plugin" DESTINATION ${PIXLOOM_PLUGIN_DIR})
endfunction()

# pixloom_program(NAME [INSTALL] [OUTPUT name] SOURCES file... DEPENDS module... LIBS target...)
# makes the executable NAME, called OUTPUT on disk.
function(pixloom_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INSTALL" "OUTPUT" "SOURCES;DEPENDS;LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "pixloom_program(${name}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_SOURCES)
    message(STATUS "${name} has no sources and is left out")
    return()
  endif()
  list(TRANSFORM arg_DEPENDS PREPEND "pixloom::")
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  if(arg_OUTPUT)
    set_target_properties(${name} PROPERTIES OUTPUT_NAME ${arg_OUTPUT})
  endif()
  target_link_libraries(${name} PRIVATE pixloom_options ${arg_DEPENDS} ${arg_LIBS})
  if(arg_INSTALL)
    install(TARGETS ${name})
  endif()
endfunction()

# pixloom_test(NAME LABEL folder SOURCES file... [DEPENDS module...] [LIBS target...] [TIMEOUT s])
# makes one doctest program and one CTest test of that name; the label says which folder of tests/
# it is. Links every module unless DEPENDS says otherwise. Runs in the repository root.
function(pixloom_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;DEPENDS;LIBS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_LABEL)
    message(FATAL_ERROR "pixloom_test(${name}): needs LABEL; got ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT DEFINED arg_DEPENDS)
    set(arg_DEPENDS api ops datasets models pipeline)
  endif()
  pixloom_program(${name} SOURCES ${arg_SOURCES} DEPENDS ${arg_DEPENDS}
                  LIBS pixloom_test_main ${arg_LIBS})
  pixloom_check(${name} LABEL ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
                COMMAND $<TARGET_FILE:${name}>)
endfunction()

# pixloom_check(NAME LABEL folder [TIMEOUT s] [SERIAL] COMMAND word...)
# adds a CTest test that is not a doctest program. Exit code 77 means skipped.
function(pixloom_check name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "LABEL;TIMEOUT" "COMMAND")
  if(NOT arg_LABEL OR NOT arg_COMMAND)
    message(FATAL_ERROR "pixloom_check(${name}): needs LABEL and COMMAND")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set(environment "PIXLOOM_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
                  "PIXLOOM_BINARY_DIR=${PROJECT_BINARY_DIR}"
                  "PIXLOOM_PLUGIN_PATH=${PROJECT_BINARY_DIR}/plugins")
  if(TARGET pixloom_cli)
    list(APPEND environment "PIXLOOM_CLI=$<TARGET_FILE:pixloom_cli>")
  endif()
  if(TARGET pixloom_fault_shim)
    list(APPEND environment "PIXLOOM_FAULT_SHIM=$<TARGET_FILE:pixloom_fault_shim>")
  endif()
  set_tests_properties(
    ${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
                       ENVIRONMENT "${environment}" RUN_SERIAL "${arg_SERIAL}")
endfunction()
