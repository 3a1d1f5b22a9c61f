#include <gtest/gtest.h>

#include "tests/unit/coordinator/consensus/lone_core.h"

namespace synod::consensus {
namespace {

const Identity k2 = MakeIdentity(2);
const Identity k3 = MakeIdentity(3);

// R05, Raft figure 8
TEST(CoreReplication, OlderTermsEntryIsNotCommittedByCounting) {
  LoneCore lone;
  lone.entries = {MakeEntry(1, 1), MakeEntry(2, 2)};
  lone.Start();
  lone.Lead();
  lone.Acknowledge(k2, 2);
  lone.Acknowledge(k3, 2);
  EXPECT_EQ(lone.core().commit(), LogIndex(0)) << "everybody has entry 2, of an older term";
  lone.Acknowledge(k3, 3);
  EXPECT_EQ(lone.core().commit(), LogIndex(3));
}

// L8
TEST(CoreReplication, TheLeaderSendsAtOnceAndCountsItselfAfterItsSync) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.Propose("a");
  lone.Run();
  EXPECT_EQ(lone.said.append.size(), 1u);
  ASSERT_NE(lone.Said(MessageType::kAppend, 2), nullptr) << "in the same Output as the write";
  lone.Acknowledge(k2, 2);
  EXPECT_EQ(lone.core().commit(), LogIndex(1));
  lone.Sync();
  EXPECT_EQ(lone.core().commit(), LogIndex(2));
}

// L8
TEST(CoreReplication, AFollowerAcknowledgesOnlyWhatIsSynced) {
  LoneCore lone;
  lone.Start();
  lone.Append(k2, 1, {}, {MakeEntry(1, 1), MakeEntry(1, 2)});
  EXPECT_EQ(lone.Said(MessageType::kAppendReply), nullptr);
  lone.Append(k2, 1, {Term(1), LogIndex(2)}, {});
  ASSERT_NE(lone.Said(MessageType::kAppendReply), nullptr) << "a heartbeat is answered all the same";
  EXPECT_EQ(lone.Said(MessageType::kAppendReply)->match, LogIndex(0));
  lone.Sync();
  ASSERT_NE(lone.Said(MessageType::kAppendReply), nullptr);
  EXPECT_EQ(lone.Said(MessageType::kAppendReply)->match, LogIndex(2));
}

// A slow disk is no dead server: what is sent again is answered.
TEST(CoreReplication, ARepeatedAppendIsAnsweredBeforeTheSync) {
  LoneCore lone;
  lone.Start();
  lone.Append(k2, 1, {}, {MakeEntry(1, 1)});
  lone.Append(k2, 1, {}, {MakeEntry(1, 1)});
  ASSERT_NE(lone.Said(MessageType::kAppendReply), nullptr);
  EXPECT_EQ(lone.Said(MessageType::kAppendReply)->match, LogIndex(0));
}

// L8, counterexample 4
TEST(CoreReplication, AnOldCompletionCountsForNothingWrittenSince) {
  LoneCore lone;
  lone.Start();
  lone.Append(k2, 1, {}, {MakeEntry(1, 1), MakeEntry(1, 2)});
  lone.server->StartSync();
  lone.Append(k3, 2, {}, {MakeEntry(2, 1), MakeEntry(2, 2)});
  EXPECT_EQ(lone.said.cut_from, LogIndex(1));
  lone.server->FinishSync();
  lone.Run();
  EXPECT_EQ(lone.Said(MessageType::kAppendReply), nullptr);
  EXPECT_EQ(lone.core().Status().synced, LogIndex(0));
  lone.Sync();
  EXPECT_EQ(lone.Said(MessageType::kAppendReply)->match, LogIndex(2));
}

// L2: one encoding for the own disk, the peers and apply.
TEST(CoreReplication, PayloadsAreSharedNotCopied) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.Acknowledge(k3, 1);
  SharedBytes payload = Payload("shared");
  lone.core().Propose(EntryType::kCommands, payload);
  lone.Run();
  EXPECT_EQ(lone.said.append[0].payload, payload);
  EXPECT_EQ(lone.Said(MessageType::kAppend, 2)->entries[0].payload, payload);
  EXPECT_EQ(lone.Said(MessageType::kAppend, 3)->entries[0].payload, payload);
  lone.Sync();
  lone.Acknowledge(k2, 2);
  EXPECT_EQ(lone.said.committed[0].payload, payload);
}

