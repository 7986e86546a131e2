# SPDX-License-Identifier: Apache-2.0
# cmake -D BUILD=dir -D CONFIG=Release -D CXX=compiler [-D SANITIZE=list] -P run.cmake
# Installs the build into BUILD/tests/install, then configures, builds and runs the consumer; and a
# plugin of somebody else, which the installed program and library must find, load and run.

set(work "${BUILD}/tests/install")
file(REMOVE_RECURSE "${work}/prefix" "${work}/consumer" "${work}/plugin" "${work}/cache")

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "failed (${result}): ${command}")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --config "${CONFIG}" --prefix "${work}/prefix")
set(options -G Ninja -D "CMAKE_BUILD_TYPE=${CONFIG}" -D "CMAKE_CXX_COMPILER=${CXX}"
            -D "CMAKE_PREFIX_PATH=${work}/prefix" -D CMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
run("${CMAKE_COMMAND}" ${options} -S "${CMAKE_CURRENT_LIST_DIR}" -B "${work}/consumer"
    -D "SANITIZE=${SANITIZE}")
run("${CMAKE_COMMAND}" --build "${work}/consumer")
run("${work}/consumer/consumer")

run("${CMAKE_COMMAND}" ${options} -D "CMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wshadow -Werror"
    -S "${CMAKE_CURRENT_LIST_DIR}/../../examples/backend_plugin" -B "${work}/plugin")
run("${CMAKE_COMMAND}" --build "${work}/plugin")
set(ENV{PIXLOOM_CACHE} "${work}/cache")
set(ENV{PIXLOOM_PLUGIN_PATH} "${work}/plugin")
run("${work}/prefix/bin/pixloom" plugins --check smooth)
run("${work}/consumer/network" "${CMAKE_CURRENT_LIST_DIR}/blur.smooth")
# Installed, the program finds it without being told.
run("${CMAKE_COMMAND}" --install "${work}/plugin" --config "${CONFIG}" --prefix "${work}/prefix")
set(ENV{PIXLOOM_PLUGIN_PATH} "")
run("${work}/prefix/bin/pixloom" plugins --check smooth)
