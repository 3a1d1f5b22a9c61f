// `--standalone`: what it takes, and the process it is.
#include "coordinator/server/standalone.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/coordinator/server/process.h"

namespace synod::server {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;
using testing::Port;
using testing::Process;
using testing::TempDirectory;

std::string Error(const std::vector<std::string>& words) {
  absl::Status status = StandaloneConfig(words).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

TEST(StandaloneConfigTest, PortsAreThoseOfTheDocumentation) {
  absl::StatusOr<ServerConfig> config = StandaloneConfig({"--standalone", "--data", "/d"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data_dir, "/d");
  EXPECT_EQ(config->data_log_dir, "/d");
  EXPECT_EQ(config->client_address, "127.0.0.1");
  EXPECT_EQ(config->client_port, 2181);
  EXPECT_EQ(config->grpc_port, 2281);
  EXPECT_EQ(config->admin_port, 8080);
  EXPECT_EQ(config->peer_port, 0);
  EXPECT_EQ(config->seeds.size(), 1u);
}

TEST(StandaloneConfigTest, OptionsComeInAnyOrderAndBothForms) {
  absl::StatusOr<ServerConfig> config =
      StandaloneConfig({"--admin-port=0", "--data=/d", "--grpc-port", "7000", "--standalone"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data_dir, "/d");
  EXPECT_EQ(config->client_port, 2181);
  EXPECT_EQ(config->grpc_port, 7000);
  EXPECT_EQ(config->admin_port, 0);
  // Two free ports are not the same port.
  EXPECT_TRUE(StandaloneConfig({"--standalone", "--data", "/d", "--grpc-port", "0", "--admin-port", "0"}).ok());
}

TEST(StandaloneConfigTest, AFreeGrpcPortMeansAFreeClientPortUnlessThatIsNamed) {
  EXPECT_EQ(StandaloneConfig({"--standalone", "--data", "/d", "--grpc-port", "0"})->client_port, 0);
  EXPECT_EQ(StandaloneConfig({"--standalone", "--data", "/d", "--grpc-port", "0", "--client-port=5"})->client_port, 5);
  EXPECT_EQ(StandaloneConfig({"--standalone", "--data", "/d", "--client-port=0"})->grpc_port, 2281);
}

TEST(StandaloneConfigTest, WrongCombinationsSayWhatIsWrong) {
  EXPECT_THAT(Error({"--standalone"}), HasSubstr("--standalone needs --data DIR"));
  EXPECT_THAT(Error({"--standalone", "--data"}), HasSubstr("--data needs a value"));
  EXPECT_THAT(Error({"--standalone", "--data", "--grpc-port", "1"}), HasSubstr("--data needs a value"));
  EXPECT_THAT(Error({"--standalone", "--data="}), HasSubstr("--data needs a value"));
  EXPECT_THAT(Error({"--standalone=yes", "--data", "/d"}), HasSubstr("takes no value"));
  EXPECT_THAT(Error({"--standalone", "--data", "/d", "--data", "/e"}), HasSubstr("--data stands twice"));
  EXPECT_THAT(Error({"--standalone", "--data", "/d", "zoo.cfg"}), HasSubstr("\"zoo.cfg\": a configuration file and"));
  EXPECT_THAT(Error({"--standalone", "--data", "/d", "--peer-port", "1"}), HasSubstr("unknown option --peer-port"));
  EXPECT_THAT(Error({"--data", "/d"}), HasSubstr("--data goes with --standalone"));
  EXPECT_THAT(Error({"--standalone", "--data", "/d", "--grpc-port", "65536"}), HasSubstr("--grpc-port must be a port"));
  EXPECT_THAT(Error({"--standalone", "--data", "/d", "--admin-port", "x"}), HasSubstr("--admin-port must be a port"));
  EXPECT_THAT(Error({"--standalone", "--data", "/d", "--grpc-port", "8080"}), HasSubstr("are both 8080"));
  EXPECT_THAT(Error({"--standalone", "--data", "/d", "--client-port", "2281"}), HasSubstr("are both 2281"));
}

class StandaloneTest : public ::testing::Test {
 protected:
  std::string data() const { return directory_.path() + "/made/data"; }
  std::vector<std::string> Words() const {
    return {"--standalone", "--data", data(), "--grpc-port", "0", "--admin-port", "0"};
  }
  // The gRPC port of the line that it prints when it serves; 0 if it never does.
  uint16_t WaitPort(const Process& process) {
    uint16_t port = 0;
    Eventually([&] {
      const std::string output = process.Output();
      const size_t at = output.find("server 1 serves clients on 127.0.0.1:");
      if (at == std::string::npos || output.find('\n', at) == std::string::npos) return false;
      port = static_cast<uint16_t>(atoi(output.c_str() + output.find(':', at) + 1));
      return true;
    });
    return port;
  }
  std::unique_ptr<v1::Coordination::Stub> Stub(uint16_t port) {
    grpc::ChannelArguments own;
    own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return v1::Coordination::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), own));
  }
  grpc::Status Call(uint16_t port, const v1::Request& request, v1::Reply* out = nullptr) {
    grpc::ClientContext context;
    testing::Running::Limit(&context);
    v1::CallRequest call;
    *call.mutable_request() = request;
    v1::CallReply reply;
    grpc::Status status = Stub(port)->Call(&context, call, &reply);
    if (out != nullptr) *out = reply.reply();
    return status;
  }
  TempDirectory directory_;
};

TEST_F(StandaloneTest, ItServesOnFreePortsAndKeepsItsDataAcrossAStopAndAKill) {
  {
    Process process(directory_.path(), Words());
    uint16_t port = WaitPort(process);
    ASSERT_NE(port, 0) << process.Output();
    // It was announced when it could be written to: no retry here.
    ASSERT_TRUE(Call(port, testing::CreateRequest("/kept", "1")).ok());
    process.Signal(SIGTERM);
    EXPECT_EQ(process.Wait(), 0) << process.Output();
  }
  {
    Process process(directory_.path(), Words());
    uint16_t port = WaitPort(process);
    ASSERT_NE(port, 0) << process.Output();
    v1::Reply reply;
    ASSERT_TRUE(Call(port, testing::GetRequest("/kept"), &reply).ok());
    EXPECT_EQ(reply.data().value(), "1");
    ASSERT_TRUE(Call(port, testing::CreateRequest("/kept/too", "2")).ok());
  }  // killed
  Process process(directory_.path(), Words());
  uint16_t port = WaitPort(process);
  ASSERT_NE(port, 0) << process.Output();
  EXPECT_TRUE(Call(port, testing::GetRequest("/kept/too")).ok());
}

TEST_F(StandaloneTest, TheLineIsAllThatItPrintsAndNamesThePorts) {
  Process process(directory_.path(), Words());
  ASSERT_NE(WaitPort(process), 0) << process.Output();
  EXPECT_THAT(
      process.Output(),
      ::testing::MatchesRegex("server 1 serves clients on 127\\.0\\.0\\.1:[0-9]+ \\(gRPC\\) and 127\\.0\\.0\\.1:[0-9]+ "
                              "\\(ZooKeeper\\), admin http://127\\.0\\.0\\.1:[0-9]+\n"));
}

TEST_F(StandaloneTest, ATakenPortIsAnErrorAndLeavesNoDataDirectoryBehind) {
  Port port;
  port.Listen();
  Process process(directory_.path(),
                  {"--standalone", "--data", data(), "--grpc-port", absl::StrCat(port.number()), "--admin-port", "0"});
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.Output(), HasSubstr(absl::StrCat("gRPC: cannot listen on 127.0.0.1:", port.number())));
  EXPECT_FALSE(std::filesystem::exists(data() + "/synod"));
}