// L1
TEST(CoreReplication, AppendsArePipelinedUpToAWindowOfBytes) {
  LoneCore lone;
  lone.config.append_window_bytes = 1000;
  lone.config.append_message_bytes = 300;
  lone.Start();
  lone.LeadEstablished();
  for (int i = 0; i < 20; ++i) {
    lone.Propose(std::string(100, 'x'));
    lone.Run();
  }
  lone.Acknowledge(k2, 2);
  size_t entries = 0;
  for (const Message& message : lone.said.messages) {
    if (message.to != ServerId(2)) continue;
    EXPECT_LE(message.entries.size(), 2u) << "300 bytes a message";
    entries += message.entries.size();
  }
  EXPECT_GT(entries, 0u);
  uint64_t next = 0;
  for (const PeerProgress& peer : lone.core().Status().peers) {
    if (peer.identity == k2) next = peer.next.value();
  }
  EXPECT_GE(next, 9u);
  EXPECT_LE(next, 12u) << "about 1000 bytes of 132 each in flight, then it waits";
  lone.Acknowledge(k2, next - 1);
  EXPECT_NE(lone.Said(MessageType::kAppend, 2), nullptr);
}

TEST(CoreReplication, CommittedEntriesComeContiguousAndInBoundedPortions) {
  LoneCore lone(1, MakeConfiguration({1}));
  lone.config.apply_batch_bytes = 300;
  lone.Start();
  lone.Tick();
  for (int i = 0; i < 20; ++i) lone.Propose(std::string(100, 'x'));
  lone.core().HasOutput();
  lone.server->Drain();
  lone.server->StartSync();
  lone.server->FinishSync();
  LogIndex next(1);
  while (lone.core().HasOutput()) {
    Output out = lone.server->Drain();
    EXPECT_LE(out.committed.size(), 3u);
    for (const Entry& entry : out.committed) {
      EXPECT_EQ(entry.index, next);
      ++next;
    }
  }
  EXPECT_EQ(next, LogIndex(22));
}

TEST(CoreReplication, AFollowerCommitsAtMostWhatItHoldsOfTheLeader) {
  LoneCore lone;
  lone.entries = {MakeEntry(1, 1), MakeEntry(1, 2), MakeEntry(1, 3)};
  lone.Start();
  lone.Append(k2, 2, {Term(1), LogIndex(1)}, {}, 9);
  EXPECT_EQ(lone.core().commit(), LogIndex(1)) << "2 and 3 may differ from the leader's";
  lone.Append(k2, 2, {Term(1), LogIndex(1)}, {MakeEntry(1, 2)}, 9);
  EXPECT_EQ(lone.core().commit(), LogIndex(2));
}

TEST(CoreReplication, LateAndRepeatedAppendsNeverCutWhatIsKnownToAgree) {
  LoneCore lone;
  lone.Start();
  lone.Append(k2, 1, {}, {MakeEntry(1, 1), MakeEntry(1, 2), MakeEntry(1, 3)});
  lone.Append(k2, 1, {}, {MakeEntry(1, 1)});
  EXPECT_FALSE(lone.said.cut_from);
  EXPECT_EQ(lone.core().last_index(), LogIndex(3));
}

// R10: a message that lost its tail is a shorter message; one with a gap is none.
TEST(CoreReplication, TruncatedAppendsHarmNothing) {
  LoneCore lone;
  lone.Start();
  lone.Append(k2, 1, {}, {MakeEntry(1, 1)});
  lone.Append(k2, 1, {Term(1), LogIndex(2)}, {MakeEntry(1, 3)});
  ASSERT_NE(lone.Said(MessageType::kAppendReply), nullptr);
  EXPECT_TRUE(lone.Said(MessageType::kAppendReply)->reject);
  EXPECT_EQ(lone.Said(MessageType::kAppendReply)->match, LogIndex(1));
  lone.Append(k2, 1, {Term(1), LogIndex(1)}, {MakeEntry(1, 2), MakeEntry(1, 4)});
  EXPECT_EQ(lone.core().last_index(), LogIndex(1)) << "a hole in the entries";
}

