// SPDX-License-Identifier: Apache-2.0
#include "models/backends.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "models/plugin_trial.h"
#include "tests/support/verbs.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;
using testing::TempFolder;

std::string BuiltPlugin(const std::string& name) {
  return std::string(std::getenv("PIXLOOM_BINARY_DIR")) + "/test_plugins/" + name + ".so";
}

// A folder of plugins and a cache, both empty, for as long as it lives.
class Plugins {
 public:
  Plugins() : log_(folder_.Path("loaded")) {
    fs::create_directory(folder_.Path("plugins"));
    setenv("PIXLOOM_PLUGIN_PATH", folder_.Path("plugins").c_str(), 1);
    setenv("PIXLOOM_CACHE", folder_.Path("cache").c_str(), 1);
    setenv("PIXLOOM_TEST_LOADED", log_.c_str(), 1);
  }

  void Write(const std::string& name, const std::string& text) const {
    folder_.Write("plugins/" + name, text);
  }
  // What c_plugin.c is with that fault, as a file of its own: the linker knows libraries by path.
  std::string Install(const std::string& fault, const std::string& id = "c_plugin") const {
    fs::copy_file(BuiltPlugin("c_plugin_" + fault), Path(fault + ".so"));
    Write(id + ".plugin",
          "id: " + id + "\nabi: 1.0\nformats: [double]\nneeds: luck\nlibrary: " + fault + ".so\n");
    return Path(fault + ".so");
  }
  std::string Path(const std::string& name = "") const { return folder_.Path("plugins/" + name); }
  std::uintmax_t TimesLoaded() const {
    std::error_code none;
    const auto size = fs::file_size(log_, none);
    return none ? 0 : size;
  }
  std::size_t Remembered() const {
    std::error_code none;
    std::size_t count = 0;
    for (fs::directory_iterator at(folder_.Path("cache/plugins"), none), end; at != end; ++at) {
      ++count;
    }
    return count;
  }

 private:
  TempFolder folder_;
  std::string log_;
};

