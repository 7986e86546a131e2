// SPDX-License-Identifier: Apache-2.0
#include "models/libtorch/files.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>
#include <tuple>
#include <vector>

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/api/module.h>

namespace pixloom::torch_backend {
namespace {

using plugin::Error;
namespace fs = std::filesystem;

// ---- Errors -------------------------------------------------------------------------------------

struct Cause {
  std::string_view text;
  pixloom_status status;
};

// LibTorch's interpreter turns every exception into a runtime_error: its words are all there is.
// The first that fits counts.
constexpr Cause kCauses[] = {
    {"out of memory", PIXLOOM_OUT_OF_MEMORY},
    {"can't allocate memory", PIXLOOM_OUT_OF_MEMORY},
    {"not enough memory", PIXLOOM_OUT_OF_MEMORY},
    {"STATUS_ALLOC_FAILED", PIXLOOM_OUT_OF_MEMORY},
    {"std::bad_alloc", PIXLOOM_OUT_OF_MEMORY},
    {"no CUDA-capable device", PIXLOOM_NO_DEVICE},
    {"No CUDA GPUs are available", PIXLOOM_NO_DEVICE},
    {"Found no NVIDIA driver", PIXLOOM_NO_DEVICE},
    {"driver version is insufficient", PIXLOOM_NO_DEVICE},
    {"invalid device ordinal", PIXLOOM_NO_DEVICE},
    {"no kernel image is available", PIXLOOM_NO_DEVICE},
    {"illegal memory access", PIXLOOM_DEVICE_LOST},
    {"unspecified launch failure", PIXLOOM_DEVICE_LOST},
    {"launch timed out", PIXLOOM_DEVICE_LOST},
    {"uncorrectable ECC", PIXLOOM_DEVICE_LOST},
    {"driver shutting down", PIXLOOM_DEVICE_LOST},
    {"device-side assert", PIXLOOM_DEVICE_LOST},
    {"device(s) is/are busy or unavailable", PIXLOOM_DEVICE_LOST},
    {"CUDA error: unknown error", PIXLOOM_DEVICE_LOST},
    {"device is lost", PIXLOOM_DEVICE_LOST},
    {"Unknown builtin op", PIXLOOM_UNSUPPORTED_OP},
    {"not implemented for", PIXLOOM_UNSUPPORTED_OP},
    {"Could not run 'aten::", PIXLOOM_UNSUPPORTED_OP},
    {"expected input[", PIXLOOM_BAD_SHAPE},
    {"shapes cannot be multiplied", PIXLOOM_BAD_SHAPE},
    {"must match the size of tensor", PIXLOOM_BAD_SHAPE},
    {"Sizes of tensors must match", PIXLOOM_BAD_SHAPE},
    {"is invalid for input of size", PIXLOOM_BAD_SHAPE},
    {"an't be greater than actual input size", PIXLOOM_BAD_SHAPE},
    {"Output size is too small", PIXLOOM_BAD_SHAPE},
    {"size mismatch", PIXLOOM_BAD_SHAPE},
    {"should be less than the corresponding input dimension", PIXLOOM_BAD_SHAPE},
    {"Dimension out of range", PIXLOOM_BAD_SHAPE},
    {"input.size(-1) must be equal", PIXLOOM_BAD_SHAPE},
    {"pixel_shuffle expects", PIXLOOM_BAD_SHAPE},
    {"to have size", PIXLOOM_BAD_SHAPE},
    {"D input", PIXLOOM_BAD_SHAPE},
    {"(batched) input", PIXLOOM_BAD_SHAPE},
};

// One line: what happened last, without the traces around it.
std::string Brief(std::string text) {
  if (const auto trace = text.find("\nException raised from"); trace != std::string::npos) {
    text.resize(trace);
  }
  if (const auto last = text.rfind("\nRuntimeError: "); last != std::string::npos) {
    text.erase(0, last + std::string_view("\nRuntimeError: ").size());
  }
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space || (!line.empty() && line.back() != ' ')) line += space ? ' ' : c;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  constexpr std::size_t kMost = 400;
  if (line.size() > kMost) line = line.substr(0, kMost) + " ...";
  return line;
}

// ---- Archives -----------------------------------------------------------------------------------

std::uint32_t Crc32(const std::uint8_t* data, std::size_t size) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0xEDB88320u : 0u);
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t crc = ~0u;
  for (std::size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ table[(crc ^ data[i]) & 0xFF];
  return ~crc;
}

// The bytes of a file from an offset to the end; reading past it throws.
class Bytes {
 public:
  Bytes(std::ifstream& file, std::uint64_t from, std::uint64_t size) : data_(size) {
    file.seekg(static_cast<std::streamoff>(from));
    file.read(data_.data(), static_cast<std::streamsize>(size));
    if (!file) throw Error(PIXLOOM_BAD_MODEL, "it ends too early");
  }
  std::uint64_t Number(std::uint64_t at, int bytes) const {
    std::uint64_t value = 0;
    const std::string_view from = Text(at, static_cast<std::uint64_t>(bytes));
    for (int i = bytes - 1; i >= 0; --i) {
      value = value << 8 | static_cast<std::uint8_t>(from[static_cast<std::size_t>(i)]);
    }
    return value;
  }
  std::string_view Text(std::uint64_t at, std::uint64_t size) const {
    if (at > data_.size() || size > data_.size() - at) {
      throw Error(PIXLOOM_BAD_MODEL, "its list of contents is damaged");
    }
    return {data_.data() + at, size};
  }
  std::uint64_t size() const { return data_.size(); }

 private:
  std::vector<char> data_;
};

