// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_handle.h"

#include <fmt/format.h>

namespace pixloom {

namespace {

std::recursive_mutex& Mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

herr_t CollectError(unsigned /*depth*/, const H5E_error2_t* error, void* text) {
  auto& all = *static_cast<std::string*>(text);
  if (error->desc == nullptr || *error->desc == '\0') return 0;
  if (!all.empty()) all += ": ";
  all += error->desc;
  return 0;
}

}  // namespace

Hdf5Session::Hdf5Session() : lock_(Mutex()) {
  // Before any other call: HDF5's own clean-up at exit crashes after a failed write.
  static const herr_t no_cleanup = H5dont_atexit();
  static_cast<void>(no_cleanup);
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Hdf5Session::~Hdf5Session() { H5Eset_auto2(H5E_DEFAULT, print_, print_data_); }

std::string Hdf5ErrorText() {
  std::string text;
  // From the call that was made to the place where it failed.
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, CollectError, &text);
  return text.empty() ? "HDF5 gives no reason" : text;
}

void FailHdf5(std::string_view what) {
  throw EnvironmentError(fmt::format("cannot {}: {}", what, Hdf5ErrorText()));
}

hid_t Hdf5TypeOf(Element element) {
  switch (element) {
    case Element::kU8:
      return H5T_STD_U8LE;
    case Element::kU16:
      return H5T_STD_U16LE;
    case Element::kU32:
      return H5T_STD_U32LE;
    case Element::kU64:
      return H5T_STD_U64LE;
    case Element::kI32:
      return H5T_STD_I32LE;
    case Element::kI64:
      return H5T_STD_I64LE;
    case Element::kF32:
      return H5T_IEEE_F32LE;
    case Element::kF64:
      return H5T_IEEE_F64LE;
  }
  return H5T_STD_U8LE;
}

Hdf5Id CreateHdf5InMemory() {
  constexpr std::string_view kWhat = "create an HDF5 file in memory";
  const Hdf5Id creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, kWhat);
  // Times would make two equal files differ.
  CheckHdf5(H5Pset_obj_track_times(creation.Get(), 0), kWhat);
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, kWhat);
  CheckHdf5(H5Pset_fapl_core(access.Get(), std::size_t{1} << 16, /*backing_store=*/0), kWhat);
  CheckHdf5(H5Pset_libver_bounds(access.Get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST), kWhat);
  return {H5Fcreate("pixloom", H5F_ACC_TRUNC, creation.Get(), access.Get()), H5Fclose, kWhat};
}

std::vector<std::uint8_t> Hdf5Image(const Hdf5Id& file) {
  constexpr std::string_view kWhat = "take the image of an HDF5 file";
  CheckHdf5(H5Fflush(file.Get(), H5F_SCOPE_GLOBAL), kWhat);
  const ssize_t size = H5Fget_file_image(file.Get(), nullptr, 0);
  if (size < 0) FailHdf5(kWhat);
  std::vector<std::uint8_t> image(static_cast<std::size_t>(size));
  if (H5Fget_file_image(file.Get(), image.data(), image.size()) != size) FailHdf5(kWhat);
  return image;
}

void MakeHdf5Groups(const Hdf5Id& file, std::string_view path) {
  std::size_t end = 0;
  while (end != std::string_view::npos && !path.empty()) {
    end = path.find('/', end + 1);
    const std::string group(path.substr(0, end));
    const std::string what = fmt::format("create group '{}' of an HDF5 file", group);
    const htri_t exists = H5Lexists(file.Get(), group.c_str(), H5P_DEFAULT);
    CheckHdf5(exists, what);
    if (exists > 0) continue;
    const Hdf5Id creation(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, what);
    CheckHdf5(H5Pset_obj_track_times(creation.Get(), 0), what);
    const Hdf5Id made(
        H5Gcreate2(file.Get(), group.c_str(), H5P_DEFAULT, creation.Get(), H5P_DEFAULT), H5Gclose,
        what);
  }
}

}  // namespace pixloom
