// SPDX-License-Identifier: Apache-2.0
// Blocks of samples through networks. By plan, a block is complete when all its units have come; it
// runs on the pool, or where it would only wait for a device, on the threads of a batcher. By time,
// samples go to the batcher one by one, and whoever waits together becomes a block.
#include <algorithm>
#include <utility>

#include "pipeline/executor_run.h"
#include "pipeline/model.h"

namespace pixloom::executor {

namespace {

constexpr std::size_t kWaitsKept = 65'536;

// Pictures that a network can run together.
std::uint64_t ShapeOf(const Sample& sample) {
  std::uint64_t hash = 0;
  for (const auto& [name, field] : sample.images) {
    for (const Frame& frame : field.frames) {
      hash = HashCombine(hash, static_cast<std::uint64_t>(frame.pixels.type()));
      hash = HashCombine(hash, static_cast<std::uint64_t>(frame.size().width));
      hash = HashCombine(hash, static_cast<std::uint64_t>(frame.size().height));
    }
  }
  return hash;
}

double Percentile(std::vector<float>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return static_cast<double>(values[static_cast<std::size_t>(at)]);
}

}  // namespace

void BlockStats::Add(const ModelTask& task) {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex);
  ++counts.blocks;
  ++counts.reasons[std::string(task.reason)];
  for (const auto since : task.since) {
    const auto wait = static_cast<float>(static_cast<double>(Nanoseconds(now - since)) * 1e-6);
    if (waits.size() < kWaitsKept) {
      waits.push_back(wait);
    } else {
      waits[counts.samples % kWaitsKept] = wait;
    }
    ++counts.samples;
  }
}

BlockCounts BlockStats::Take(ModelUse use) {
  const std::lock_guard lock(mutex);
  counts.use = std::move(use);
  counts.wait_p50 = Percentile(waits, 0.5);
  counts.wait_p95 = Percentile(waits, 0.95);
  return counts;
}

void Run::MakeLane(flow::graph& g, int n) {
  NodeState& state = states_[static_cast<std::size_t>(n)];
  const ModelOperator& model = *graph_.nodes[static_cast<std::size_t>(n)].steps[0].model;
  const ModelOperator::Pace pace = model.GetPace();
  const auto in_flight = static_cast<std::size_t>(std::max(pace.in_flight, 1));
  state.lane = std::make_unique<ModelLane>();
  ModelLane& lane = *state.lane;
  if (!pace.waits && !ByTime()) {
    lane.pooled = std::make_unique<ModelLane::Pooled>(g, in_flight, [this, n](ModelTaskPtr task) {
      RunBlock(n, *task);
      FinishBlock(n, *task);
      return flow::continue_msg();
    });
    return;
  }
  lane.finish = std::make_unique<ModelLane::Pooled>(g, flow::unlimited, [this, n](ModelTaskPtr t) {
    FinishBlock(n, *t);
    return flow::continue_msg();
  });
  // The graph waits for what it was told to come back: one promise per task that is handed over.
  lane.apart = std::make_unique<ModelLane::Apart>(
      g, flow::unlimited, [this, &lane](const ModelTaskPtr& task, auto& gateway) {
        gateway.reserve_wait();
        if (ByTime()) {
          lane.batcher->Submit(ShapeOf(task->samples.front()), task);
        } else {
          lane.batcher->SubmitBlock({task}, task->reason);
        }
      });
  flow::make_edge(*lane.apart, *lane.finish);
  lane.gateway = &lane.apart->gateway();
  lane.batcher = std::make_unique<Batcher<ModelTaskPtr>>(
      Batcher<ModelTaskPtr>::Options{static_cast<std::size_t>(std::max(pace.block, 1)),
                                     static_cast<int>(in_flight), options_.block_delay},
      [this, n](Batcher<ModelTaskPtr>::Block block) {
        RunTogether(n, std::move(block.items), block.reason);
      });
}