TEST_F(StandaloneTest, TwoOnOneDirectoryAreRefused) {
  Process first(directory_.path(), Words());
  ASSERT_NE(WaitPort(first), 0) << first.Output();
  TempDirectory other;
  Process second(other.path(), Words());
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_THAT(second.Output(), HasSubstr("another process is using the data directory"));
}

TEST_F(StandaloneTest, ADirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(directory_.path() + "/file") << "x";
  Process process(directory_.path(), {"--standalone", "--data", directory_.path() + "/file/data"});
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.Output(),
              HasSubstr(absl::StrCat("the data directory ", directory_.path(), "/file/data cannot be made")));
  Process file(directory_.path(), {"--standalone", "--data", directory_.path() + "/file"});
  EXPECT_EQ(file.Wait(), 1);
  EXPECT_THAT(file.Output(), HasSubstr("cannot be made"));
}

TEST_F(StandaloneTest, WrongUsageEndsWithTwo) {
  for (std::vector<std::string> words : {std::vector<std::string>{"--standalone"},
                                         {"--data", data()},
                                         {"zoo.cfg", "--standalone", "--data", data()},
                                         {"--standalone", "--data", data(), "--grpc-port=99999"}}) {
    Process process(directory_.path(), words);
    EXPECT_EQ(process.Wait(), 2);
    EXPECT_THAT(process.Output(), HasSubstr("usage: synod-coordinator --standalone --data DIR"));
  }
  EXPECT_FALSE(std::filesystem::exists(data()));
}

}  // namespace
}  // namespace synod::server
