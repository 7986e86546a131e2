// SPDX-License-Identifier: Apache-2.0
// `pixloom import`: another library's pipeline as one of ours, and a report of what differs.
#include "api/import.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "cli/commands.h"

namespace pixloom::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kMaxBytes = 16 << 20;

[[noreturn]] void RefuseInput(const std::string& path, const std::string& why) {
  Diagnostics diagnostics;
  diagnostics.Error("CFG-READ", {}, fmt::format("cannot read {}: {}", Quoted(path), why));
  throw ConfigError(diagnostics);
}

std::string ReadInput(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::error_code error;
  if (!fs::is_regular_file(path, error)) RefuseInput(path, "there is no such file");
  if (fs::file_size(path, error) > kMaxBytes) RefuseInput(path, "it is larger than 16 MiB");
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.good() && !file.eof()) RefuseInput(path, "reading failed");
  return text;
}

// A name of 4000 characters is no file's.
bool IsFile(const std::string& path) {
  std::error_code error;
  return path == "-" || (path.size() < 4000 && fs::exists(path, error));
}

void WriteOutput(const std::string& path, const std::string& text, bool overwrite) {
  std::error_code error;
  if (!overwrite && fs::exists(path, error)) {
    throw OutputBusyError(
        fmt::format("{} is there already; choose another path, or use --overwrite to replace it",
                    Quoted(path)));
  }
  // Whole or not at all: the file appears under its name when it is complete.
  const std::string part = path + ".partial";
  {
    std::ofstream file(part, std::ios::binary);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    if (!file) throw EnvironmentError(fmt::format("cannot write {}", Quoted(part)));
  }
  fs::rename(part, path, error);
  if (error) {
    throw EnvironmentError(fmt::format("cannot write {}: {}", Quoted(path), error.message()));
  }
}

}  // namespace

int ImportPipeline(const ImportArguments& arguments) {
  const bool torchvision = arguments.peer == "torchvision";
  const bool as_text = torchvision && !IsFile(arguments.input);
  if (as_text && arguments.input.find('(') == std::string::npos) {
    RefuseInput(arguments.input, "there is no such file, and it is no transform, as Resize(256)");
  }
  ImportOptions options;
  options.tensors = arguments.tensors;
  if (!arguments.size.empty()) options.size = Size{arguments.size[1], arguments.size[0]};
  const ImportedPipeline imported = Import(torchvision ? Peer::kTorchvision : Peer::kAlbumentations,
                                           as_text ? arguments.input : ReadInput(arguments.input),
                                           as_text                  ? "argument"
                                           : arguments.input == "-" ? "stdin"
                                                                    : arguments.input,
                                           options);
  const std::string report = arguments.json ? imported.ToJson() + "\n" : imported.ToText();
  if (arguments.out.empty()) {
    // The pipeline alone goes to stdout, so that it can be redirected.
    fmt::print("{}", imported.yaml);
    if (!arguments.quiet) fmt::print(stderr, "{}", report);
  } else {
    WriteOutput(arguments.out, imported.yaml, arguments.overwrite);
    if (!arguments.quiet) fmt::print("{}", report);
  }
  return imported.Count(Likeness::kMissing) > 0 ? kExitSomeQuarantined : kExitOk;
}

}  // namespace pixloom::cli
