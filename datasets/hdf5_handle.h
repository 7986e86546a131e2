// SPDX-License-Identifier: Apache-2.0
// Calls into HDF5: one thread at a time, silent, with what HDF5 says collected for the exception.
//
// Hold an Hdf5Session around every call. It may be nested. Hdf5Id owns what HDF5 hands out; it ends
// before its session does.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hdf5.h>

#include "datasets/set_row.h"
#include "pipeline/error.h"

namespace pixloom {

class Hdf5Session {
 public:
  Hdf5Session();
  ~Hdf5Session();
  Hdf5Session(const Hdf5Session&) = delete;
  Hdf5Session& operator=(const Hdf5Session&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

// "unable to create attribute: object header message is too large": HDF5's last error.
std::string Hdf5ErrorText();

// Throws EnvironmentError "cannot WHAT: ...".
[[noreturn]] void FailHdf5(std::string_view what);

inline void CheckHdf5(herr_t status, std::string_view what) {
  if (status < 0) FailHdf5(what);
}

class Hdf5Id {
 public:
  Hdf5Id() = default;
  Hdf5Id(hid_t id, herr_t (*close)(hid_t), std::string_view what) : id_(id), close_(close) {
    if (id < 0) FailHdf5(what);
  }
  Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Id& operator=(Hdf5Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Hdf5Id() {
    if (id_ >= 0) close_(id_);
  }

  hid_t Get() const { return id_; }
  // For what may fail only now.
  void Close(std::string_view what) {
    const hid_t id = std::exchange(id_, -1);
    if (id >= 0) CheckHdf5(close_(id), what);
  }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

// The type in the file: little endian. HDF5 owns it.
hid_t Hdf5TypeOf(Element element);

// A file that exists in memory only; Hdf5Image() is what it would be on disk. The oldest format
// that can say what is in it: no checksums, and every reader knows it.
Hdf5Id CreateHdf5InMemory();
std::vector<std::uint8_t> Hdf5Image(const Hdf5Id& file);

// Makes the group `path` ("a/b", "": the root) and those above it, unless they are there.
void MakeHdf5Groups(const Hdf5Id& file, std::string_view path);

// To one object (hdf5_attributes.cc).
void WriteHdf5Attributes(const Hdf5Id& object, const std::vector<Attribute>& attributes);
// To the file itself and to objects in it; a group that is missing is made.
void WriteHdf5Attributes(const Hdf5Id& file, const Attributes& attributes);

}  // namespace pixloom
