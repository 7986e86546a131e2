// SPDX-License-Identifier: Apache-2.0
#include "pipeline/survey_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include <fmt/format.h>
#include <xxhash.h>

#include "pipeline/config.h"

namespace pixloom {

namespace {

namespace fs = std::filesystem;

// Changes whenever the layout below or the meaning of a fact does.
constexpr std::string_view kMagic = "pixloom survey 1\n";

class Writer {
 public:
  template <class T>
  void Number(T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
      bytes_.push_back(static_cast<char>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xFF));
    }
  }
  void Text(std::string_view text) {
    Number(static_cast<std::uint32_t>(text.size()));
    bytes_ += text;
  }
  void Raw(std::string_view text) { bytes_ += text; }
  const std::string& Bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Past the end everything reads as nothing, and Ok() tells.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T Number() {
    std::uint64_t value = 0;
    const std::string_view raw = Take(sizeof(T));
    for (std::size_t i = 0; i < raw.size(); ++i) {
      value |= std::uint64_t{static_cast<std::uint8_t>(raw[i])} << (8 * i);
    }
    return static_cast<T>(value);
  }
  std::string Text() { return std::string(Take(Number<std::uint32_t>())); }
  std::size_t Left() const { return bytes_.size(); }
  bool Ok() const { return ok_; }

 private:
  std::string_view Take(std::size_t n) {
    if (n > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return taken;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::uint64_t Checksum(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

enum Flags : std::uint8_t { kLabel = 1, kHashed = 2 };

void WriteRecord(const SurveyRecord& record, Writer& out) {
  const SurveyedEntry& facts = record.facts;
  out.Text(record.entry.key);
  out.Number(record.entry.bytes);
  out.Number(record.entry.changed);
  out.Number(static_cast<std::uint8_t>((facts.label ? kLabel : 0) | (facts.hashed ? kHashed : 0)));
  out.Number(static_cast<std::int32_t>(facts.label.value_or(0)));
  out.Number(static_cast<std::uint32_t>(facts.classes.size()));
  for (const int c : facts.classes) out.Number(static_cast<std::int32_t>(c));
  out.Number(static_cast<std::int32_t>(facts.size.width));
  out.Number(static_cast<std::int32_t>(facts.size.height));
  out.Number(facts.hash);
}

SurveyRecord ReadRecord(Reader& in) {
  SurveyRecord record;
  record.entry.key = in.Text();
  record.entry.bytes = in.Number<std::uint64_t>();
  record.entry.changed = in.Number<std::int64_t>();
  SurveyedEntry& facts = record.facts;
  facts.known = true;
  const auto flags = in.Number<std::uint8_t>();
  facts.hashed = (flags & kHashed) != 0;
  const auto label = in.Number<std::int32_t>();
  if ((flags & kLabel) != 0) facts.label = label;
  const auto classes = in.Number<std::uint32_t>();
  for (std::uint32_t i = 0; i < classes && in.Ok(); ++i) {
    facts.classes.push_back(in.Number<std::int32_t>());
  }
  facts.size.width = in.Number<std::int32_t>();
  facts.size.height = in.Number<std::int32_t>();
  facts.hash = in.Number<std::uint64_t>();
  return record;
}

}  // namespace

std::string SurveyFolder() {
  if (const std::string own = FromEnvironment("PIXLOOM_CACHE"); !own.empty()) {
    return own + "/surveys";
  }
  const std::string shared = FromEnvironment("XDG_CACHE_HOME");
  if (shared.starts_with('/')) return shared + "/pixloom/surveys";
  const std::string home = FromEnvironment("HOME");
  return home.empty() ? "" : home + "/.cache/pixloom/surveys";
}

std::string SurveyFingerprint(const Node& source) {
  std::error_code ignored;
  // Paths in the arguments may be relative.
  return fmt::format("{}\n{}\n{}", source.verb, fs::current_path(ignored).string(),
                     ToYaml(Value::Map({{source.verb, {}, source.args}})));
}

std::string SurveyFile(const std::string& folder, const std::string& fingerprint) {
  return fmt::format("{}/{:016x}.survey", folder, Checksum(fingerprint));
}

std::optional<StoredSurvey> LoadSurvey(const std::string& file, const std::string& fingerprint,
                                       bool& damaged) {
  damaged = false;
  // A FIFO or device of that name must not block.
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  std::ifstream in(file, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  damaged = true;
  if (!all.starts_with(kMagic) || all.size() < kMagic.size() + 8) return std::nullopt;
  const std::string_view body = std::string_view(all).substr(0, all.size() - 8);
  if (Reader(std::string_view(all).substr(body.size())).Number<std::uint64_t>() != Checksum(body)) {
    return std::nullopt;
  }
  Reader reader(body.substr(kMagic.size()));
  // Another source whose name has the same hash.
  if (reader.Text() != fingerprint) {
    damaged = false;
    return std::nullopt;
  }
  StoredSurvey survey;
  const auto classes = reader.Number<std::uint32_t>();
  for (std::uint32_t i = 0; i < classes && reader.Ok(); ++i) {
    survey.classes.push_back(reader.Text());
  }
  const auto records = reader.Number<std::uint64_t>();
  for (std::uint64_t i = 0; i < records && reader.Ok(); ++i) {
    survey.records.push_back(ReadRecord(reader));
  }
  if (!reader.Ok() || reader.Left() > 0) return std::nullopt;
  damaged = false;
  return survey;
}

std::string StoreSurvey(const std::string& file, const std::string& fingerprint,
                        const StoredSurvey& survey) {
  Writer out;
  out.Raw(kMagic);
  out.Text(fingerprint);
  out.Number(static_cast<std::uint32_t>(survey.classes.size()));
  for (const std::string& name : survey.classes) out.Text(name);
  out.Number(static_cast<std::uint64_t>(survey.records.size()));
  for (const SurveyRecord& record : survey.records) WriteRecord(record, out);
  out.Number(Checksum(out.Bytes()));

  std::error_code error;
  fs::create_directories(fs::path(file).parent_path(), error);
  if (error) return error.message();
  std::string temporary = file + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return std::strerror(errno);
  const std::string& bytes = out.Bytes();
  std::size_t at = 0;
  int failed = 0;
  while (at < bytes.size() && failed == 0) {
    const ssize_t n = ::write(fd, bytes.data() + at, bytes.size() - at);
    if (n > 0) {
      at += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      failed = errno;
    }
  }
  if (::close(fd) != 0 && failed == 0) failed = errno;
  if (failed == 0 && ::rename(temporary.c_str(), file.c_str()) != 0) failed = errno;
  if (failed == 0) return "";
  ::unlink(temporary.c_str());
  return std::strerror(failed);
}

}  // namespace pixloom
