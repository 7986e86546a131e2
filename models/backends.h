// SPDX-License-Identifier: Apache-2.0
// Backends: which plugins there are, and opening them.
//
// A plugin is a library NAME.so with a text NAME.plugin beside it that says what it is, so that
// listing loads nothing. Folders, in this order: those in PIXLOOM_PLUGIN_PATH (separated by ':'),
// ../plugins and ../lib/pixloom/plugins as seen from the program, and where the library was
// installed. Of two with one id the first counts. Libraries stay loaded until the process ends.
//
// All functions may be called from any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/plugin_abi.h"
#include "pipeline/error.h"

namespace pixloom {

// What NAME.plugin says.
struct BackendInfo {
  std::string id;                    // "onnxruntime"
  std::string name;                  // "ONNX Runtime"
  std::string version;               // of the plugin
  std::string abi;                   // "1.0"
  std::string library;               // full path; "" for one that was added by AddBackend
  std::string sidecar;               // full path of the text
  std::vector<std::string> formats;  // "onnx", "torchscript"; the one it likes best first
  std::vector<std::string> devices;  // "cpu", "cuda": what it may be able to use
  std::string needs;                 // what must be installed, for people
  int preference = 0;                // `auto` tries the highest first
  std::string problem;               // why it cannot be used, as far as the text tells; "" = fine
};

// A plugin that was loaded.
struct Backend {
  BackendInfo info;
  std::string runtime;  // "onnxruntime 1.21.0"
  const pixloom_backend* api = nullptr;
};

// Every plugin in the folders, by preference, then id. Loads nothing.
std::vector<BackendInfo> ListBackends();
std::vector<std::string> BackendFolders();

// Loads the plugin, once per process. The error says what is wrong and what would help: not found
// (and where it was looked for), missing dependency, missing symbol, another ABI, its own refusal.
Result<std::shared_ptr<const Backend>, std::string> OpenBackend(const std::string& id);

// A backend that is part of the program: tests, or users who link one.
void AddBackend(Backend backend);

const char* StatusText(pixloom_status status);  // "out of memory"

}  // namespace pixloom