TEST(CoreReplication, AnOldLeaderLearnsOfTheNewTerm) {
  LoneCore lone;
  lone.Start();
  lone.Append(k2, 5, {}, {});
  lone.Append(k3, 4, {}, {MakeEntry(4, 1)});
  const Message* reply = lone.Said(MessageType::kAppendReply, 3);
  ASSERT_NE(reply, nullptr);
  EXPECT_TRUE(reply->reject);
  EXPECT_EQ(reply->term, Term(5));
  EXPECT_EQ(lone.core().last_index(), LogIndex(0));
  EXPECT_EQ(lone.core().leader(), ServerId(2));
}

// D10: acknowledgements of another storage do not count, not even of a guest's.
TEST(CoreReplication, AcknowledgementsOfAnotherStorageDoNotCount) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.core().AddGuest(MakeIdentity(2, 99));
  lone.Propose("a");
  lone.Run();
  lone.Sync();
  lone.Acknowledge(MakeIdentity(2, 99), 2);
  lone.Acknowledge(MakeIdentity(3, 98), 2);
  lone.Acknowledge(MakeIdentity(9), 2);
  EXPECT_EQ(lone.core().commit(), LogIndex(1));
  lone.Acknowledge(k3, 2);
  EXPECT_EQ(lone.core().commit(), LogIndex(2));
}

// D10: the member whose server answers with another storage gets nothing meanwhile; the guest gets the log.
TEST(CoreReplication, AGuestIsReplicatedToInPlaceOfTheStorageItDisplaced) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.core().AddGuest(MakeIdentity(2, 99));
  lone.Run();
  size_t to_two = 0;
  for (const Message& message : lone.said.messages) to_two += message.to == ServerId(2) ? 1 : 0;
  EXPECT_EQ(to_two, 1u);
  bool guest = false;
  for (const PeerProgress& peer : lone.core().Status().peers)
    guest = guest || (peer.guest && peer.identity == MakeIdentity(2, 99));
  EXPECT_TRUE(guest);
  lone.core().PeerDisconnected(ServerId(2));
  for (const PeerProgress& peer : lone.core().Status().peers) EXPECT_FALSE(peer.guest) << "until its connection drops";
}

// D5
TEST(CoreReplication, NothingAtOrPastADamagedEntryIsAcknowledgedUntilItIsThereAgain) {
  LoneCore lone;
  lone.entries = {MakeEntry(1, 1), MakeEntry(1, 2), MakeEntry(1, 3)};
  lone.Start();
  lone.server->Crash(0);
  lone.server->Damage(LogIndex(2));
  lone.server->Start();
  lone.Append(k2, 1, {Term(1), LogIndex(3)}, {MakeEntry(1, 4)}, 4);
  lone.Sync();
  lone.Append(k2, 1, {Term(1), LogIndex(4)}, {}, 4);
  EXPECT_EQ(lone.Said(MessageType::kAppendReply)->match, LogIndex(1));
  EXPECT_EQ(lone.server->applied(), LogIndex(1));
  TestServer peer(lone.config, nullptr, 1);
  peer.SetLog(Term(1), {MakeEntry(1, 1), MakeEntry(1, 2)});
  ASSERT_TRUE(lone.server->RepairFrom(peer, LogIndex(2)));
  lone.Run();
  EXPECT_EQ(lone.Said(MessageType::kAppendReply)->match, LogIndex(4));
  EXPECT_EQ(lone.server->applied(), LogIndex(4));
}

// D6, counterexample 6: only a leader of a later term drops a damaged entry, by overwriting it.
TEST(CoreReplication, ADamagedEntryIsDroppedOnlyWhereItIsOverwritten) {
  LoneCore lone;
  lone.entries = {MakeEntry(1, 1), MakeEntry(2, 2), MakeEntry(2, 3)};
  lone.Start();
  lone.server->Crash(0);
  lone.server->Damage(LogIndex(2));
  lone.server->Start();
  lone.Append(k2, 3, {Term(1), LogIndex(1)}, {});
  EXPECT_EQ(lone.core().Status().damaged.size(), 1u) << "a shorter log of a leader proves nothing yet";
  lone.Append(k2, 3, {Term(1), LogIndex(1)}, {MakeEntry(3, 2)});
  EXPECT_EQ(lone.said.cut_from, LogIndex(2));
  EXPECT_TRUE(lone.core().Status().damaged.empty());
  lone.Sync();
  EXPECT_EQ(lone.Said(MessageType::kAppendReply)->match, LogIndex(2));
}

