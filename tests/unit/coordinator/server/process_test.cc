// The program: exit codes, texts and signals.
#include "tests/unit/coordinator/server/process.h"

#include <fstream>

#include "coordinator/server/process_info.h"

namespace synod::server {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;
using testing::Port;
using testing::Process;
using ::testing::StartsWith;
using testing::TempDirectory;

class ProcessTest : public ::testing::Test {
 protected:
  std::string WriteConfig(const std::string& more = "") {
    std::filesystem::create_directories(data());
    std::ofstream(directory_.path() + "/zoo.cfg")
        << "dataDir=" << data() << "\nclientPort=" << client_.number() << "\ngrpcPort=" << grpc_.number()
        << "\nadmin.serverPort=" << admin_.number() << "\ndiskReserveMb=0\npreAllocSize=4096\n"
        << more;
    return directory_.path() + "/zoo.cfg";
  }
  std::string data() const { return directory_.path() + "/data"; }
  bool Serves(const Process& process) {
    return Eventually([&] { return process.Output().find("serves clients on") != std::string::npos; });
  }
  TempDirectory directory_;
  Port client_, grpc_, admin_;
};

TEST_F(ProcessTest, HelpAndVersionEndWithZero) {
  Process help(directory_.path(), {"--help"});
  EXPECT_EQ(help.Wait(), 0);
  EXPECT_THAT(help.Output(), HasSubstr("--verify DIR"));
  Process version(directory_.path(), {"--version"});
  EXPECT_EQ(version.Wait(), 0);
  EXPECT_THAT(version.Output(), StartsWith("synod-coordinator 0."));
}

TEST_F(ProcessTest, WrongUsageEndsWithTwo) {
  for (std::vector<std::string> words : {std::vector<std::string>{}, {"a", "b"}, {"--nothing"}, {"--verify"}, {""}}) {
    Process process(directory_.path(), words);
    EXPECT_EQ(process.Wait(), 2);
    EXPECT_THAT(process.Output(), StartsWith("usage: "));
  }
}

TEST_F(ProcessTest, AWrongConfigurationEndsWithOneAndNamesTheLine) {
  Process process(directory_.path(), {WriteConfig("tickTime=never\n")});
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.Output(), HasSubstr("zoo.cfg: line 7: tickTime=never: not a number"));
  Process missing(directory_.path(), {"/nowhere/zoo.cfg"});
  EXPECT_EQ(missing.Wait(), 1);
  EXPECT_THAT(missing.Output(), HasSubstr("/nowhere/zoo.cfg: cannot be read"));
  Process log(directory_.path(), {WriteConfig("logFile=/nowhere/log\n")});
  EXPECT_EQ(log.Wait(), 1);
  EXPECT_THAT(log.Output(), HasSubstr("logFile: cannot write to /nowhere/log"));
}

TEST_F(ProcessTest, AForeignDataDirectoryEndsWithOneAndSaysWhy) {
  std::filesystem::create_directories(data() + "/version-2");
  Process process(directory_.path(), {WriteConfig()});
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.Output(), HasSubstr("holds ZooKeeper's data"));
}

TEST_F(ProcessTest, ATakenPortEndsWithOneAndFormsNoDataDirectory) {
  grpc_.Listen();
  Process process(directory_.path(), {WriteConfig()});
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.Output(), HasSubstr("gRPC: cannot listen on"));
  EXPECT_FALSE(std::filesystem::exists(data() + "/synod"));
}

TEST_F(ProcessTest, ItSaysWhereItServesAndLeavesAtSigtermWithZero) {
  Process process(directory_.path(), {WriteConfig("foo=bar\n")});
  ASSERT_TRUE(Serves(process)) << process.Output();
  EXPECT_THAT(process.Output(), HasSubstr(absl::StrCat("server 1 serves clients on 127.0.0.1:", grpc_.number(),
                                                       " (gRPC) and 127.0.0.1:", client_.number(),
                                                       " (ZooKeeper), admin http://127.0.0.1:", admin_.number())));
  EXPECT_THAT(process.Output(), HasSubstr("foo has no effect"));
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << process.Output();
  Process verify(directory_.path(), {"--verify", data()});
  EXPECT_EQ(verify.Wait(), 0) << verify.Output();
}

TEST_F(ProcessTest, OneThatIsPausedWhileItLeavesStillLeavesInOrder) {  // scripts/cluster.sh down: TERM, then CONT
  Process process(directory_.path(), {WriteConfig()});
  ASSERT_TRUE(Serves(process)) << process.Output();
  process.Signal(SIGSTOP);
  process.Signal(SIGTERM);
  process.Signal(SIGCONT);
  EXPECT_EQ(process.Wait(), 0) << process.Output();
}

TEST_F(ProcessTest, SigpipeIsIgnored) {
  Process process(directory_.path(), {WriteConfig()});
  ASSERT_TRUE(Serves(process)) << process.Output();
  process.Signal(SIGPIPE);
  process.Signal(SIGINT);
  EXPECT_EQ(process.Wait(), 0) << process.Output();
}

TEST_F(ProcessTest, KilledWhileItRanTheDirectoryIsWhole) {  // D5
  {
    Process process(directory_.path(), {WriteConfig()});
    ASSERT_TRUE(Serves(process)) << process.Output();
    // Not amid the votes of the first election: then one copy of the hard state may be torn amid its write.
    ASSERT_TRUE(Eventually([&] { return testing::HttpGet(admin_.number(), "/ready").code == 200; }));
  }
  Process verify(directory_.path(), {"--verify", data()});
  EXPECT_EQ(verify.Wait(), 0) << verify.Output();
}

TEST(EndProcessTest, EndsWithOneAndSaysWhy) {  // D12
  EXPECT_EXIT(EndProcess(absl::DataLossError("sync failed")), ::testing::ExitedWithCode(1),
              "synod-coordinator: ended: DATA_LOSS: sync failed");
}

TEST_F(ProcessTest, VerifyOfWhatIsNoDataDirectoryEndsWithOne) {
  Process verify(directory_.path(), {"--verify", directory_.path()});
  EXPECT_EQ(verify.Wait(), 1);
  EXPECT_THAT(verify.Output(), HasSubstr("is not a data directory of Synod's"));
}

}  // namespace
}  // namespace synod::server
