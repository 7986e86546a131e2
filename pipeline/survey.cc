// SPDX-License-Identifier: Apache-2.0
#include "pipeline/survey.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "pipeline/perceptual_hash.h"
#include "pipeline/survey_cache.h"

namespace pixloom {

namespace {

class Surveyor {
 public:
  Surveyor(const Node& source, const std::vector<SourceEntry>& entries,
           const SurveyOptions& options)
      : source_(source), entries_(entries), options_(options) {
    survey_.entries.resize(entries.size());
  }

  Survey Run() {
    const bool lasting = std::any_of(entries_.begin(), entries_.end(),
                                     [](const SourceEntry& e) { return e.changed != 0; });
    if (lasting) folder_ = SurveyFolder();
    if (!folder_.empty()) {
      fingerprint_ = SurveyFingerprint(source_);
      file_ = SurveyFile(folder_, fingerprint_);
      Recall();
    }
    std::vector<std::size_t> missing = Missing();
    if (!missing.empty()) {
      ReadAll(missing);
      if (!folder_.empty()) Keep();
    }
    survey_.interrupted = options_.stop != nullptr && *options_.stop;
    return std::move(survey_);
  }

 private:
  bool Wanted(const SurveyedEntry& facts) const {
    const bool hash = (options_.needs & PlanOperator::kHash) != 0;
    return facts.known && (facts.hashed || !hash);
  }

  std::vector<std::size_t> Missing() const {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (!Wanted(survey_.entries[i])) missing.push_back(i);
    }
    return missing;
  }

  // Takes over what is stored about entries that have not changed.
  void Recall() {
    bool damaged = false;
    std::optional<StoredSurvey> stored = LoadSurvey(file_, fingerprint_, damaged);
    if (damaged) Notice(fmt::format("the stored survey {} is damaged; making it again", file_));
    if (!stored) return;
    std::unordered_map<std::string_view, SurveyRecord*> by_key;
    for (SurveyRecord& record : stored->records) by_key.emplace(record.entry.key, &record);
    std::vector<std::size_t> recalled;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const SourceEntry& entry = entries_[i];
      const auto it = by_key.find(entry.key);
      if (it == by_key.end() || entry.changed == 0) continue;
      const SourceEntry& before = it->second->entry;
      if (before.bytes != entry.bytes || before.changed != entry.changed) continue;
      survey_.entries[i] = std::move(it->second->facts);
      recalled.push_back(i);
    }
    if (!recalled.empty()) TranslateLabels(stored->classes, recalled);
  }

  // Numbers of classes depend on which classes there are, so stored ones go by their names. What
  // the names are today only a sample can tell.
  void TranslateLabels(const std::vector<std::string>& classes,
                       const std::vector<std::size_t>& recalled) {
    std::optional<std::size_t> probe;
    for (std::size_t r = 0; r < recalled.size() && !probe; ++r) {
      if (ReadOne(recalled[r])) probe = recalled[r];
    }
    const std::vector<std::string> now =
        survey_.names ? survey_.names->classes : std::vector<std::string>{};
    if (now == classes) return;
    std::unordered_map<std::string_view, int> numbers;
    for (std::size_t c = 0; c < now.size(); ++c) numbers.emplace(now[c], static_cast<int>(c));
    for (const std::size_t i : recalled) {
      SurveyedEntry& facts = survey_.entries[i];
      if (i == probe) continue;
      bool known = true;
      const auto translate = [&](int& label) {
        if (label < 0 || static_cast<std::size_t>(label) >= classes.size()) return;
        const auto it = numbers.find(classes[static_cast<std::size_t>(label)]);
        known = known && it != numbers.end();
        if (it != numbers.end()) label = it->second;
      };
      if (facts.label) translate(*facts.label);
      for (int& c : facts.classes) translate(c);
      std::sort(facts.classes.begin(), facts.classes.end());
      if (!known) facts = {};
    }
  }

  void ReadAll(const std::vector<std::size_t>& missing) {
    ForEachEntry(missing.size(), options_.threads, options_.stop,
                 [&](std::size_t i) { ReadOne(missing[i]); });
    Notice(fmt::format("looked at {} of {} entries{}", missing.size(), entries_.size(),
                       missing.size() < entries_.size() ? "; the others are known" : ""));
  }

  // False when it cannot be read.
  bool ReadOne(std::size_t index) {
    SurveyedEntry facts;
    auto sample = source_.source->Read(entries_[index]);
    const bool picture =
        sample && !sample->images.empty() && !sample->images[0].second.frames.empty();
    if (!picture) {
      survey_.entries[index] = {};
      return false;
    }
    const ImageField& field = sample->images[0].second;
    facts.known = true;
    facts.size = field.frames[0].size();
    facts.label = sample->labels.label;
    for (const Instance& instance : sample->instances) {
      if (instance.label) facts.classes.push_back(*instance.label);
    }
    std::sort(facts.classes.begin(), facts.classes.end());
    facts.classes.erase(std::unique(facts.classes.begin(), facts.classes.end()),
                        facts.classes.end());
    if ((options_.needs & PlanOperator::kHash) != 0) {
      const auto hash = PerceptualHash(field.frames[0], field.range, *options_.codec);
      if (hash) facts.hash = *hash;
      facts.hashed = true;
      facts.known = hash.Ok();
    }
    if (!facts.known) facts = {};
    const bool known = facts.known;
    survey_.entries[index] = std::move(facts);
    const std::lock_guard lock(mutex_);
    if (sample->names && index <= names_from_) {
      names_from_ = index;
      survey_.names = std::move(sample->names);
    }
    return known;
  }

  void Keep() {
    StoredSurvey stored;
    if (survey_.names) stored.classes = survey_.names->classes;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].changed == 0 || !survey_.entries[i].known) continue;
      stored.records.push_back({entries_[i], survey_.entries[i]});
    }
    const std::string why = StoreSurvey(file_, fingerprint_, stored);
    if (!why.empty()) {
      Notice(fmt::format("cannot keep the survey in {}: {}; the next run makes it again", folder_,
                         why));
    }
  }

  void Notice(const std::string& text) const {
    if (options_.notice) options_.notice(fmt::format("{}: {}", source_.name, text));
  }

  const Node& source_;
  const std::vector<SourceEntry>& entries_;
  const SurveyOptions& options_;
  Survey survey_;
  std::string folder_, fingerprint_, file_;
  std::mutex mutex_;
  std::size_t names_from_ = static_cast<std::size_t>(-1);
};

}  // namespace

Survey SurveySource(const Node& source, const std::vector<SourceEntry>& entries,
                    const SurveyOptions& options) {
  return Surveyor(source, entries, options).Run();
}

}  // namespace pixloom
