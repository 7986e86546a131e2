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

# CMake's own module for HDF5 compiles probes in C, which a C++ project need not have.
pkg_search_module(PIXLOOM_HDF5 REQUIRED IMPORTED_TARGET hdf5-serial>=1.10.5 hdf5>=1.10.5)
pkg_check_modules(PIXLOOM_ISAL REQUIRED IMPORTED_TARGET libisal>=2.30)
pkg_check_modules(PIXLOOM_BLOSC REQUIRED IMPORTED_TARGET blosc>=1.20)
pkg_check_modules(PIXLOOM_LZ4 REQUIRED IMPORTED_TARGET liblz4>=1.9)
