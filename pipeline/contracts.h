// SPDX-License-Identifier: Apache-2.0
// Contracts between the engine and the modules beside it. pipeline/ declares them, datasets/ and
// models/ implement them, api/ injects them; siblings never include each other.
//
// Thread safety is stated per contract.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/error.h"
#include "pipeline/fingerprint.h"
#include "pipeline/geometry.h"
#include "pipeline/report.h"
#include "pipeline/rng.h"
#include "pipeline/sample.h"
#include "pipeline/step.h"

namespace pixloom {

// ---- Codec ------------------------------------------------------------------------------------

// What a file says about its picture before anything is decoded.
enum class ImageFormat { kUnknown, kJpeg, kPng, kBmp, kWebp, kTiff };

struct ImageHeader {
  ImageFormat format = ImageFormat::kUnknown;
  Size size;            // as stored, before `orientation` is applied
  int channels = 0;     // as decoded: 1 or 3 (CMYK becomes 3), 4 with alpha
  int bits = 8;         // per channel: 8 or 16
  int orientation = 1;  // EXIF 1..8; 1 = upright

  // Size of the upright picture: width and height swapped for orientations 5..8.
  Size UprightSize() const;
};

enum class TruncatedPolicy { kQuarantine, kAccept };

struct DecodeRequest {
  // In the coordinates of the upright picture at full scale. Empty = everything.
  cv::Rect region;
  // 1, 2, 4 or 8: decode at 1/denominator (JPEG only). The result covers the same region; its
  // pixel grid is that of the full picture decoded at this scale, and `region` must start on
  // multiples of the denominator.
  int denominator = 1;
  int channels = 0;  // 0 = as in the header; 1 = gray; 3 = RGB; 4 = RGBA
  TruncatedPolicy truncated = TruncatedPolicy::kQuarantine;
};

struct DecodedImage {
  cv::Mat pixels;    // RGB order, CV_8U or CV_16U, upright
  int warnings = 0;  // recoverable damage reported by the decoder (only when accepted)
};

struct EncodeRequest {
  ImageFormat format = ImageFormat::kPng;
  int quality = 95;       // JPEG, WebP
  bool subsample = true;  // JPEG: 4:2:0 when true, 4:4:4 otherwise
  int png_compression = 1;
};

struct CodecLimits {
  std::int64_t max_pixels = std::int64_t{128} << 20;
  int max_side = 65'500;
  std::int64_t max_ratio = 1000;  // decoded bytes / file bytes, checked above 64 MB
  int max_scans = 100;            // progressive JPEG
};

// Reads and writes pictures. Stateless: const methods may be called from any number of threads.
// Nothing throws for bad bytes; the DataError says what the bytes really are.
class Codec {
 public:
  virtual ~Codec() = default;

  virtual Result<ImageHeader> ReadHeader(std::span<const std::uint8_t> bytes) const = 0;

  // Region decode equals full decode + crop, bit for bit, for every region and denominator.
  virtual Result<DecodedImage> Decode(std::span<const std::uint8_t> bytes,
                                      const ImageHeader& header,
                                      const DecodeRequest& request) const = 0;

  virtual Result<std::vector<std::uint8_t>> Encode(const cv::Mat& pixels,
                                                   const EncodeRequest& request) const = 0;
};

// ---- Model ------------------------------------------------------------------------------------

// A network as a step. The engine gathers a fixed block of the plan for it, so that a result does
// not depend on who else came; a block at the end of the plan, or where samples failed, is smaller.
// Run may be called from any number of threads; it waits for what they share.
class ModelOperator {
 public:
  struct Item {
    Sample* sample = nullptr;             // decoded; changed in place
    std::span<const std::string> fields;  // pictures it is about; empty: all of them
    Rng rng;                              // this step's stream of this sample
    std::vector<std::size_t> parents{};   // of the block; what went into it beside itself
  };

  // How it wants to be called.
  struct Pace {
    int block = 1;       // samples of the plan that come together
    int in_flight = 1;   // blocks worth having under way at the same time
    bool waits = false;  // mostly for a device: Run gets threads of its own, not the pool's
  };

