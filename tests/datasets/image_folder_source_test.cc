// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "datasets/image_folder.h"
#include "tests/datasets/folder_fixture.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;
using testing::Bytes;
using testing::JpegSpec;
using testing::MakeJpeg;
using testing::SmallJpeg;
using testing::Strings;
using testing::TemporaryDirectory;
using testing::TheCodec;

struct Listing {
  std::unique_ptr<Source> source;
  Strings keys;
  Strings notices;
  std::string error;

  const SourceEntry& Entry(const std::string& key) const {
    const auto at = std::find_if(entries.begin(), entries.end(),
                                 [&](const SourceEntry& e) { return e.key == key; });
    REQUIRE(at != entries.end());
    return *at;
  }
  std::vector<SourceEntry> entries;
};

Listing List(const TemporaryDirectory& directory, ImageFolderSourceParams params = {}) {
  params.path = directory.path.string();
  Listing listing;
  listing.source = MakeImageFolderSource(params, TheCodec());
  auto entries =
      listing.source->List([&](std::string text) { listing.notices.push_back(std::move(text)); });
  if (!entries) {
    listing.error = entries.Error();
    return listing;
  }
  for (const SourceEntry& entry : *entries) listing.keys.push_back(entry.key);
  listing.entries = std::move(*entries);
  return listing;
}

bool Mentions(const Strings& texts, const std::string& part) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

TEST_CASE("pictures are listed by extension, in byte order of their paths") {
  TemporaryDirectory in;
  for (const char* name :
       {"b/x.jpg", "B/x.JPG", "a-b/1.png", "a/2.jpeg", "a/10.Tiff", "a/z.txt", "top.webp",
        "a/.hidden.jpg", ".git/x.jpg", "a/noext", "a/x.bmp", "a/y.tif", "\xC3\xA9/x.jpg"}) {
    in.Put(name, Bytes(3, 'x'));
  }
  auto listing = List(in);
  CHECK(listing.keys == Strings{"B/x.JPG", "a-b/1.png", "a/10.Tiff", "a/2.jpeg", "a/x.bmp",
                                "a/y.tif", "b/x.jpg", "top.webp", "\xC3\xA9/x.jpg"});
  CHECK(listing.notices.empty());
  CHECK(listing.Entry("a/x.bmp").bytes == 3);

  ImageFolderSourceParams flat;
  flat.recursive = false;
  CHECK(List(in, flat).keys == Strings{"top.webp"});
}

TEST_CASE("the first directory is the class") {
  TemporaryDirectory in;
  for (const char* name : {"b/x.jpg", "a/deep/2.jpg", "a-b/1.jpg", "top.jpg"}) {
    in.Put(name, SmallJpeg());
  }
  fs::create_directories(in.path / "empty");
  auto listing = List(in);
  auto sample = listing.source->Read(listing.Entry("a/deep/2.jpg"));
  REQUIRE(sample.Ok());
  CHECK(sample->names->classes == Strings{"a", "a-b", "b"});
  CHECK(sample->labels.label == 0);
  CHECK(listing.source->Read(listing.Entry("a-b/1.jpg"))->labels.label == 1);
  CHECK(listing.source->Read(listing.Entry("b/x.jpg"))->labels.label == 2);
  CHECK(!listing.source->Read(listing.Entry("top.jpg"))->labels.label);
  CHECK(listing.source->Read(listing.Entry("b/x.jpg"))->names == sample->names);

  ImageFolderSourceParams params;
  params.classes = FolderClasses::kNone;
  listing = List(in, params);
  CHECK(!listing.source->Read(listing.Entry("b/x.jpg"))->labels.label);
}

TEST_CASE("a sample stays encoded and carries the parameters") {
  TemporaryDirectory in;
  JpegSpec spec;
  spec.orientation = 6;
  in.Put("a.jpg", MakeJpeg(spec));
  ImageFolderSourceParams params;
  params.decode = DecodeMode::kExact;
  params.truncated = TruncatedPolicy::kAccept;
  params.channels = 1;
  auto listing = List(in, params);
  CHECK(listing.source->OutputMeta().channels == 1);
  auto sample = listing.source->Read(listing.entries[0]);
  REQUIRE(sample.Ok());
  CHECK(sample->key == "a.jpg");
  REQUIRE(sample->images.size() == 1);
  CHECK(sample->images[0].first == "image");
  const Frame& frame = sample->images[0].second.frames.at(0);
  CHECK(!frame.Decoded());
  CHECK(frame.size() == Size{48, 64});
  CHECK(frame.channels() == 1);
  CHECK(frame.encoded->exact);
  CHECK(frame.encoded->accept_truncated);
}

