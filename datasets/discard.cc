// SPDX-License-Identifier: Apache-2.0
#include "datasets/discard.h"

namespace pixloom {

namespace {

class DiscardSink final : public Sink {
 public:
  struct Nothing : Prepared {
    std::size_t Bytes() const override { return 0; }
  };

  std::uint64_t Open(const RunInfo& run, const Expected&) override { return run.first_unit; }
  Result<std::unique_ptr<Prepared>> Prepare(Sample) const override {
    return std::unique_ptr<Prepared>(std::make_unique<Nothing>());
  }
  void Write(std::unique_ptr<Prepared>) override {}
  void Close(bool) override {}
  std::string Location() const override { return ""; }
};

}  // namespace

std::unique_ptr<Sink> MakeDiscardSink() { return std::make_unique<DiscardSink>(); }

}  // namespace pixloom