  virtual ~ModelOperator() = default;
  virtual Pace GetPace() const = 0;
  virtual Meta OutputMeta(const Meta& in) const { return in; }
  // Why it cannot work on samples like these; "" when it can, or when it depends on the sample.
  virtual std::string Refuses(const Meta&) const { return ""; }
  // What decides its results beside its arguments: hashes of files, backend, device.
  virtual std::vector<std::pair<std::string, std::string>> Facts() const { return {}; }
  virtual ModelUse GetUse() const { return {}; }
  // What the user is told before the run: what was chosen, and why not another; what was guessed.
  virtual std::vector<std::string> Notes() const { return {}; }
  // What is wrong with each item, or nothing. Out of memory on the device is an EnvironmentError
  // unless `may_shrink` allows smaller batches and tiles, whose results may differ in the last bit.
  virtual std::vector<std::optional<DataError>> Run(std::span<Item> block, bool may_shrink) = 0;
};

// ---- Source -----------------------------------------------------------------------------------

// One entry of a source, known before anything is opened.
struct SourceEntry {
  std::string key;          // unique within the source, stable: adding entries changes no other key
  std::uint64_t bytes = 0;  // encoded size, for the fingerprint
  std::int64_t changed = 0;  // when it was last written, in any unit; 0: unknown
};

// Where samples come from. List() is called once, by one thread, before the run; Read() may be
// called from any thread afterwards and must depend on nothing but the entry.
class Source {
 public:
  virtual ~Source() = default;

  // Entries in plan order, or the reason why the source cannot be opened (configuration error).
  // Things that are skipped (FIFOs, symlink loops) are reported through `notice`.
  virtual Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>& notice) = 0;

  // Image fields stay encoded where that is possible. Identity is filled in by the engine.
  virtual Result<Sample> Read(const SourceEntry& entry) const = 0;

  // What every sample of this source looks like, as far as that is known in advance.
  virtual Meta OutputMeta() const = 0;

  // A network that makes the pictures: every sample goes through it first. Null: none.
  virtual std::shared_ptr<ModelOperator> Network() const { return nullptr; }
};

// ---- Sink -------------------------------------------------------------------------------------

// Everything a sink may want to know about the run it belongs to.
struct RunInfo {
  std::uint64_t seed = 0;
  std::string config_text;  // the configuration as it ran
  std::vector<std::string> source_names;
  bool overwrite = false;

  // Units of the plan that this run is about: all of them, or one part of several machines'.
  std::uint64_t first_unit = 0;
  std::uint64_t end_unit = 0;
  std::uint64_t units = 0;  // of the whole plan
  int part = 1, parts = 1;

  Fingerprint fingerprint;
  std::function<void(std::string)> notice = [](std::string) {};
  // Makes durable what the run itself keeps about the units so far (the list of bad samples).
  std::function<void()> sync = [] {};
};

// What will come, as far as that is known before the first sample exists.
struct Expected {
  Meta meta;
  // As many results as this run's units can have; nullopt: it depends on the pictures.
  std::optional<std::uint64_t> rows;
  // Of each source that reaches the sink, from its first entry that can be read: what its integers
  // stand for. Null where a source has no names.
  std::vector<std::pair<std::string, std::shared_ptr<const LabelNames>>> names;
};

// Where samples go. Open, Write, Advance and Close are called by one thread at a time, Write in
// plan order. Prepare may be called from any thread and does the expensive, order-free part
// (encoding).
class Sink {
 public:
  // Result of Prepare, handed to Write; owned by the executor in between.
  struct Prepared {
    virtual ~Prepared() = default;
    virtual std::size_t Bytes() const = 0;
  };

  virtual ~Sink() = default;

  // Why samples like these cannot be written; "" when they can, or when it depends on the sample.
  virtual std::string Refuses(const Meta&) const { return ""; }
  // The first unit whose results are not stored yet: run.first_unit, unless an earlier run of the
  // same fingerprint was stopped; run.end_unit when nothing is left to do. Results of units before
  // it are not handed over again. Throws OutputBusyError, ResumeRefusedError or EnvironmentError.
  virtual std::uint64_t Open(const RunInfo& run, const Expected& expected) = 0;
  virtual Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const = 0;
  // Throws EnvironmentError: a sink never drops a sample.
  virtual void Write(std::unique_ptr<Prepared> prepared) = 0;
  // Everything of the units before `next_unit` was handed over; `quarantined` bad samples were
  // recorded for the unit before it. Called for every unit in plan order, also for those without
  // results.
  virtual void Advance(std::uint64_t /*next_unit*/, std::uint64_t /*quarantined*/) {}
  // `complete` is false when the run was interrupted or failed.
  virtual void Close(bool complete) = 0;
  // Where a person finds the result.
  virtual std::string Location() const = 0;
  // Whether the same command goes on where a stopped run ended.
  virtual bool CanResume() const { return false; }
};

