# SPDX-License-Identifier: Apache-2.0
# Finds single OpenCV modules: find_package(PixloomOpenCV 4.5 COMPONENTS core imgproc) defines
# PixloomOpenCV::core and PixloomOpenCV::imgproc.
#
# OpenCV's own package file insists that every module it was built with is installed (on Debian:
# libopencv-dev with 420 packages). Pixloom needs three modules, so it looks for these alone.

find_path(PixloomOpenCV_INCLUDE_DIR opencv2/core/version.hpp PATH_SUFFIXES opencv4)
mark_as_advanced(PixloomOpenCV_INCLUDE_DIR)

if(PixloomOpenCV_INCLUDE_DIR)
  file(STRINGS "${PixloomOpenCV_INCLUDE_DIR}/opencv2/core/version.hpp" _pixloom_lines
       REGEX "^#define CV_VERSION_(MAJOR|MINOR|REVISION) +[0-9]+")
  list(TRANSFORM _pixloom_lines REPLACE "^#define CV_VERSION_[A-Z]+ +([0-9]+).*" "\\1")
  list(JOIN _pixloom_lines "." PixloomOpenCV_VERSION)
  unset(_pixloom_lines)
endif()

foreach(_pixloom_part IN LISTS PixloomOpenCV_FIND_COMPONENTS)
  find_library(PixloomOpenCV_${_pixloom_part}_LIBRARY opencv_${_pixloom_part})
  mark_as_advanced(PixloomOpenCV_${_pixloom_part}_LIBRARY)
  if(PixloomOpenCV_${_pixloom_part}_LIBRARY
     AND EXISTS "${PixloomOpenCV_INCLUDE_DIR}/opencv2/${_pixloom_part}.hpp")
    set(PixloomOpenCV_${_pixloom_part}_FOUND TRUE)
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  PixloomOpenCV
  REQUIRED_VARS PixloomOpenCV_INCLUDE_DIR
  VERSION_VAR PixloomOpenCV_VERSION
  HANDLE_COMPONENTS)

if(PixloomOpenCV_FOUND)
  foreach(_pixloom_part IN LISTS PixloomOpenCV_FIND_COMPONENTS)
    if(PixloomOpenCV_${_pixloom_part}_FOUND AND NOT TARGET PixloomOpenCV::${_pixloom_part})
      # Include directories of imported targets are system directories: no warnings from there.
      add_library(PixloomOpenCV::${_pixloom_part} UNKNOWN IMPORTED)
      set_target_properties(
        PixloomOpenCV::${_pixloom_part}
        PROPERTIES IMPORTED_LOCATION "${PixloomOpenCV_${_pixloom_part}_LIBRARY}"
                   INTERFACE_INCLUDE_DIRECTORIES "${PixloomOpenCV_INCLUDE_DIR}")
    endif()
  endforeach()
endif()
unset(_pixloom_part)
