# SPDX-License-Identifier: Apache-2.0
# Finds what tools/fetch_onnxruntime.sh put into the cache folder, or Debian's libonnxruntime-dev.
# Defines the target PixloomOnnxRuntime::headers (nothing is linked: the library is opened while
# the program runs) and PixloomOnnxRuntime_LIBRARY, empty when there is none.

if(DEFINED ENV{XDG_CACHE_HOME})
  set(_pixloom_cache "$ENV{XDG_CACHE_HOME}")
else()
  set(_pixloom_cache "$ENV{HOME}/.cache")
endif()
set(_pixloom_cache "${_pixloom_cache}/pixloom/onnxruntime-1.21.0")

# Not kept between runs of CMake: the cache folder comes and goes.
unset(PixloomOnnxRuntime_INCLUDE_DIR CACHE)
find_path(PixloomOnnxRuntime_INCLUDE_DIR onnxruntime_cxx_api.h
          HINTS "${_pixloom_cache}/include"
          PATH_SUFFIXES onnxruntime)
mark_as_advanced(PixloomOnnxRuntime_INCLUDE_DIR)

set(PixloomOnnxRuntime_LIBRARY "${_pixloom_cache}/lib/libonnxruntime.so.1")
if(NOT EXISTS "${PixloomOnnxRuntime_LIBRARY}")
  set(PixloomOnnxRuntime_LIBRARY "")
endif()
unset(_pixloom_cache)

if(PixloomOnnxRuntime_INCLUDE_DIR)
  file(STRINGS "${PixloomOnnxRuntime_INCLUDE_DIR}/onnxruntime_c_api.h" _pixloom_line
       REGEX "^#define ORT_API_VERSION [0-9]+")
  string(REGEX REPLACE ".* ([0-9]+).*" "1.\\1" PixloomOnnxRuntime_VERSION "${_pixloom_line}")
  unset(_pixloom_line)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  PixloomOnnxRuntime
  REQUIRED_VARS PixloomOnnxRuntime_INCLUDE_DIR
  VERSION_VAR PixloomOnnxRuntime_VERSION)

if(PixloomOnnxRuntime_FOUND AND NOT TARGET PixloomOnnxRuntime::headers)
  add_library(PixloomOnnxRuntime::headers INTERFACE IMPORTED)
  set_target_properties(
    PixloomOnnxRuntime::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
                                           "${PixloomOnnxRuntime_INCLUDE_DIR}")
endif()