// ---- Plan nodes -------------------------------------------------------------------------------

// What a survey found out about one source entry before the run.
struct EntryFacts {
  std::uint64_t id = 0;  // of its samples
  std::string key;
  std::optional<int> label;  // class of the picture
  std::vector<int> classes;  // of its objects; sorted, each once
  Size size;
  std::uint64_t hash = 0;  // perceptual; only when it was asked for
};

// Decides before anything runs which entries take part, how often and in which order. Const and
// pure: a function of the facts and the seed.
class PlanOperator {
 public:
  enum Needs : unsigned { kNothing = 0, kLabels = 1, kHash = 2 };
  struct Choice {
    std::size_t entry = 0;  // index into the facts
    std::uint32_t copies = 1;
  };

  virtual ~PlanOperator() = default;
  virtual unsigned Facts() const { return kNothing; }
  // Whether an entry may be taken more than once: then every branch gets an index here.
  virtual bool Repeats() const { return false; }
  // In the order they run; entries that are not listed are left out. Or why that is not possible.
  virtual Result<std::vector<Choice>, std::string> Choose(std::span<const EntryFacts> entries,
                                                          const LabelNames* names,
                                                          StreamKey stream) const = 0;
};

// ---- Window -----------------------------------------------------------------------------------

// Several samples at once: a fixed block of neighbours in the plan. Blocks are numbered by plan
// seq, independently of threads and shards; samples that failed or were filtered leave holes. One
// anchor in, one out. Const and pure: called for every anchor with the untouched block, from any
// thread. The engine decodes all members, lets an anchor without any partner pass, and records the
// parents.
class WindowOperator {
 public:
  struct Mixed {
    Sample sample;                     // the anchor's identity, and its recipe so far
    std::vector<std::size_t> parents;  // members of the block that went into it beside the anchor
  };

  virtual ~WindowOperator() = default;
  // Samples of the plan per block.
  virtual int Size() const = 0;
  virtual Meta OutputMeta(const Meta& in) const { return in; }
  // The anchor's result. `block` holds the survivors in plan order, at least two, the anchor among
  // them.
  virtual Result<Mixed> Run(std::span<const Sample* const> block, std::size_t anchor,
                            Rng& rng) const = 0;
};

// ---- Scope ------------------------------------------------------------------------------------

// Steps that work on a part of a sample, or on versions of it, which are put back together: some
// channels, another colour space, the inside of objects, a blend of chains. Const and pure.
class ScopeOperator {
 public:
  virtual ~ScopeOperator() = default;
  // Whether steps inside may move pixels. They never change size or type.
  virtual bool AllowsGeometry() const { return false; }
  // What the steps inside get, and why they cannot get it ("" when they can).
  virtual Meta Inside(const Meta& in) const { return in; }
  virtual std::string Refuses(const Meta&) const { return ""; }
  // What branch `branch` of the steps works on; no images: nothing here, nothing runs. `whole` is
  // decoded; `fields` as in `fields:`, empty means every field.
  virtual Result<Sample> Enter(const Sample& whole, std::size_t branch,
                               const std::vector<std::string>& fields, Rng& rng) const = 0;
  // Puts what the branches made of it back into `whole`. Draws go on where Enter ended.
  virtual std::optional<DataError> Leave(Sample& whole, std::vector<Sample> parts,
                                         const std::vector<std::string>& fields,
                                         Rng& rng) const = 0;
};

// ---- Views ------------------------------------------------------------------------------------

// One picture cut or turned out of another, and what is worth knowing about it (its place), for the
// recipe and the sample's scalars.
struct View {
  std::vector<AffineStep> steps;
  std::vector<std::pair<std::string, double>> facts;
};

// One sample becomes several: five crops, tiles. Each view is a sample of its own, labels and all,
// told apart by its index in the branch. Const and pure: called from any thread.
class ViewOperator {
 public:
  virtual ~ViewOperator() = default;
  // Of a picture of this size; at least one.
  virtual std::vector<View> Views(Size picture) const = 0;
  virtual Meta OutputMeta(const Meta& in) const = 0;
};

// ---- BatchSource ------------------------------------------------------------------------------

// Batches for training, served by the loader. Next() returns false at the end of the epoch.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual bool Next(std::vector<Sample>& batch) = 0;
};

// What api/ hands to every operator, source and sink when it is built.
struct Services {
  const Codec* codec = nullptr;
};

}  // namespace pixloom
