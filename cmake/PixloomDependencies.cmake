# SPDX-License-Identifier: Apache-2.0
# What the pixloom libraries link to. Read by the build and, once installed, by
# find_package(pixloom): the libraries are static, so a consumer links the same packages.
# deps.lock says where they come from.

find_package(PixloomOpenCV 4.5 REQUIRED MODULE COMPONENTS core imgproc imgcodecs)
find_package(TBB 2021.5 REQUIRED CONFIG)
find_package(yaml-cpp 0.7 REQUIRED CONFIG)
find_package(fmt 9 REQUIRED CONFIG)
find_package(JPEG REQUIRED MODULE)
find_package(Threads REQUIRED MODULE)

# Neither of the two ships CMake files that can be relied on. For Highway, pkg-config also knows
# about the definition that its shared library needs.
find_package(PkgConfig REQUIRED MODULE)
pkg_check_modules(PIXLOOM_HWY REQUIRED IMPORTED_TARGET libhwy>=1.0.3)
pkg_check_modules(PIXLOOM_XXHASH REQUIRED IMPORTED_TARGET libxxhash>=0.8)