TEST_CASE("bad files are errors of their sample") {
  TemporaryDirectory in;
  in.Put("empty.jpg", {});
  const std::string html = "<html><body>404</body></html>";
  in.Put("page.jpg", Bytes(html.begin(), html.end()));
  Bytes header_only = SmallJpeg();
  header_only.resize(40);
  in.Put("cut.jpg", header_only);
  in.Put("bomb.png", testing::PngClaiming(20000, 20000));
  in.Put("gone.jpg", SmallJpeg());
  in.Put("wrong.jpg", testing::MakePng({2, 1, 8, 0, {1, 2}, {}, {}, 0}));
  auto listing = List(in);
  REQUIRE(listing.keys.size() == 6);
  fs::remove(in.path / "gone.jpg");
  const auto error = [&](const std::string& key) {
    auto sample = listing.source->Read(listing.Entry(key));
    REQUIRE(!sample.Ok());
    return sample.Error();
  };
  CHECK(error("empty.jpg").code == "DEC-FORMAT");
  CHECK(error("empty.jpg").message == "empty file");
  CHECK(error("page.jpg").message.starts_with("text/html, 29 bytes"));
  CHECK(error("cut.jpg").code == "DEC-TRUNC");
  CHECK(error("bomb.png").code == "DEC-LIMIT");
  CHECK(error("gone.jpg").code == "IO-OPEN");
  CHECK(error("gone.jpg").message == "cannot be opened: No such file or directory (ENOENT)");
  // The name is wrong, the picture is fine.
  auto wrong = listing.source->Read(listing.Entry("wrong.jpg"));
  REQUIRE(wrong.Ok());
  CHECK(wrong->Image()->frames[0].encoded->header->format == ImageFormat::kPng);

  ImageFolderSourceParams params;
  params.max_bytes = 100;
  in.Put("large.jpg", SmallJpeg());
  auto limited = List(in, params);
  auto large = limited.source->Read(limited.Entry("large.jpg"));
  REQUIRE(!large.Ok());
  CHECK(large.Error().code == "DEC-LIMIT");
  CHECK(large.Error().remedy.find("max_bytes") != std::string::npos);
}

TEST_CASE("FIFOs and sockets are skipped with a notice and never block") {
  TemporaryDirectory in;
  in.Put("a.jpg", SmallJpeg());
  REQUIRE(::mkfifo((in.path / "pipe.jpg").c_str(), 0600) == 0);
  auto listing = List(in);
  CHECK(listing.keys == Strings{"a.jpg"});
  CHECK(listing.notices == Strings{"skipped 'pipe.jpg': FIFO, not a regular file"});
  // A file that turns into a FIFO after it was listed.
  auto sample = listing.source->Read({"pipe.jpg", 5});
  REQUIRE(!sample.Ok());
  CHECK(sample.Error().code == "IO-OPEN");
  CHECK(sample.Error().message.find("FIFO") != std::string::npos);
}

TEST_CASE("symbolic links") {
  TemporaryDirectory in;
  TemporaryDirectory elsewhere;
  elsewhere.Put("far.jpg", SmallJpeg());
  in.Put("a/one.jpg", SmallJpeg());
  in.Put("b/two.jpg", SmallJpeg());
  fs::create_symlink("..", in.path / "a/up");
  fs::create_symlink("../a", in.path / "b/peer");
  fs::create_symlink(elsewhere.path, in.path / "far");
  fs::create_symlink("a/one.jpg", in.path / "link.jpg");
  fs::create_symlink("nowhere", in.path / "dangling.jpg");
  auto plain = List(in);
  CHECK(plain.keys == Strings{"a/one.jpg", "b/two.jpg"});
  CHECK(plain.notices.size() == 5);
  CHECK(Mentions(plain.notices, "'far': symbolic link; set follow_symlinks: true"));

  ImageFolderSourceParams params;
  params.follow_symlinks = true;
  auto followed = List(in, params);
  CHECK(followed.keys ==
        Strings{"a/one.jpg", "b/peer/one.jpg", "b/two.jpg", "far/far.jpg", "link.jpg"});
  CHECK(Mentions(followed.notices, "'a/up/': symbolic link to a directory around it"));
  CHECK(Mentions(followed.notices, "'dangling.jpg': No such file or directory (ENOENT)"));
  CHECK(followed.source->Read(followed.Entry("link.jpg")).Ok());
  // Not asked to follow: a file that turned into a link is not read either.
  CHECK(plain.source->Read({"link.jpg", 0}).Error().code == "IO-OPEN");
}

