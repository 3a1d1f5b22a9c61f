// Random commands against a model of the tree, the sessions and the replies; and against a second machine that is
// snapshotted and restored at random places.
#include "tests/unit/coordinator/statemachine/model.h"

#include "coordinator/tree/path.h"
#include "tests/unit/coordinator/statemachine/generator.h"

namespace synod::statemachine {
namespace {

void ExpectSame(const OpResult& model, const OpResult& machine) {
  ASSERT_EQ(tree::ErrorName(model.error), tree::ErrorName(machine.error));
  ASSERT_EQ(model.path, machine.path);
  ASSERT_EQ(model.stat, machine.stat);
  ASSERT_EQ(model.created, machine.created);
  ASSERT_EQ(model.deleted, machine.deleted);
  ASSERT_EQ(model.remaining, machine.remaining);
}

void ExpectSame(const Outcome& model, const Outcome& machine) {
  ASSERT_EQ(tree::ErrorName(model.error), tree::ErrorName(machine.error));
  ASSERT_EQ(model.zxid, machine.zxid);
  ASSERT_EQ(model.repeated, machine.repeated);
  ASSERT_EQ(model.gap, machine.gap);
  ASSERT_EQ(model.succeeded, machine.succeeded);
  ASSERT_NO_FATAL_FAILURE(ExpectSame(model.result, machine.result));
  ASSERT_EQ(model.results.size(), machine.results.size());
  for (size_t i = 0; i < model.results.size(); ++i) {
    SCOPED_TRACE(i);
    ASSERT_NO_FATAL_FAILURE(ExpectSame(model.results[i], machine.results[i]));
  }
  ASSERT_EQ(model.grant.session, machine.grant.session);
  ASSERT_EQ(model.grant.generation, machine.grant.generation);
  ASSERT_EQ(model.grant.timeout_ms, machine.grant.timeout_ms);
  ASSERT_EQ(model.grant.last_applied, machine.grant.last_applied);
}

// All of the tree and all sessions.
void ExpectSameState(const Model& model, const Harness& h) {
  uint64_t nodes = 0;
  ASSERT_EQ(h.machine.tree().CountDescendants(access::Caller::Unrestricted(), "/", &nodes), tree::Error::kOk);
  ASSERT_EQ(nodes + 1, model.nodes().size());
  for (const auto& [path, node] : model.nodes()) {
    SCOPED_TRACE(path);
    ASSERT_TRUE(h.Exists(path));
    ASSERT_EQ(h.AclOf(path), node.acl);
    if (path == "/zookeeper/config") continue;
    ASSERT_EQ(h.DataOf(path).value_or("null"), node.data.value_or("null"));
    if (!tree::IsSystemPath(path)) {
      ASSERT_EQ(h.StatOf(path), model.StatOf(path));
    }
  }
  ASSERT_EQ(h.machine.sessions().count(), model.sessions().size());
  for (const auto& [id, s] : model.sessions()) {
    const sessions::Session* real = h.machine.sessions().Find(id);
    ASSERT_NE(real, nullptr);
    ASSERT_EQ(real->generation(), s.generation);
    ASSERT_EQ(real->connection(), s.connection);
    ASSERT_EQ(real->closing(), s.closing);
    ASSERT_EQ(h.machine.identities().Get(real->identities()), s.identities);
    ASSERT_EQ(real->last_applied(), s.last);
    if (!s.closing) {
      ASSERT_EQ(real->replies().count(), s.replies.size());
    }
  }
}

class ModelTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ModelTest, TheStateMachineDoesWhatTheModelDoes) {  // S1 to S5, protocol sheet 6 to 8, 11, 12
  Generator generator(GetParam());
  generator.WithoutQuotas();
  Harness h(SmallCloses());
  Model model(SmallCloses().ephemerals_per_command);
  for (int step = 0; step < 1500; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    h.now_ms += 1;
    const Command command = generator.Next(h.machine);
    Outcome real = h.Apply(command);
    Outcome modelled = model.Apply({h.now_ms * 1000, static_cast<int64_t>(h.now_ms)}, command);
    SCOPED_TRACE("operation " + std::to_string(command.operation.index()));
    ASSERT_NO_FATAL_FAILURE(ExpectSame(modelled, real));
    if (step % 10 == 0) {
      ASSERT_NO_FATAL_FAILURE(ExpectSameState(model, h));
    }
  }
  ASSERT_NO_FATAL_FAILURE(ExpectSameState(model, h));
}

TEST_P(ModelTest, AMachineRestoredAtRandomPlacesGoesOnAlike) {  // D7, D8, D13, S2
  Generator generator(GetParam());
  Harness always(SmallCloses());
  auto restored = std::make_unique<Harness>(SmallCloses());
  Store store;
  for (int step = 0; step < 600; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    always.now_ms += 1;
    Outcome here = always.Apply(generator.Next(always.machine));
    auto batch = interfaces::DecodeBatch(always.log.back());
    ASSERT_TRUE(restored->machine.Apply(always.machine.applied_index(), Term(1), *batch).ok());
    ASSERT_EQ(Show(here), Show(restored->seen.outcomes.back()));
    ASSERT_EQ(here.succeeded, restored->seen.outcomes.back().succeeded);
    ASSERT_EQ(always.machine.digest(), restored->machine.digest());
    ASSERT_EQ(always.seen.events_of.back().size(), restored->seen.events_of.back().size());
    if (generator.Random() % 25 != 0) continue;
    interfaces::SnapshotMeta meta = restored->Snapshot(&store);
    auto next = std::make_unique<Harness>(SmallCloses());
    absl::Status status = Load(store, meta, &next->machine);
    ASSERT_TRUE(status.ok()) << status.ToString();
    ASSERT_EQ(next->machine.sessions().closing(), restored->machine.sessions().closing());
    ASSERT_EQ(always.Window(), next->Window());  // W3
    restored = std::move(next);
    ASSERT_EQ(always.machine.digest(), restored->machine.digest());
    ASSERT_EQ(restored->machine.ComputeDigest(), restored->machine.digest());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, ::testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace synod::statemachine
