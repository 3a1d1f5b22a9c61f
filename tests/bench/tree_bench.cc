// The tree and the watch table at the size they are made for: a million znodes with names of 16 bytes and data of 100.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "coordinator/tree/data_tree.h"
#include "coordinator/watches/watch_table.h"

namespace synod {
namespace {

using tree::ChangeContext;
using tree::CreateArgs;
using tree::DataTree;

constexpr int kNodes = 1000000;
constexpr int kDirectories = 1000;
const std::string kData(100, 'x');

size_t ResidentBytes() {
  long total = 0, resident = 0;
  if (FILE* f = std::fopen("/proc/self/statm", "r"); f != nullptr) {
    if (std::fscanf(f, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(f);
  }
  return static_cast<size_t>(resident) * 4096;
}

std::string PathOf(int i) { return absl::StrFormat("/d%04d/node-%011d", i % kDirectories, i); }

void Create(DataTree& tree, std::string_view path) {
  CreateArgs args;
  args.path = path;
  args.data = kData;
  tree.Create(ChangeContext{Zxid(1), 1}, args, nullptr, nullptr);
}

std::unique_ptr<DataTree> EmptyDirectories() {
  auto tree = std::make_unique<DataTree>();
  for (int d = 0; d < kDirectories; ++d) Create(*tree, absl::StrFormat("/d%04d", d));
  return tree;
}

// The same bytes one behind the other, so that the benchmark itself reads them in order and the misses measured are the
// tree's.
class PackedPaths {
 public:
  PackedPaths(const std::vector<std::string>& paths, int64_t count) : length_(paths[0].size()) {
    for (int64_t i = 0; i < count; ++i) bytes_ += paths[static_cast<size_t>(i)];
  }
  std::string_view Next() {
    std::string_view path(bytes_.data() + at_, length_);
    at_ += length_;
    if (at_ == bytes_.size()) at_ = 0;
    return path;
  }

 private:
  std::string bytes_;
  size_t length_;
  size_t at_ = 0;
};

struct Million {
  std::unique_ptr<DataTree> tree;
  std::vector<std::string> paths;  // shuffled

  Million() {
    for (int i = 0; i < kNodes; ++i) paths.push_back(PathOf(i));
    size_t before = ResidentBytes();
    tree = EmptyDirectories();
    for (int i = 0; i < kNodes; ++i) {
      Create(*tree, paths[i]);
      tree->TakeEvents();
    }
    std::printf("resident growth per znode %.1f, memory_bytes per znode %.1f\n",
                static_cast<double>(ResidentBytes() - before) / kNodes,
                static_cast<double>(tree->memory_bytes()) / kNodes);
    std::shuffle(paths.begin(), paths.end(), std::mt19937(1));
  }
  static Million& Get() {
    static Million million;
    return million;
  }
};

void BM_CreateMillion(benchmark::State& state) {
  std::vector<std::string> paths;
  for (int i = 0; i < kNodes; ++i) paths.push_back(PathOf(i));
  if (state.range(0) != 0) std::shuffle(paths.begin(), paths.end(), std::mt19937(1));
  for (auto _ : state) {
    state.PauseTiming();
    auto tree = EmptyDirectories();
    state.ResumeTiming();
    for (const std::string& path : paths) {
      Create(*tree, path);
      tree->TakeEvents();
    }
    state.PauseTiming();
    tree.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kNodes);
}
BENCHMARK(BM_CreateMillion)->ArgName("shuffled")->Arg(0)->Arg(1)->Iterations(1)->Unit(benchmark::kMillisecond);

void BM_SetData(benchmark::State& state) {
  Million& m = Million::Get();
  PackedPaths paths(m.paths, state.range(0));
  for (auto _ : state) {
    m.tree->SetData(ChangeContext{Zxid(2), 2}, paths.Next(), kData, -1, nullptr);
    m.tree->TakeEvents();
  }
}
BENCHMARK(BM_SetData)->ArgName("nodes")->Arg(300)->Arg(kNodes);  // in the caches, and not

void BM_GetData(benchmark::State& state) {
  Million& m = Million::Get();
  PackedPaths paths(m.paths, state.range(0));
  std::optional<std::string_view> data;
  tree::Stat stat;
  for (auto _ : state)
    benchmark::DoNotOptimize(m.tree->GetData(access::Caller::Unrestricted(), paths.Next(), &data, &stat));
}
BENCHMARK(BM_GetData)->ArgName("nodes")->Arg(300)->Arg(kNodes);

void BM_CreateThenDelete(benchmark::State& state) {
  Million& m = Million::Get();
  size_t i = 0;
  for (auto _ : state) {
    std::string path = m.paths[i] + "x";
    Create(*m.tree, path);
    m.tree->Delete(ChangeContext{Zxid(3), 3}, path, -1);
    m.tree->TakeEvents();
    if (++i == m.paths.size()) i = 0;
  }
}
BENCHMARK(BM_CreateThenDelete);

void BM_ListThousand(benchmark::State& state) {
  Million& m = Million::Get();
  std::vector<std::string> names;
  for (auto _ : state) m.tree->GetChildren(access::Caller::Unrestricted(), "/d0000", &names, nullptr);
}
BENCHMARK(BM_ListThousand)->Unit(benchmark::kMicrosecond);

// A page of 100 names somewhere in a directory of a hundred thousand.
void BM_PageOfHundred(benchmark::State& state) {
  DataTree tree;
  Create(tree, "/d");
  for (int i = 0; i < 100000; ++i) Create(tree, absl::StrFormat("/d/%06d", i * 7919 % 100000));
  tree::PageArgs args;
  args.path = "/d";
  args.limit = 100;
  std::vector<tree::PageEntry> entries;
  bool more = false;
  int i = 0;
  for (auto _ : state) {
    std::string after = absl::StrFormat("%06d", i++ * 104729 % 99000);
    args.after = after;
    tree.ListPage(access::Caller::Unrestricted(), args, &entries, &more, nullptr);
  }
}
BENCHMARK(BM_PageOfHundred)->Unit(benchmark::kMicrosecond);

// One step of a large deletion: a thousand nodes of a hundred thousand.
void BM_DeleteThousandOfTree(benchmark::State& state) {
  DataTree tree;
  uint64_t remaining = 0;
  for (auto _ : state) {
    if (remaining == 0) {
      state.PauseTiming();
      Create(tree, "/d");
      for (int i = 0; i < 100000; ++i) Create(tree, absl::StrFormat("/d/%06d", i * 7919 % 100000));
      tree.TakeEvents();
      state.ResumeTiming();
    }
    DataTree::TreeDeleted result;
    tree.DeleteTree(ChangeContext{Zxid(2), 2}, "/d", -1, 1000, true, &result);
    tree.TakeEvents();
    remaining = result.remaining;
  }
}
BENCHMARK(BM_DeleteThousandOfTree)->Unit(benchmark::kMicrosecond);

void BM_DeleteThousandEphemerals(benchmark::State& state) {
  DataTree tree;
  Create(tree, "/d");
  bool done = true;
  for (auto _ : state) {
    if (done) {
      state.PauseTiming();
      for (int i = 0; i < 100000; ++i) {
        CreateArgs args;
        std::string path = absl::StrFormat("/d/%06d", i * 7919 % 100000);
        args.path = path;
        args.ephemeral_owner = SessionId(1);
        tree.Create(ChangeContext{Zxid(i), 1}, args, nullptr, nullptr);
      }
      tree.TakeEvents();
      state.ResumeTiming();
    }
    done = tree.DeleteEphemerals(ChangeContext{Zxid(200000), 2}, SessionId(1), 1000);
    tree.TakeEvents();
  }
}
BENCHMARK(BM_DeleteThousandEphemerals)->Unit(benchmark::kMicrosecond);

void BM_WriteSnapshotOfMillion(benchmark::State& state) {
  Million& m = Million::Get();
  size_t bytes = 0;
  for (auto _ : state) {
    m.tree->CloseChanges();
    m.tree->WriteClosed([&](std::string k, std::optional<std::string> v) { bytes += k.size() + v.value_or("").size(); },
                        [] { return true; });
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(BM_WriteSnapshotOfMillion)->Iterations(1)->Unit(benchmark::kMillisecond);

void BM_LoadMillion(benchmark::State& state) {
  std::vector<std::pair<std::string, std::string>> records;
  {
    auto tree = EmptyDirectories();
    for (int i = 0; i < kNodes; ++i) Create(*tree, PathOf(i));
    tree->CloseChanges();
    tree->WriteClosed([&](std::string k, std::optional<std::string> v) { records.emplace_back(k, *v); },
                      [] { return true; });
    std::sort(records.begin(), records.end());
  }
  for (auto _ : state) {
    auto tree = DataTree::ForLoading();
    for (const auto& [key, value] : records) {
      if (!tree->LoadRecord(key, value).ok()) state.SkipWithError("refused");
    }
    if (!tree->FinishLoading().ok()) state.SkipWithError("refused");
  }
}
BENCHMARK(BM_LoadMillion)->Iterations(1)->Unit(benchmark::kMillisecond);

void BM_FireTenThousandWatchers(benchmark::State& state) {
  watches::WatchTable table;
  std::vector<watches::Notification> out;
  for (auto _ : state) {
    state.PauseTiming();
    for (uint64_t w = 0; w < 10000; ++w) table.Add(watches::WatcherId(w), "/some/node", watches::WatchKind::kData);
    out.clear();
    state.ResumeTiming();
    table.Fire(tree::Event{tree::EventType::kDataChanged, "/some/node", Zxid(1), AclId(0), AclId(0)}, &out);
  }
}
BENCHMARK(BM_FireTenThousandWatchers)->Unit(benchmark::kMicrosecond);

void BM_FireUnwatched(benchmark::State& state) {
  watches::WatchTable table;
  for (uint64_t w = 0; w < 100; ++w)
    table.Add(watches::WatcherId(w), "/services", watches::WatchKind::kPersistentRecursive);
  std::vector<watches::Notification> out;
  for (auto _ : state) {
    table.Fire(tree::Event{tree::EventType::kDataChanged, "/other/group/node-0000000001", Zxid(1), AclId(0), AclId(0)},
               &out);
  }
}
BENCHMARK(BM_FireUnwatched);

}  // namespace
}  // namespace synod

BENCHMARK_MAIN();