// Name (without the archive's own folder) -> check sum, from the list at the end of a zip file.
std::map<std::string, std::uint32_t> CheckSums(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw Error(PIXLOOM_BAD_MODEL, "cannot open '" + path + "'");
  const auto size = static_cast<std::uint64_t>(file.tellg());
  constexpr std::uint64_t kEnd = 22, kLocator = 20, kLongestComment = 0xFFFF;
  const std::uint64_t from = size - std::min(size, kEnd + kLocator + kLongestComment);
  const Bytes tail(file, from, size - from);
  if (tail.size() < kEnd) throw Error(PIXLOOM_BAD_MODEL, "it is too short");
  std::uint64_t end = tail.size() - kEnd;
  while (tail.Number(end, 4) != 0x06054b50) {
    if (end-- == 0) throw Error(PIXLOOM_BAD_MODEL, "it is no zip archive, or cut short");
  }
  std::uint64_t count = tail.Number(end + 10, 2), bytes = tail.Number(end + 12, 4),
                start = tail.Number(end + 16, 4);
  if (count == 0xFFFF || bytes == 0xFFFFFFFF || start == 0xFFFFFFFF) {
    if (end < kLocator || tail.Number(end - kLocator, 4) != 0x07064b50) {
      throw Error(PIXLOOM_BAD_MODEL, "its list of contents is damaged");
    }
    const Bytes large(file, tail.Number(end - kLocator + 8, 8), 56);
    count = large.Number(32, 8), bytes = large.Number(40, 8), start = large.Number(48, 8);
  }
  if (bytes > size || start > size - bytes) {
    throw Error(PIXLOOM_BAD_MODEL, "its list of contents is damaged");
  }
  const Bytes list(file, start, bytes);
  std::map<std::string, std::uint32_t> sums;
  for (std::uint64_t i = 0, at = 0; i < count; ++i) {
    if (list.Number(at, 4) != 0x02014b50) {
      throw Error(PIXLOOM_BAD_MODEL, "its list of contents is damaged");
    }
    const std::string name(list.Text(at + 46, list.Number(at + 28, 2)));
    sums[name.substr(name.find('/') + 1)] = static_cast<std::uint32_t>(list.Number(at + 16, 4));
    at += 46 + list.Number(at + 28, 2) + list.Number(at + 30, 2) + list.Number(at + 32, 2);
  }
  return sums;
}

// ---- Writing ------------------------------------------------------------------------------------

at::Tensor CopyOf(const pixloom_parameter& parameter) {
  const pixloom_tensor& value = parameter.value;
  if (value.data == nullptr || value.ndim > PIXLOOM_MAX_DIMS) {
    throw Error(PIXLOOM_FAILED, std::string("parameter '") + parameter.name + "' has no values");
  }
  return at::from_blob(const_cast<float*>(value.data), at::IntArrayRef(value.dims, value.ndim),
                       at::kFloat)
      .clone();
}

}  // namespace

Error Explain(const std::exception_ptr& exception, pixloom_status otherwise) {
  std::string text;
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return {PIXLOOM_OUT_OF_MEMORY, "out of memory"};
  } catch (const c10::OutOfMemoryError& error) {
    return {PIXLOOM_OUT_OF_MEMORY, Brief(error.what_without_backtrace())};
  } catch (const c10::Error& error) {
    text = Brief(error.what_without_backtrace());
  } catch (const std::exception& error) {
    text = Brief(error.what());
  } catch (...) {
    text = "an exception of unknown type";
  }
  for (const Cause& cause : kCauses) {
    if (text.find(cause.text) != std::string::npos) return {cause.status, text};
  }
  return {otherwise, text};
}

void CheckArchive(const std::string& path) {
  try {
    const auto sums = CheckSums(path);
    caffe2::serialize::PyTorchStreamReader reader(path);
    const std::vector<std::string> records = reader.getAllRecords();
    if (records.size() != sums.size()) {
      throw Error(PIXLOOM_BAD_MODEL, "its list of contents is damaged");
    }
    for (const std::string& record : records) {
      const auto [data, size] = reader.getRecord(record);
      const auto sum = sums.find(record);
      if (sum == sums.end() ||
          sum->second != Crc32(static_cast<const std::uint8_t*>(data.get()), size)) {
        throw Error(PIXLOOM_BAD_MODEL, "'" + record + "' in it is damaged");
      }
    }
  } catch (...) {
    const Error error = Explain(std::current_exception(), PIXLOOM_BAD_MODEL);
    throw Error(PIXLOOM_BAD_MODEL,
                "'" + path + "' is no TorchScript file, or damaged: " + error.what());
  }
}

void WriteTorchScript(const std::string& path, const std::string& source,
                      std::span<const pixloom_parameter> parameters) {
  torch::jit::Module module("PixloomNetwork");
  try {
    // What train() and eval() set; the source asks for self.training.
    module.register_attribute("training", c10::BoolType::get(), true);
    for (const pixloom_parameter& parameter : parameters) {
      if (parameter.is_buffer != 0) {
        module.register_buffer(parameter.name, CopyOf(parameter));
      } else {
        module.register_parameter(parameter.name, CopyOf(parameter).set_requires_grad(true), false);
      }
    }
    module.define(source);
    module.eval();
  } catch (...) {
    throw Explain(std::current_exception(), PIXLOOM_BAD_MODEL);
  }
  const std::string beside = path + ".writing-" + std::to_string(::getpid());
  try {
    module.save(beside);
    fs::rename(beside, path);
  } catch (...) {
    const Error error = Explain(std::current_exception(), PIXLOOM_FAILED);
    std::error_code ignored;
    fs::remove(beside, ignored);
    throw Error(PIXLOOM_FAILED, "cannot write '" + path + "': " + error.what());
  }
}

}  // namespace pixloom::torch_backend