TEST_CASE("many skipped things give few notices") {
  TemporaryDirectory in;
  in.Put("a.jpg", SmallJpeg());
  for (int i = 0; i < 20; ++i) {
    fs::create_symlink("a.jpg", in.path / ("l" + std::to_string(i) + ".jpg"));
  }
  auto listing = List(in);
  CHECK(listing.notices.size() == 6);
  CHECK(listing.notices.back().starts_with("skipped 15 more: symbolic link"));
}

// Root reads everything, so for the length of a test it becomes somebody else.
class Unprivileged {
 public:
  Unprivileged() : was_root_(::geteuid() == 0) {
    if (was_root_) works_ = ::seteuid(65534) == 0;
  }
  ~Unprivileged() {
    if (was_root_ && works_) (void)!::seteuid(0);
  }
  bool Works() const { return works_; }

 private:
  bool was_root_;
  bool works_ = true;
};

TEST_CASE("unreadable files and directories") {
  TemporaryDirectory in;
  in.Put("a/secret.jpg", SmallJpeg());
  in.Put("b/x.jpg", SmallJpeg());
  REQUIRE(::chmod(in.path.c_str(), 0755) == 0);
  REQUIRE(::chmod((in.path / "a/secret.jpg").c_str(), 0) == 0);
  REQUIRE(::chmod((in.path / "b").c_str(), 0) == 0);
  {
    const Unprivileged user;
    if (!user.Works()) {
      std::printf("[skipped] unreadable files: root here cannot become another user\n");
      return;
    }
    auto listing = List(in);
    CHECK(listing.keys == Strings{"a/secret.jpg"});
    CHECK(Mentions(listing.notices, "'b/': Permission denied (EACCES)"));
    auto sample = listing.source->Read({"a/secret.jpg", 0});
    REQUIRE(!sample.Ok());
    CHECK(sample.Error().code == "IO-OPEN");
    CHECK(sample.Error().message.find("EACCES") != std::string::npos);
  }
  REQUIRE(::chmod((in.path / "b").c_str(), 0700) == 0);
}

TEST_CASE("odd names") {
  TemporaryDirectory in;
  const std::string newline = "a\nb.jpg";
  const std::string latin1 = "caf\xE9.jpg";
  in.Put(newline, SmallJpeg());
  in.Put(latin1, SmallJpeg());
  REQUIRE(::mkfifo((in.path / "x\ny.jpg").c_str(), 0600) == 0);
  auto listing = List(in);
  CHECK(listing.keys == Strings{newline, latin1});
  CHECK(listing.source->Read(listing.Entry(newline)).Ok());
  CHECK(listing.source->Read(listing.Entry(latin1)).Ok());
  CHECK(Mentions(listing.notices, "x\\x0Ay.jpg"));
}

TEST_CASE("a source that cannot be opened says why") {
  TemporaryDirectory in;
  CHECK(List(in).error == "no pictures in '" + in.path.string() + "' or below");
  in.Put("notes.txt", Bytes(3, 'x'));
  CHECK(List(in).error.find("1 files with other extensions") != std::string::npos);
  auto source = MakeImageFolderSource({.path = (in.path / "missing").string()}, TheCodec());
  auto entries = source->List([](const std::string&) {});
  REQUIRE(!entries.Ok());
  CHECK(entries.Error().find("No such file or directory (ENOENT)") != std::string::npos);
}

}  // namespace
}  // namespace pixloom