// D5: the own log turns out damaged while leading.
TEST(CoreReplication, ALeaderThatCannotReadItsLogLeadsNoMore) {
  LoneCore lone;
  lone.config.log_cache_bytes = 10;
  lone.entries = {MakeEntry(1, 1), MakeEntry(1, 2), MakeEntry(1, 3)};
  lone.Start();
  lone.Lead();
  lone.server->SetLog(Term(1), {MakeEntry(1, 1), MakeEntry(9, 2), MakeEntry(1, 3), MakeEntry(2, 4)});
  lone.Step({.type = MessageType::kAppendReply,
             .from = k2,
             .term = lone.core().term(),
             .log_end = {Term(0), LogIndex(3)},
             .reject = true});
  EXPECT_EQ(lone.core().role(), Role::kLeader) << "entry 1 is sound";
  lone.Acknowledge(k2, 1);
  lone.Run();
  EXPECT_NE(lone.core().role(), Role::kLeader);
  EXPECT_FALSE(lone.core().Status().damaged.empty());
}

TEST(CoreReplication, AnUnexpectedMessageIsDropped) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.Append(k2, lone.core().term().value(), {}, {MakeEntry(1, 1, "another leader of this term")});
  EXPECT_EQ(lone.core().role(), Role::kLeader);
  lone.Acknowledge(k2, 1000);
  EXPECT_EQ(lone.core().commit(), LogIndex(1)) << "acknowledges what was never sent";
  lone.Step({.type = MessageType::kAppendReply, .from = k2, .term = Term(~0ull)});
  EXPECT_EQ(lone.core().role(), Role::kLeader);
  lone.Step({.type = static_cast<MessageType>(77), .from = k2, .term = Term(9)});
  lone.Step({.type = MessageType::kVote, .from = MakeIdentity(1), .term = Term(9)});
  EXPECT_EQ(lone.core().role(), Role::kLeader);
}

// Whatever arrives, the core neither crashes nor breaks its own invariants.
TEST(CoreReplication, GarbageIsSurvived) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    LoneCore lone;
    lone.config.log_cache_bytes = 100;
    lone.Start();
    Invariants unchecked;
    lone.invariants = unchecked;
    for (int i = 0; i < 300; ++i) {
      Message m;
      m.type = static_cast<MessageType>(random.Below(11));
      m.from = MakeIdentity(static_cast<uint32_t>(random.Below(5)), random.OneIn(8) ? 99 : 0);
      m.to = ServerId(random.OneIn(20) ? 3 : 1);
      m.term = Term(random.OneIn(50) ? random.Next() : random.Below(6) + lone.core().term().value() / 2);
      m.log_end = {Term(random.Below(6)), LogIndex(random.OneIn(50) ? random.Next() : random.Below(8))};
      m.commit = LogIndex(random.Below(9));
      m.match = LogIndex(random.Below(9));
      m.reject = random.OneIn(3);
      m.transfer = random.OneIn(5);
      m.read_round = random.Below(3);
      for (uint64_t n = random.Below(4); n > 0; --n) {
        Entry entry = MakeEntry(random.Below(6), m.log_end.index.value() + m.entries.size() + 1);
        if (random.OneIn(20)) entry.payload = nullptr;
        if (random.OneIn(20)) entry.type = static_cast<EntryType>(random.Below(4));
        m.entries.push_back(entry);
      }
      lone.core().Step(std::move(m));
      if (random.OneIn(3)) lone.core().Tick();
      if (random.OneIn(5)) lone.core().Propose(EntryType::kCommands, Payload("p"));
      if (random.OneIn(9)) lone.core().RequestRead();
      if (random.OneIn(9)) lone.core().PeerDisconnected(ServerId(static_cast<uint32_t>(random.Below(5))));
      while (lone.core().HasOutput()) lone.server->Drain();
      lone.Sync();
      CoreStatus status = lone.core().Status();
      ASSERT_LE(status.commit, status.last);
      ASSERT_LE(status.applied_handed_out, status.commit);
    }
  }
}

}  // namespace
}  // namespace synod::consensus
