// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include <hdf5.h>

#include "datasets/hdf5_handle.h"
#include "pipeline/error.h"
#include "tests/datasets/hdf5_fixture.h"
#include "tests/datasets/hdf5_text.h"

namespace pixloom {
namespace {

using namespace pixloom::testing;

// Of every kind: odd sizes, an empty one, groups in groups, all types of attributes.
Structure Example() {
  Structure structure;
  structure.data_start = 16384;
  structure.datasets = {
      {"images", Element::kU8, {7, 5, 3, 3}, {{"layout", "NHWC"}, {"classes", std::int64_t{3}}}},
      {"labels", Element::kI64, {7}, {}},
      {"instances/offsets", Element::kI64, {8}, {}},
      {"instances/box", Element::kF32, {0, 4}, {}},
      {"instances/rings/points/xy", Element::kF32, {11, 2}, {{"scale", 0.5}}},
      {"attributes/angle", Element::kF64, {7}, {}},
      {"masks/class", Element::kU16, {7, 5, 3}, {}},
      {"counts", Element::kU32, {9}, {}},
      {"meta/seq", Element::kU64, {7}, {}},
      {"instances/class", Element::kI32, {3}, {}},
  };
  structure.attributes = {{"",
                           {{"schema", std::int64_t{1}},
                            {"names", std::vector<std::string>{"cat", "dög", ""}},
                            {"empty", ""},
                            {"ids", std::vector<std::int64_t>{-1, 5}},
                            {"mean", std::vector<double>{0.25, 1e300}}}},
                          {"instances", {{"note", "per row"}}},
                          {"bare/group", {{"here", std::int64_t{-2}}}}};
  return structure;
}

std::vector<Bytes> DataOf(const Structure& structure) {
  std::vector<Bytes> all;
  for (const StructureDataset& dataset : structure.datasets) {
    std::uint64_t bytes = SizeOf(dataset.element);
    for (const std::uint64_t dim : dataset.dims) bytes *= dim;
    all.push_back(SomeBytes(bytes, all.size()));
  }
  return all;
}

void Fill(const std::string& path, const Places& places, const std::vector<Bytes>& data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (!data[i].empty()) WriteBytesAt(path, places.data[i], data[i]);
  }
}

void CheckReads(const Folder& folder, const std::string& path, const Structure& structure,
                const std::vector<Bytes>& data) {
  Python("dump_all " + path + " " + (folder / "out"));
  for (std::size_t i = 0; i < data.size(); ++i) {
    CAPTURE(structure.datasets[i].path);
    CHECK(ReadBytes(DumpOf(folder / "out", structure.datasets[i].path)) == data[i]);
  }
}

TEST_CASE("data lies where it was planned, and other programs read it") {
  const Folder folder;
  const Structure structure = Example();
  const std::string path = folder / "a.h5";
  const Places places = CreateStructure(path, structure);
  CHECK(places.data[0] == 16384);
  CHECK(places.data[3] == 0);
  CHECK(fs::file_size(path) == places.end);
  REQUIRE(places.written.size() == 1);
  CHECK(places.written[0].first == 0);
  CHECK(places.written[0].second <= 16384);
  std::uint64_t end = 0;
  for (const std::uint64_t place : places.data) {
    if (place == 0) continue;
    CHECK(place % 8 == 0);
    CHECK(place > end);
    end = place;
  }

  const auto data = DataOf(structure);
  Fill(path, places, data);
  CheckOpens(path, structure, places);
  CheckReads(folder, path, structure, data);
  CHECK(Python("list " + path) ==
        R"(/
  @empty = ''
  @ids = [-1, 5]
  @mean = [0.25, 1e+300]
  @names = ['cat', 'dög', '']
  @schema = 1
attributes/
attributes/angle <f8 7 fill nan
bare/
bare/group/
  bare/group@here = -2
counts <u4 9 fill 0
images |u1 7x5x3x3 fill 0
  images@classes = 3
  images@layout = 'NHWC'
instances/
  instances@note = 'per row'
instances/box <f4 0x4 fill nan
instances/class <i4 3 fill -1
instances/offsets <i8 8 fill -1
instances/rings/
instances/rings/points/
instances/rings/points/xy <f4 11x2 fill nan
  instances/rings/points/xy@scale = 0.5
labels <i8 7 fill -1
masks/
masks/class <u2 7x5x3 fill 0
meta/
meta/seq <u8 7 fill 0
)");
  CHECK(Run("h5dump -H " + path).status == 0);
  CHECK(Run("h5stat " + path).status == 0);
  CHECK(Run("h5repack " + path + " " + (folder / "b.h5")).status == 0);
  CHECK(Run("h5diff " + path + " " + (folder / "b.h5")).status == 0);
}

TEST_CASE("the same structure gives the same bytes, also later") {
  const Folder folder;
  CreateStructure(folder / "a.h5", Example());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  CreateStructure(folder / "b.h5", Example());
  CHECK(ReadBytes(folder / "a.h5") == ReadBytes(folder / "b.h5"));
}

TEST_CASE("writing with HDF5 gives the same file") {
  const Folder folder;
  const Structure structure = Example();
  const auto data = DataOf(structure);
  const Places places = CreateStructure(folder / "a.h5", structure);
  Fill(folder / "a.h5", places, data);

  CreateStructure(folder / "b.h5", structure);
  {
    const Hdf5Session session;
    Hdf5Id file(H5Fopen((folder / "b.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, "open");
    for (std::size_t i = 0; i < data.size(); ++i) {
      const Hdf5Id dataset(H5Dopen2(file.Get(), structure.datasets[i].path.c_str(), H5P_DEFAULT),
                           H5Dclose, "open");
      CheckHdf5(H5Dwrite(dataset.Get(), Hdf5TypeOf(structure.datasets[i].element), H5S_ALL, H5S_ALL,
                         H5P_DEFAULT, data[i].data()),
                "write");
    }
    file.Close("close");
  }
  CHECK(ReadBytes(folder / "a.h5") == ReadBytes(folder / "b.h5"));
}

TEST_CASE("HDF5 adds to such a file without touching its data") {
  const Folder folder;
  const Structure structure = Example();
  const auto data = DataOf(structure);
  const std::string path = folder / "a.h5";
  Fill(path, CreateStructure(path, structure), data);
  Python("append " + path + " 50000");
  CheckReads(folder, path, structure, data);
}

// Chunks of all sizes, a whole dataset behind them, and another chunked one.
Structure ChunkedExample(std::uint64_t rows, const ChunkFilters& filters, Bytes& data,
                         Bytes& packed) {
  Structure structure;
  StructureDataset images{"images", Element::kU16, {rows, 3, 5}, {}, true, {filters, {}}};
  for (std::uint64_t i = 0; i < rows; ++i) {
    const Bytes chunk = SomeBytes(30, i);
    const Bytes one = Pack(filters, 2, chunk);
    images.chunks.sizes.push_back(one.size());
    data.insert(data.end(), chunk.begin(), chunk.end());
    packed.insert(packed.end(), one.begin(), one.end());
  }
  StructureDataset again = images;
  again.path = "group/again";
  structure.datasets = {images, {"labels", Element::kI64, {rows}, {}}, again};
  structure.data_start = RoomFor(structure, 0);
  return structure;
}

TEST_CASE("chunks of our own making are found") {
  const Folder folder;
  for (const std::uint64_t rows : {0, 1, 2, 63, 64, 65, 4096, 4097, 5000}) {
    for (const bool gzip : {true, false}) {
      CAPTURE(rows);
      const ChunkFilters filters{gzip ? Compression::kGzip : Compression::kNone, 1, true, !gzip};
      Bytes data, packed;
      const Structure structure = ChunkedExample(rows, filters, data, packed);
      const std::string name = std::to_string(rows) + (gzip ? "gzip" : "sum");
      const std::string path = folder / (name + ".h5");
      const Places places = CreateStructure(path, structure);
      REQUIRE(places.data.size() == 3);
      const std::vector<Bytes> whole{data, SomeBytes(8 * rows, 1), data};
      if (rows > 0) {
        CHECK(places.data[0] == structure.data_start);
        CHECK(places.written.size() == 3);
        Fill(path, places, {packed, whole[1], packed});
      }
      // Compares place and size of every chunk.
      CheckOpens(path, structure, places);
      CheckReads(folder, path, structure, whole);
      if (rows != 65 && rows != 5000) continue;

      CHECK(Run("h5dump " + path + " > " + (folder / "dump")).status == 0);
      CHECK(Run("h5dump " + path + " > " + (folder / "dump")).text == "");
      CHECK(Run("h5stat " + path).status == 0);
      CHECK(Run("h5repack -f NONE " + path + " " + (folder / "plain.h5")).status == 0);
      CHECK(Run("h5diff " + path + " " + (folder / "plain.h5")).status == 0);
      fs::remove(folder / "plain.h5");
      // HDF5 can add to the file, and to the chunks' values.
      const Bytes before = ReadBytes(path);
      Python("append " + path + " 50000");
      CheckReads(folder, path, structure, whole);
      const Bytes after = ReadBytes(path);
      REQUIRE(after.size() > before.size());
      CHECK(std::equal(before.begin() + static_cast<long>(structure.data_start), before.end(),
                       after.begin() + static_cast<long>(structure.data_start)));
      Python("change " + path + " images");
      Python("dump " + path + " images " + (folder / "out"));
      CHECK(ReadBytes(folder / "out") == Bytes(data.size(), 9));
      Python("dump " + path + " group/again " + (folder / "out"));
      CHECK(ReadBytes(folder / "out") == data);
    }
  }
}

TEST_CASE("a file that is not as planned is found out") {
  const Folder folder;
  Bytes data, packed;
  Structure structure = ChunkedExample(70, {Compression::kGzip}, data, packed);
  const std::string path = folder / "a.h5";
  const Places places = CreateStructure(path, structure);
  CheckOpens(path, structure, places);
  const auto finds = [&](const Structure& planned, const Places& where, const char* what) {
    CHECK_THROWS_WITH_AS(CheckOpens(path, planned, where), doctest::Contains(what),
                         EnvironmentError);
  };
  Structure other = structure;
  other.datasets[1].element = Element::kU64;
  finds(other, places, "dataset 'labels' of");
  finds(other, places, "its type");
  other = structure;
  other.datasets[1].dims = {71};
  finds(other, places, "its dims");
  other = structure;
  ++other.datasets[0].chunks.sizes[69];
  finds(other, places, "its chunks");
  Places moved = places;
  moved.data[1] += 8;
  finds(structure, moved, "its place");
  other = structure;
  other.datasets[1].path = "missing";
  finds(other, places, "cannot open dataset 'missing' of");
  WriteBytesAt(path, places.written[1].first, Bytes(4, 0));  // a node of the index
  finds(structure, places, "B-tree");
  WriteBytesAt(path, 0, Bytes(8, 0));
  finds(structure, places, "as HDF5: ");
}

TEST_CASE("a master shows the rows of all files") {
  const Folder folder;
  fs::create_directory(folder / "set");
  Bytes labels, images;
  for (const int part : {0, 1, 2}) {
    Structure structure;
    const std::uint64_t rows = part == 1 ? 0 : 3 + static_cast<std::uint64_t>(part);
    structure.datasets = {{"images", Element::kU8, {rows, 4, 5, 3}, {}},
                          {"attributes/x", Element::kF64, {rows}, {}},
                          {"labels", Element::kI64, {rows}, {}}};
    structure.data_start = RoomFor(structure, 0);
    const std::string path = folder / ("set/part-" + std::to_string(part) + ".h5");
    const std::vector<Bytes> data{SomeBytes(rows * 60, static_cast<std::uint64_t>(part)),
                                  Bytes(rows * 8), SomeBytes(rows * 8, 9)};
    Fill(path, CreateStructure(path, structure), data);
    images.insert(images.end(), data[0].begin(), data[0].end());
    labels.insert(labels.end(), data[2].begin(), data[2].end());
  }
  const auto create = [&](const std::string& name) {
    CreateMaster(folder / name,
                 {{"images", Element::kU8, {4, 5, 3}},
                  {"attributes/x", Element::kF64, {}},
                  {"labels", Element::kI64, {}}},
                 {{"part-0.h5", 3}, {"part-1.h5", 0}, {"part-2.h5", 5}},
                 {{"", {{"schema", "x"}}}, {"images", {{"layout", "NHWC"}}}});
  };
  create("set/all.h5");
  create("set/again.h5");
  CHECK(ReadBytes(folder / "set/all.h5") == ReadBytes(folder / "set/again.h5"));
  CHECK_FALSE(fs::exists(folder / "set/all.h5.tmp"));

  const std::string script = fs::absolute("tests/datasets/hdf5_check.py").string();
  const std::string elsewhere = "cd / && /usr/bin/python3 " + script + " ";
  const auto check = [&](const std::string& path, const Bytes& wanted) {
    CHECK(Run(elsewhere + "dump " + (folder / "set/all.h5") + " " + path + " " + (folder / "out"))
              .text == "");
    CHECK(ReadBytes(folder / "out") == wanted);
  };
  check("images", images);
  check("labels", labels);
  CHECK(Python("list " + (folder / "set/all.h5")) == R"(/
  @schema = 'x'
attributes/
attributes/x <f8 8 fill nan
images |u1 8x4x5x3 fill 0
  images@layout = 'NHWC'
labels <i8 8 fill -1
)");
  CHECK(ReadTextAttribute(folder / "set/all.h5", "schema") == "x");
  CHECK(Run("h5dump -p " + (folder / "set/all.h5") + " > " + (folder / "dump")).status == 0);

  // Where a file is missing, labels say that they are none.
  fs::remove(folder / "set/part-0.h5");
  std::fill(labels.begin(), labels.begin() + 24, std::uint8_t{255});
  check("labels", labels);
  std::fill(images.begin(), images.begin() + 180, std::uint8_t{0});
  check("images", images);
}

TEST_CASE("a large file takes no space before there is data in it") {
  const Folder folder;
  Structure structure;
  structure.datasets = {{"images", Element::kU8, {1'000'000, 224, 224, 3}, {}},
                        {"labels", Element::kI64, {1'000'000}, {}}};
  structure.data_start = 8192;
  const std::string path = folder / "a.h5";
  const Places places = CreateStructure(path, structure);
  CHECK(places.data[1] == 8192 + 150'528'000'000);
  CHECK(fs::file_size(path) == places.data[1] + 8'000'000);
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK(info.st_blocks * 512 < 100'000);
  CheckOpens(path, structure, places);
  WriteBytesAt(path, places.data[1] + 7'999'992, {42, 0, 0, 0, 0, 0, 0, 0});
  CHECK(Run("/usr/bin/python3 -c \"import h5py; f = h5py.File('" + path +
            "'); print(f['labels'][-1], f['images'][-1].sum())\"")
            .text == "42 0\n");
}

TEST_CASE("too little room is said before anything is written") {
  const Folder folder;
  Structure structure = Example();
  structure.data_start = 4096;
  std::uint64_t needed = 0;
  CHECK_THROWS_WITH_AS(CreateStructure(folder / "a.h5", structure, &needed),
                       doctest::Contains("needs 16384 bytes before its data, which begins at 4096"),
                       EnvironmentError);
  CHECK_FALSE(fs::exists(folder / "a.h5"));
  CHECK(needed == RoomFor(structure, 0));
  structure.data_start = needed;
  CHECK(CreateStructure(folder / "a.h5", structure).data[0] == needed);
  CHECK(RoomFor(structure, 4096) == needed + 4096);
  // It exists.
  CHECK_THROWS_WITH_AS(CreateStructure(folder / "a.h5", structure),
                       doctest::Contains("File exists (EEXIST)"), EnvironmentError);
}

TEST_CASE("what HDF5 says is in the exception") {
  const Folder folder;
  Structure structure = Example();
  structure.datasets.push_back(structure.datasets[0]);
  CHECK_THROWS_WITH_AS(CreateStructure(folder / "a.h5", structure),
                       doctest::Contains("cannot create dataset 'images' of an HDF5 file: "),
                       EnvironmentError);
  CHECK_THROWS_WITH_AS(CreateStructure(folder / "a.h5", structure),
                       doctest::Contains("already exists"), EnvironmentError);
}

TEST_CASE("long attributes are kept whole") {
  const Folder folder;
  Structure structure = Example();
  std::vector<std::string> names;
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 30000; ++i) {
    names.push_back("class " + std::to_string(i));
    ids.push_back(i);
  }
  const std::string config(200'000, 'x');
  structure.attributes = {
      {"", {{"config", config}, {"names", names}, {"ids", ids}, {"s", "short"}}}};
  structure.data_start = RoomFor(structure, 0);
  const std::string path = folder / "a.h5";
  const Places places = CreateStructure(path, structure);
  Fill(path, places, DataOf(structure));
  CheckReads(folder, path, structure, DataOf(structure));
  CHECK(ReadTextAttribute(path, "config") == config);
  CHECK(ReadTextAttribute(path, "names").starts_with(R"(["class 0","class 1",)"));
  CHECK(ReadTextAttribute(path, "ids").starts_with("[0,1,2,"));
  CHECK(ReadTextAttribute(path, "s") == "short");
  CHECK(Python("list " + path).find("@config = 'xxx") != std::string::npos);
}

TEST_CASE("text attributes of our files") {
  const Folder folder;
  const std::string path = folder / "a.h5";
  CreateStructure(path, Example());
  CHECK(ReadTextAttribute(path, "images/@layout") == "NHWC");
  CHECK(ReadTextAttribute(path, "empty") == "");
  CHECK(ReadTextAttribute(path, "missing") == "");
  CHECK(ReadTextAttribute(path, "schema") == "");
  CHECK(ReadTextAttribute(folder / "missing.h5", "schema") == "");
  CHECK(ReadTextAttribute("tests/CMakeLists.txt", "schema") == "");
}

}  // namespace
}  // namespace pixloom
