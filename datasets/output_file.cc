// SPDX-License-Identifier: Apache-2.0
#include "datasets/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr std::size_t kBuffer = 1 << 20;

}  // namespace

OutputFile::OutputFile(std::string temporary) : temporary_(std::move(temporary)) {
  const int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
  file_ = FileHandle(::open(temporary_.c_str(), flags, 0666));
  if (!file_.Valid()) Fail("create", errno);
}

OutputFile::~OutputFile() {
  if (file_.Valid()) ::unlink(temporary_.c_str());
}

void OutputFile::Fail(const char* what, int error) const {
  throw EnvironmentError(fmt::format("cannot {} '{}': {}; {} bytes written", what,
                                     EscapeName(temporary_), ErrnoText(error), written_));
}

void OutputFile::Append(std::span<const std::uint8_t> bytes) {
  Append(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void OutputFile::Append(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBuffer) WriteOut();
}

void OutputFile::WriteOut() {
  PIXLOOM_CHECK(file_.Valid(), "a finished file grows");
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t n = ::write(file_.Get(), buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) Fail("write", n < 0 ? errno : EIO);
    done += static_cast<std::size_t>(n);
    written_ += static_cast<std::uint64_t>(n);
  }
  buffer_.clear();
}

void OutputFile::AppendAll(OutputFile& other) {
  other.WriteOut();
  std::vector<char> block(kBuffer);
  for (std::uint64_t at = 0; at < other.written_;) {
    const ssize_t n =
        ::pread(other.file_.Get(), block.data(), block.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) other.Fail("read", n < 0 ? errno : EIO);
    Append(std::string_view(block.data(), static_cast<std::size_t>(n)));
    at += static_cast<std::uint64_t>(n);
  }
}

void OutputFile::FinishAs(const std::string& path) {
  WriteOut();
  if (::fsync(file_.Get()) != 0) Fail("flush", errno);
  if (::rename(temporary_.c_str(), path.c_str()) != 0) Fail("rename", errno);
  file_.Reset();
}

}  // namespace pixloom
