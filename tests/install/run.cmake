# SPDX-License-Identifier: Apache-2.0
# cmake -D BUILD=dir -D CONFIG=Release -D CXX=compiler [-D SANITIZE=list] -P run.cmake
# Installs the build into BUILD/tests/install, then configures, builds and runs the consumer.

set(work "${BUILD}/tests/install")
file(REMOVE_RECURSE "${work}/prefix" "${work}/consumer")

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "failed (${result}): ${command}")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --config "${CONFIG}" --prefix "${work}/prefix")
run("${CMAKE_COMMAND}" -G Ninja -S "${CMAKE_CURRENT_LIST_DIR}" -B "${work}/consumer"
    -D "CMAKE_BUILD_TYPE=${CONFIG}" -D "CMAKE_CXX_COMPILER=${CXX}" -D "SANITIZE=${SANITIZE}"
    -D "CMAKE_PREFIX_PATH=${work}/prefix" -D CMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
run("${CMAKE_COMMAND}" --build "${work}/consumer")
run("${work}/consumer/consumer")