void Run::SubmitBlock(int n, std::vector<UnitPtr> owners, std::vector<Sample> samples) {
  const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
  auto task = std::make_shared<ModelTask>();
  task->owners = std::move(owners);
  task->samples = std::move(samples);
  task->since.assign(task->samples.size(), Clock::now());
  const auto block = static_cast<std::size_t>(std::max(node.steps[0].model->GetPace().block, 1));
  task->reason = task->samples.size() >= block ? "full" : "incomplete";
  ModelLane& lane = *states_[static_cast<std::size_t>(n)].lane;
  if (lane.pooled != nullptr) {
    lane.pooled->try_put(task);
  } else {
    lane.apart->try_put(task);
  }
}

void Run::RunTogether(int n, std::vector<ModelTaskPtr> tasks, std::string_view reason) {
  ModelTask& all = *tasks.front();
  all.reason = reason;
  for (std::size_t t = 1; t < tasks.size(); ++t) {
    std::move(tasks[t]->owners.begin(), tasks[t]->owners.end(), std::back_inserter(all.owners));
    std::move(tasks[t]->samples.begin(), tasks[t]->samples.end(), std::back_inserter(all.samples));
    all.since.insert(all.since.end(), tasks[t]->since.begin(), tasks[t]->since.end());
  }
  RunBlock(n, all);
  ModelLane& lane = *states_[static_cast<std::size_t>(n)].lane;
  lane.gateway->try_put(tasks.front());
  for (std::size_t t = 0; t < tasks.size(); ++t) lane.gateway->release_wait();
}

void Run::RunBlock(int n, ModelTask& task) {
  Guard([&] {
    if (cancelled_) return;
    const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
    NodeState& state = states_[static_cast<std::size_t>(n)];
    if (options_.before_node) options_.before_node(node.name, task.owners.front()->seq);
    state.lane->stats.Add(task);
    const auto start = Clock::now();
    const ChainStep& step = node.steps[0];
    std::vector<Rng::Record> draws(task.samples.size());
    std::vector<ModelOperator::Item> items;
    for (std::size_t i = 0; i < task.samples.size(); ++i) {
      Sample& sample = task.samples[i];
      const Identity& who = sample.identity;
      const StreamKey key{DrawKey(graph_.seed, options_.epoch, who.branch), who.id, step.stream_id};
      items.push_back({&sample, step.fields, Rng(key.Pixels(), &draws[i])});
    }
    task.errors = step.model->Run(items, ByTime());
    PIXLOOM_CHECK(task.errors.size() == items.size(), "a model forgot items");
    // As the others were before this step: before any recipe goes on.
    std::vector<std::vector<std::shared_ptr<const Parent>>> parents(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      for (const std::size_t p : items[i].parents) {
        const Sample& parent = task.samples[p];
        parents[i].push_back(std::make_shared<const Parent>(
            Parent{parent.source, parent.key, parent.identity.branch, parent.recipe}));
      }
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (task.errors[i]) continue;
      Sample& sample = task.samples[i];
      // Behind a router the step stands in the recipe already.
      if (step.stream != nullptr) sample.recipe.entries.push_back({step.stream});
      RecordDraws(draws[i], sample);
      if (!parents[i].empty()) sample.recipe.entries.back().parents = std::move(parents[i]);
    }
    state.nanoseconds += Nanoseconds(Clock::now() - start);
    task.done = true;
  });
}

void Run::FinishBlock(int n, ModelTask& task) {
  NodeState& state = states_[static_cast<std::size_t>(n)];
  Guard([&] {
    for (std::size_t i = 0; i < task.samples.size(); ++i) {
      Sample& sample = task.samples[i];
      if (!task.done) {
        const std::lock_guard lock(task.owners[i]->mutex);
        task.owners[i]->unfinished = true;
        continue;
      }
      AddCounts(n, std::exchange(sample.counts, {}));
      if (task.errors[i]) {
        state.failed += 1;
        RecordBad(*task.owners[i], sample, n, std::move(*task.errors[i]));
      } else if (sample.filtered) {
        state.filtered += 1;
      } else {
        state.out += 1;
        Send(n, 0, task.owners[i], std::move(sample));
      }
    }
  });
  for (const UnitPtr& unit : task.owners) Release(unit);
}

void Run::FlushWhenQuiet() {
  if (moving_ > 0) return;
  for (NodeState& state : states_) {
    if (state.lane != nullptr && state.lane->batcher != nullptr) state.lane->batcher->Flush();
  }
}

}  // namespace pixloom::executor
