#include "coordinator/consensus/progress.h"

#include <gtest/gtest.h>

namespace synod::consensus {
namespace {

using State = Progress::State;

TEST(Progress, AProbeWaitsForItsAnswer) {
  Progress peer(LogIndex(10), 0);
  EXPECT_TRUE(peer.MaySend(100));
  peer.Sent(LogIndex(11), 50);
  EXPECT_FALSE(peer.MaySend(100));
  EXPECT_EQ(peer.next, LogIndex(11)) << "a probe promises nothing";
  EXPECT_TRUE(peer.Accepted(LogIndex(11)));
  EXPECT_EQ(peer.state(), State::kReplicate);
  EXPECT_EQ(peer.next, LogIndex(12));
}

// L1: pipelined, bounded in bytes.
TEST(Progress, TheWindowCountsBytesInFlight) {
  Progress peer(LogIndex(0), 0);
  peer.Accepted(LogIndex(0));
  peer.Sent(LogIndex(1), 60);
  EXPECT_TRUE(peer.MaySend(100));
  peer.Sent(LogIndex(2), 60);
  EXPECT_FALSE(peer.MaySend(100));
  EXPECT_EQ(peer.next, LogIndex(3));
  peer.Accepted(LogIndex(1));
  EXPECT_TRUE(peer.MaySend(100));
}

TEST(Progress, ARejectionGoesBackToWhereTheLogsMayAgree) {
  Progress peer(LogIndex(10), 0);
  EXPECT_TRUE(peer.Rejected(LogIndex(10), LogIndex(4)));
  EXPECT_EQ(peer.next, LogIndex(5));
  EXPECT_FALSE(peer.Rejected(LogIndex(10), LogIndex(2))) << "an answer to an older probe";
  EXPECT_EQ(peer.next, LogIndex(5));
}

TEST(Progress, StaleRejectionsInTheMiddleOfAPipelineChangeNothing) {
  Progress peer(LogIndex(5), 0);
  peer.Accepted(LogIndex(5));
  peer.Sent(LogIndex(8), 1);
  peer.Sent(LogIndex(9), 1);
  peer.Accepted(LogIndex(8));
  EXPECT_FALSE(peer.Rejected(LogIndex(7), LogIndex(3)));
  EXPECT_FALSE(peer.Rejected(LogIndex(20), LogIndex(3))) << "never sent";
  EXPECT_EQ(peer.state(), State::kReplicate);
  EXPECT_EQ(peer.match, LogIndex(8));
}

// D5: a peer that lost acknowledged entries to damage is sent them again.
TEST(Progress, APeerThatLostWhatItAcknowledgedGetsItAgain) {
  Progress peer(LogIndex(8), 0);
  peer.Accepted(LogIndex(8));
  EXPECT_TRUE(peer.Rejected(LogIndex(8), LogIndex(6)));
  EXPECT_EQ(peer.match, LogIndex(6));
  EXPECT_EQ(peer.next, LogIndex(7));
}

TEST(Progress, ALostConnectionSendsAgainFromTheLastAcknowledged) {
  Progress peer(LogIndex(5), 0);
  peer.Accepted(LogIndex(5));
  peer.Sent(LogIndex(9), 1000);
  peer.ConnectionLost();
  EXPECT_EQ(peer.next, LogIndex(6));
  EXPECT_TRUE(peer.MaySend(100));
}

TEST(Progress, DuringASnapshotOnlyItsArrivalCounts) {
  Progress peer(LogIndex(9), 0);
  peer.Rejected(LogIndex(9), LogIndex(2));
  peer.BecomeSnapshot();
  EXPECT_FALSE(peer.MaySend(100));
  EXPECT_FALSE(peer.Rejected(LogIndex(9), LogIndex(2)));
  EXPECT_EQ(peer.state(), State::kSnapshot);
  peer.ConnectionLost();
  EXPECT_EQ(peer.state(), State::kSnapshot) << "the driver says when it ended";
  peer.Accepted(LogIndex(7));
  EXPECT_EQ(peer.state(), State::kReplicate);
  EXPECT_EQ(peer.next, LogIndex(8));
}

TEST(Progress, AFailedSnapshotIsNotAskedForAgainAtOnce) {
  Progress peer(LogIndex(9), 0);
  peer.BecomeSnapshot();
  peer.SnapshotEnded(false);
  EXPECT_FALSE(peer.MaySend(100));
  peer.AllowProbe();
  EXPECT_TRUE(peer.MaySend(100));
}

TEST(Progress, AfterASnapshotTheNextAnswerTellsHowFarItIs) {
  Progress peer(LogIndex(9), 0);
  peer.BecomeSnapshot();
  peer.SnapshotEnded(true);
  EXPECT_TRUE(peer.Rejected(LogIndex(9), LogIndex(7)));
  EXPECT_EQ(peer.next, LogIndex(8));
}

}  // namespace
}  // namespace synod::consensus