std::string Refusal(const std::string& id) {
  const auto backend = OpenBackend(id);
  return backend ? "opened" : backend.Error();
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

#define CHECK_HAS(text, part)              \
  do {                                     \
    const std::string has_in = (text);     \
    INFO(has_in);                          \
    CHECK(Has(has_in, std::string(part))); \
  } while (false)

const BackendInfo* Find(const std::vector<BackendInfo>& all, const std::string& id) {
  for (const BackendInfo& info : all) {
    if (info.id == id) return &info;
  }
  return nullptr;
}

TEST_CASE("the text of a plugin is read, and listing loads nothing") {
  const Plugins plugins;
  plugins.Install("none");
  plugins.Write("c_plugin.plugin",
                "id: full\nname: Full Name\nversion: 1.10\nabi: 1.0\nlibrary: none.so\n"
                "formats: [onnx, double]\ndevices: [cuda, cpu]\nneeds: a disk\npreference: 900\n");
  plugins.Write("b.plugin", "id: b\nabi: 1.0\nformats: [x]\nlibrary: none.so\npreference: 950");
  const std::vector<BackendInfo> all = ListBackends();
  REQUIRE(all.size() >= 2);
  CHECK(all[0].id == "b");
  CHECK(all[0].name == "b");
  CHECK(all[0].devices == std::vector<std::string>{"cpu"});
  const BackendInfo& full = all[1];
  CHECK(full.id == "full");
  CHECK(full.name == "Full Name");
  CHECK(full.version == "1.10");
  CHECK(full.library == plugins.Path("none.so"));
  CHECK(full.sidecar == plugins.Path("c_plugin.plugin"));
  CHECK(full.formats == std::vector<std::string>{"onnx", "double"});
  CHECK(full.devices == std::vector<std::string>{"cuda", "cpu"});
  CHECK(full.needs == "a disk");
  CHECK(full.preference == 900);
  CHECK(full.problem.empty());
  CHECK(plugins.TimesLoaded() == 0);
}

TEST_CASE("of two plugins with one id the first folder's counts") {
  const Plugins plugins;
  const TempFolder second;
  plugins.Write("x.plugin", "id: x\nversion: first\nabi: 1.0\nformats: [f]\n");
  second.Write("x.plugin", "id: x\nversion: second\nabi: 1.0\nformats: [f]\n");
  second.Write("y.plugin", "id: y\nversion: second\nabi: 1.0\nformats: [f]\n");
  setenv("PIXLOOM_PLUGIN_PATH", (plugins.Path() + ":" + second.Path()).c_str(), 1);
  const auto all = ListBackends();
  REQUIRE(Find(all, "x") != nullptr);
  CHECK(Find(all, "x")->version == "first");
  REQUIRE(Find(all, "y") != nullptr);
  CHECK(Find(all, "y")->version == "second");
}

TEST_CASE("a text that is wrong says where and what") {
  const Plugins plugins;
  const auto problem = [&](const std::string& text) {
    plugins.Write("bad.plugin", text);
    const auto all = ListBackends();
    const BackendInfo* found = Find(all, "bad");
    return found == nullptr ? "not listed" : found->problem;
  };
  CHECK_HAS(problem("id: [\n"), "bad.plugin:");
  CHECK_HAS(problem("just text\n"), "expected a map with id, abi and formats");
  CHECK_HAS(problem("id: bad\nformats: [x]\n"), "'abi' is missing");
  CHECK_HAS(problem("id: bad\nabi: 1.0\n"), "'formats' is missing");
  CHECK_HAS(problem("id: Bad\nabi: 1.0\nformats: [x]\n"),
            "bad.plugin:1:5: id 'Bad': expected lower-case letters, digits and _");
  CHECK_HAS(problem("id: bad\nabi: 1.0\nformats: [x]\npreferences: 3\n"),
            "unknown key 'preferences'; did you mean 'preference'?");
  CHECK_HAS(problem("id: bad\nabi: 1.0\nformats: onnx\n"), "expected a list like [onnx]");
  CHECK_HAS(problem("id: bad\nabi: 1.0\nformats: [x]\npreference: high\n"),
            "expected a whole number");
  CHECK_HAS(problem("id: bad\nabi: one\nformats: [x]\n"), "abi 'one': expected MAJOR.MINOR");
  CHECK_HAS(problem("id: bad\nabi: 2.3\nformats: [x]\n"),
            "built for plugin ABI 2.3 and this Pixloom has 1.0; install a newer Pixloom");
  CHECK_HAS(problem("id: bad\nabi: 0.9\nformats: [x]\n"),
            "built for plugin ABI 0.9 and this Pixloom has 1.0; install a newer version of the");
  CHECK_HAS(problem("id: bad\nabi: 1.0\nformats: [x]\n"),
            "its library '" + plugins.Path("bad.so") + "' is not there");
  CHECK_HAS(Refusal("bad"), "backend 'bad' cannot be used: its library");
  CHECK(plugins.TimesLoaded() == 0);
}

TEST_CASE("a backend that is not there: the folders and the ids are named") {
  const Plugins plugins;
  plugins.Write("onnxruntime2.plugin", "id: onnxruntime2\nabi: 1.0\nformats: [onnx]\n");
  const std::string text = Refusal("onxruntime2");
  CHECK_HAS(text, "there is no backend 'onxruntime2'; did you mean 'onnxruntime2'?");
  CHECK_HAS(text, "folders searched: " + fs::path(plugins.Path()).parent_path().string());
  CHECK_HAS(text, "PIXLOOM_PLUGIN_PATH");
}

TEST_CASE("plugins that cannot be used are refused with their reason") {
  const Plugins plugins;
  const auto refusal = [&](const std::string& fault) {
    const std::string id = fault == "none" ? "wrong_name" : "c_plugin";
    plugins.Install(fault, id);
    return Refusal(id);
  };
  const std::string head = "backend 'c_plugin' cannot be used: ";
  CHECK_HAS(refusal("other_major"),
            head + "it was built for plugin ABI 2.0 and this Pixloom has 1.0");
  CHECK_HAS(refusal("later_minor"),
            head + "it was built for plugin ABI 1.1 and this Pixloom has 1.0");
  CHECK_HAS(refusal("small_table"), head +
                                        "its tables have 40 and 64 bytes where plugin ABI 1.0 "
                                        "has at least 40 and 72");
  CHECK_HAS(refusal("no_run"), head + "its table has no function for: run");
  CHECK_HAS(refusal("no_tables"), head + "its entry gives no information");
  CHECK_HAS(refusal("other_id"), head + "the library says that it is 'other'");
  CHECK_HAS(refusal("none"), "the library says that it is 'c_plugin'");
  CHECK_HAS(refusal("no_entry"), "has no function pixloom_plugin_entry, so it is no plugin");
  CHECK_HAS(refusal("refuses"), head + "the runtime was not found; it needs: luck");
  const std::string missing = refusal("missing_library");
  CHECK_HAS(missing, "libpixloom_test_absent.so: cannot open shared object file");
  CHECK_HAS(missing, "; it needs: luck");

  plugins.Write("text.so", "not a library");
  plugins.Write("text.plugin", "id: text\nabi: 1.0\nformats: [x]\n");
  CHECK_HAS(Refusal("text"), "backend 'text' cannot be used: " + plugins.Path("text.so"));
}

TEST_CASE("a plugin that crashes or ends the program does so in a child") {
  const Plugins plugins;
  const std::string crashes = plugins.Install("crashes");
  CHECK(Refusal("c_plugin") ==
        "backend 'c_plugin' crashes while it is loaded (signal 11); remove or rebuild it: " +
            crashes);
  const auto loaded = plugins.TimesLoaded();
  CHECK(loaded == 1);
  // Nobody waits for the same crash twice.
  CHECK_HAS(Refusal("c_plugin"), "signal 11");
  CHECK(plugins.TimesLoaded() == loaded);

  CHECK(TryPlugin(BuiltPlugin("c_plugin_aborts"), std::chrono::seconds(60)) ==
        "crashes while it is loaded (signal 6); it said 'no \\x1b luck today'");
  CHECK(TryPlugin(BuiltPlugin("c_plugin_exits"), std::chrono::seconds(60)) ==
        "ends the program while it is loaded (exit code 3)");
  CHECK(TryPlugin(BuiltPlugin("c_plugin_hangs"), std::chrono::milliseconds(500)) ==
        "does not finish loading within 0.5 s; it said 'waiting for Godot'");
  setenv("PIXLOOM_TEST_THROWS", "1", 1);
  CHECK(TryPlugin(BuiltPlugin("cxx_plugin"), std::chrono::seconds(60)) ==
        "crashes while it is loaded (signal 6); it said 'what():  not today'");
  unsetenv("PIXLOOM_TEST_THROWS");
  // What the entry says is not the trial's business.
  CHECK(TryPlugin(BuiltPlugin("c_plugin_refuses"), std::chrono::seconds(60)).empty());
  CHECK(TryPlugin(BuiltPlugin("c_plugin_none"), std::chrono::seconds(60)).empty());
  CHECK(plugins.Remembered() == 0);
}

// Last of those with this id: it stays open.
TEST_CASE("a plugin is loaded once, and remembered to load well") {
  const Plugins plugins;
  const std::string library = plugins.Install("none");
  std::vector<std::thread> threads;
  std::vector<const Backend*> seen(8);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    threads.emplace_back([&seen, i] {
      const auto backend = OpenBackend("c_plugin");
      if (backend) seen[i] = backend->get();
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(seen[0] != nullptr);
  for (const Backend* each : seen) CHECK(each == seen[0]);
  CHECK(plugins.TimesLoaded() == 2);  // the trial and the process
  CHECK(plugins.Remembered() == 1);
  CHECK(seen[0]->runtime == "doubler 3");
  CHECK(seen[0]->info.library == library);

  const pixloom_backend& api = *seen[0]->api;
  REQUIRE((api.memory != nullptr));
  REQUIRE((api.get_extension != nullptr));
  std::uint64_t used = 1, limit = 1;
  CHECK(api.memory(nullptr, &used, &limit) == PIXLOOM_OK);
  CHECK(used + limit == 0);
  CHECK(api.get_extension(nullptr, "pinned-memory/1") == nullptr);
  CHECK(api.probe("x", "onnx", "cpu") == PIXLOOM_BAD_MODEL);
  CHECK(std::string(api.last_error(nullptr)) == "this plugin knows the format double");
}

TEST_CASE("a library that loaded well is tried again when it is another or crashed") {
  const Plugins plugins;
  const std::string library = plugins.Install("none");
  CHECK(BeforeLoading(library).empty());
  CHECK(plugins.TimesLoaded() == 1);
  AfterLoading(library);
  CHECK(plugins.Remembered() == 1);
  CHECK(BeforeLoading(library).empty());
  CHECK(plugins.TimesLoaded() == 1);
  // Until it loaded once more, nothing is known.
  CHECK(plugins.Remembered() == 0);
  CHECK(BeforeLoading(library).empty());
  CHECK(plugins.TimesLoaded() == 2);
  AfterLoading(library);
  fs::last_write_time(library, fs::file_time_type::clock::now() - std::chrono::hours(1));
  CHECK(BeforeLoading(library).empty());
  CHECK(plugins.TimesLoaded() == 3);
}

TEST_CASE("without a cache every load is tried, and nothing breaks") {
  const Plugins plugins;
  const std::string library = plugins.Install("none");
  unsetenv("PIXLOOM_CACHE");
  setenv("XDG_CACHE_HOME", "/proc/no/such", 1);
  AfterLoading(library);
  CHECK(BeforeLoading(library).empty());
  CHECK(BeforeLoading(library).empty());
  CHECK(plugins.TimesLoaded() == 2);
  unsetenv("XDG_CACHE_HOME");
}

float* PlaceIn(void* context, std::uint32_t, std::uint32_t ndim, const std::int64_t* dims) {
  auto& memory = *static_cast<std::vector<float>*>(context);
  std::int64_t size = 1;
  for (std::uint32_t i = 0; i < ndim; ++i) size *= dims[i];
  if (size > 1000) return nullptr;
  memory.resize(static_cast<std::size_t>(size));
  return memory.data();
}

TEST_CASE("a plugin made with plugin.h") {
  const Plugins plugins;
  plugins.Write("cxx.plugin", "id: cxx_plugin\nabi: 1.0\nformats: [sum]\nlibrary: " +
                                  BuiltPlugin("cxx_plugin") + "\n");
  const auto backend = OpenBackend("cxx_plugin");
  REQUIRE_MESSAGE(backend.Ok(), backend.Error());
  CHECK((*backend)->runtime == "adder 2.5");
  const pixloom_backend& api = *(*backend)->api;
  CHECK(api.probe("f", "onnx", "cpu") == PIXLOOM_BAD_MODEL);
  CHECK(std::string(api.last_error(nullptr)) == "not a sum");
  CHECK(api.probe("f", "sum", "cpu") == PIXLOOM_OK);
  CHECK(std::string(api.last_error(nullptr)).empty());
  CHECK(*static_cast<const int*>(api.get_extension(nullptr, "answer/1")) == 42);
  CHECK(api.get_extension(nullptr, "question/1") == nullptr);

  const char* names[] = {"sum"};
  pixloom_options options{};
  options.struct_size = sizeof options;
  options.output_names = names;
  options.output_count = 1;
  options.precision = PIXLOOM_FP16;
  void* self = nullptr;
  const auto created = [&](const char* path) {
    options.model_path = path;
    return api.create(&options, &self);
  };
  CHECK(created("no memory") == PIXLOOM_OUT_OF_MEMORY);
  CHECK(created("no device") == PIXLOOM_NO_DEVICE);
  CHECK(std::string(api.last_error(nullptr)) == "no such device");
  CHECK(created("number") == PIXLOOM_FAILED);
  CHECK(std::string(api.last_error(nullptr)) == "an exception of unknown type");
  pixloom_description description{};
  description.struct_size = sizeof description;
  REQUIRE(created("many dims") == PIXLOOM_OK);
  CHECK(api.describe(self, &description) == PIXLOOM_BAD_MODEL);
  CHECK_HAS(api.last_error(self), "'deep' has 9 dimensions; at most 8 are possible");
  api.destroy(self);

  REQUIRE(created("good") == PIXLOOM_OK);
  REQUIRE(api.describe(self, &description) == PIXLOOM_OK);
  REQUIRE(description.input_count == 2);
  CHECK(std::string(description.inputs[1].name) == "b");
  CHECK(description.inputs[1].ndim == 2);
  CHECK(description.inputs[1].dims[0] == -1);
  CHECK(description.inputs[1].dims[1] == 2);
  REQUIRE(description.output_count == 1);
  CHECK(std::string(description.outputs[0].name) == "sum");
  CHECK(description.outputs[0].ndim == 0);
  CHECK(std::string(description.device) == "cpu:7");
  CHECK(description.waits == 1);
  CHECK(description.flags == 0);
  std::uint64_t used = 0, limit = 0;
  CHECK(api.memory(self, &used, &limit) == PIXLOOM_OK);
  CHECK(used == 3);
  CHECK(limit == 4);

  const std::vector<float> a{1, 2, 3, 4, 5, 6}, b{10, 20, 30, 40, 50, 60};
  const pixloom_tensor inputs[] = {{a.data(), 2, {3, 2}}, {b.data(), 2, {3, 2}}};
  std::vector<float> result;
  pixloom_outputs outputs{sizeof outputs, &result, PlaceIn};
  REQUIRE(api.run(self, inputs, 2, &outputs) == PIXLOOM_OK);
  CHECK(result == std::vector<float>{11, 22, 33, 44, 55, 66});
  CHECK(api.run(self, inputs, 1, &outputs) == PIXLOOM_BAD_SHAPE);
  CHECK(std::string(api.last_error(self)) == "two inputs are needed");
  const pixloom_tensor large[] = {{nullptr, 2, {1000, 2}}, {nullptr, 2, {1000, 2}}};
  CHECK(api.run(self, large, 2, &outputs) == PIXLOOM_OUT_OF_MEMORY);
  api.destroy(self);
}

TEST_CASE("a backend that is part of the program") {
  const Plugins plugins;
  static pixloom_backend table = {};
  table.struct_size = sizeof table;
  Backend added;
  added.info.id = "inside";
  added.info.preference = 1000;
  added.api = &table;
  AddBackend(added);
  CHECK(ListBackends()[0].id == "inside");
  const auto backend = OpenBackend("inside");
  REQUIRE(backend.Ok());
  CHECK((*backend)->runtime == "inside");
  CHECK(((*backend)->api->memory != nullptr));
}

TEST_CASE("every status has words, also those of later versions") {
  CHECK(std::string(StatusText(PIXLOOM_OUT_OF_MEMORY)) == "out of memory");
  CHECK(std::string(StatusText(1234)) == StatusText(PIXLOOM_FAILED));
}

}  // namespace
}  // namespace pixloom
