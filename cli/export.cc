// SPDX-License-Identifier: Apache-2.0
// `pixloom export`: a stored set through a pipeline of two nodes into a sink of another format.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/pixloom.h"
#include "cli/commands.h"

namespace pixloom::cli {

namespace {

// A string of JSON is one of YAML; what would be a variable in it is text.
std::string Text(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("$(")) plain += '$';
    plain += text[i];
  }
  try {
    return nlohmann::json(plain).dump();
  } catch (const nlohmann::json::exception&) {
    throw UsageError(fmt::format("{} is not UTF-8", Quoted(text)));
  }
}

// A value as it may stand in YAML without quotes: a word or a number.
bool IsPlain(std::string_view value) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
  };
  return !value.empty() && value[0] != '-' && std::all_of(value.begin(), value.end(), plain);
}

std::string PipelineText(const ExportArguments& arguments) {
  std::string sink = "path: " + Text(arguments.out);
  for (const std::string& parameter : arguments.parameters) {
    const std::size_t equals = parameter.find('=');
    const std::string name = parameter.substr(0, equals);
    if (equals == std::string::npos || !IsPlain(name) || name == "path" || name == "from") {
      throw UsageError(fmt::format("--with {}: expected NAME=VALUE of a parameter of {}",
                                   Quoted(parameter), arguments.format));
    }
    const std::string value = parameter.substr(equals + 1);
    sink += fmt::format(", {}: {}", name, IsPlain(value) ? value : Text(value));
  }
  return fmt::format("version: 1\nseed: 0\nnodes:\n  in: {{hdf5: {}}}\n  out: {{{}: {{{}}}}}\n",
                     Text(arguments.set), arguments.format, sink);
}

}  // namespace

int Export(const ExportArguments& arguments, const RunArguments& run,
           const std::atomic<bool>& stop) {
  std::error_code error;
  if (!std::filesystem::exists(arguments.set, error) &&
      !std::filesystem::exists(arguments.set + ".h5", error)) {
    throw UsageError(fmt::format("there is no set {}", Quoted(arguments.set)));
  }
  return RunLoaded(Pipeline::Parse(PipelineText(arguments), "export"), arguments.quiet, run, stop);
}

}  // namespace pixloom::cli
