// What a session of the C client lives through: other servers, servers that die, its own process that dies, no quorum.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/interop/c_client/harness.h"

namespace synod::interop {
namespace {

const int kDeleted = 2;

// As when a network goes: the socket to this port is shut under the library's feet.
void BreakConnectionTo(int port) {
  for (int fd = 3; fd < 1024; ++fd) {
    sockaddr_in peer = {};
    socklen_t length = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) == 0 && ntohs(peer.sin_port) == port)
      shutdown(fd, SHUT_RDWR);
  }
}

// The session and its ephemeral go from server to server.
void Moves(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  const int64_t id = zoo_client_id(client.handle())->client_id;
  INTEROP_EQ(client.Create("/moves", "", ZOO_EPHEMERAL), ZOK);
  for (int i = 1; i <= 6; ++i) {
    const int port = client.Port();
    BreakConnectionTo(port);
    INTEROP_TRUE(Eventually([&] { return client.Heard(ZOO_CONNECTED_STATE) == i + 1; }));
    INTEROP_TRUE(client.Port() != port);
    struct Stat stat = {};
    INTEROP_EQ(Client::Stubborn([&] { return client.Exists("/moves", &stat); }), ZOK);
    INTEROP_EQ(stat.ephemeralOwner, id);
    INTEROP_EQ(zoo_client_id(client.handle())->client_id, id);
  }
  INTEROP_EQ(client.Heard(ZOO_EXPIRED_SESSION_STATE), 0);
}

// A process that dies leaves a session; another one that knows its id and password goes on with it.
void Resumed(Ensemble& ensemble) {
  int out[2];
  INTEROP_EQ(pipe(out), 0);
  const pid_t child = fork();
  if (child == 0) {
    Client dying(ensemble.Host(1));
    const int rc = dying.Create("/resumed", "left behind", ZOO_EPHEMERAL);
    const clientid_t* id = zoo_client_id(dying.handle());
    const ssize_t written = rc == ZOK ? write(out[1], id, sizeof(*id)) : 0;
    _exit(written == sizeof(*id) ? 0 : 1);
  }
  int status = 0;
  INTEROP_EQ(waitpid(child, &status, 0), child);
  INTEROP_EQ(status, 0);
  clientid_t id = {};
  INTEROP_EQ(read(out[0], &id, sizeof(id)), static_cast<ssize_t>(sizeof(id)));
  close(out[0]);
  close(out[1]);
  {
    Client heir(ensemble.Host(2), {.id = &id});
    INTEROP_EQ(zoo_client_id(heir.handle())->client_id, id.client_id);
    struct Stat stat = {};
    INTEROP_EQ(heir.Sync(), ZOK);
    INTEROP_EQ(heir.Exists("/resumed", &stat), ZOK);
    INTEROP_EQ(stat.ephemeralOwner, id.client_id);
    // A wrong password is an expired session, and does the right one no harm.
    clientid_t wrong = id;
    wrong.passwd[3] = static_cast<char>(wrong.passwd[3] + 1);
    Client thief(ensemble.Host(3), {.id = &wrong, .wait = false});
    INTEROP_TRUE(Eventually([&] { return thief.Heard(ZOO_EXPIRED_SESSION_STATE) == 1; }));
    INTEROP_EQ(is_unrecoverable(thief.handle()), ZINVALIDSTATE);
    INTEROP_EQ(heir.Exists("/resumed"), ZOK);
  }
  // The heir closed it.
  Client after(ensemble.Host(1));
  INTEROP_EQ(after.Sync(), ZOK);
  INTEROP_EQ(after.Exists("/resumed"), ZNONODE);
  Client late(ensemble.Host(3), {.id = &id, .wait = false});
  INTEROP_TRUE(Eventually([&] { return late.Heard(ZOO_EXPIRED_SESSION_STATE) == 1; }));
}

// A session whose process died and that nobody resumes ends in its time, and others are told.
void Expires(Ensemble& ensemble) {
  const pid_t child = fork();
  if (child == 0) {
    Client dying(ensemble.Host(1), {.timeout_ms = 4000});
    _exit(dying.Create("/expires", "", ZOO_EPHEMERAL) == ZOK ? 0 : 1);
  }
  int status = 0;
  INTEROP_EQ(waitpid(child, &status, 0), child);
  INTEROP_EQ(status, 0);
  const auto started = std::chrono::steady_clock::now();
  Client watcher(ensemble.Host(2));
  INTEROP_EQ(watcher.Sync(), ZOK);
  struct Stat stat = {};
  INTEROP_EQ(zoo_wexists(watcher.handle(), "/expires", &Client::OnWatch, watcher.Watch("w"), &stat), ZOK);
  INTEROP_TRUE(watcher.WaitForEvents(1, std::chrono::seconds(20)));
  INTEROP_EQ(watcher.Events(), (std::vector<Event>{{kDeleted, "/expires", "w"}}));
  INTEROP_TRUE(std::chrono::steady_clock::now() - started > std::chrono::seconds(3));
}

void GrantedTimeouts(Ensemble& ensemble) {
  // tickTime 2000: 4 to 40 seconds.
  for (const auto& [wanted, granted] : {std::pair{100, 4000}, {1000000, 40000}, {10000, 10000}}) {
    Client client(ensemble.Hosts(), {.timeout_ms = wanted});
    INTEROP_EQ(zoo_recv_timeout(client.handle()), granted);
  }
}

void SetWatches(Client& client, const std::string& root) {
  char buffer[16];
  int length = sizeof(buffer);
  struct Stat stat = {};
  struct String_vector names = {};
  zhandle_t* handle = client.handle();
  for (const std::string path : {"/changed", "/deleted", "/quiet"}) {
    length = sizeof(buffer);
    INTEROP_EQ(zoo_wget(handle, (root + path).c_str(), &Client::OnWatch, client.Watch("get"), buffer, &length, &stat),
               ZOK);
  }
  INTEROP_EQ(zoo_wexists(handle, (root + "/created").c_str(), &Client::OnWatch, client.Watch("exists"), &stat),
             ZNONODE);
  INTEROP_EQ(zoo_wexists(handle, (root + "/missing").c_str(), &Client::OnWatch, client.Watch("exists"), &stat),
             ZNONODE);
  INTEROP_EQ(zoo_wget_children(handle, (root + "/parent").c_str(), &Client::OnWatch, client.Watch("list"), &names),
             ZOK);
  INTEROP_EQ(zoo_wget_children(handle, (root + "/quiet").c_str(), &Client::OnWatch, client.Watch("list"), &names), ZOK);
  // And of the global watcher.
  length = sizeof(buffer);
  INTEROP_EQ(zoo_get(handle, (root + "/changed").c_str(), 1, buffer, &length, &stat), ZOK);
  deallocate_String_vector(&names);
}

std::vector<std::string> Sorted(const std::vector<Event>& events) {
  std::vector<std::string> texts;
  for (const Event& event : events) texts.push_back(Print(event));
  std::sort(texts.begin(), texts.end());
  return texts;
}

// Its server dies. What changes until the client is connected again, here to the same server or else to another, is
// told then (setWatches), once; what did not change is watched on.
void WatchesSurvive(Ensemble& ensemble, const std::string& hosts, const std::string& root) {
  Client client(hosts);
  Client writer(ensemble.Host(2) + "," + ensemble.Host(3));
  const int64_t id = zoo_client_id(client.handle())->client_id;
  for (const std::string path : {"", "/changed", "/deleted", "/quiet", "/parent"})
    INTEROP_EQ(client.Create(root + path), ZOK);
  INTEROP_EQ(client.Create(root + "/own", "", ZOO_EPHEMERAL), ZOK);
  SetWatches(client, root);
  ensemble.Kill(1);
  const auto write = [&](const std::function<int()>& call) { INTEROP_EQ(Client::Stubborn(call), ZOK); };
  write([&] { return writer.Set(root + "/changed", "x"); });
  write([&] { return writer.Delete(root + "/deleted"); });
  write([&] { return writer.Create(root + "/created"); });
  write([&] { return writer.Create(root + "/parent/child"); });
  ensemble.Start(1);
  INTEROP_TRUE(client.WaitForEvents(5, std::chrono::seconds(20)));
  const std::vector<std::string> missed = {"1 " + root + "/created (exists)", "2 " + root + "/deleted (get)",
                                           "3 " + root + "/changed (get)", "3 " + root + "/changed (global)",
                                           "4 " + root + "/parent (list)"};
  INTEROP_EQ(Sorted(client.Events()), missed);

  client.ForgetEvents();
  write([&] { return writer.Set(root + "/changed", "again"); });
  write([&] { return writer.Set(root + "/quiet", "x"); });
  write([&] { return writer.Create(root + "/quiet/child"); });
  write([&] { return writer.Create(root + "/missing"); });
  INTEROP_TRUE(client.WaitForEvents(3));
  INTEROP_EQ(client.Sync(), ZOK);
  const std::vector<std::string> later = {"1 " + root + "/missing (exists)", "3 " + root + "/quiet (get)",
                                          "4 " + root + "/quiet (list)"};
  INTEROP_EQ(Sorted(client.Events()), later);
  struct Stat stat = {};
  INTEROP_EQ(client.Exists(root + "/own", &stat), ZOK);
  INTEROP_EQ(stat.ephemeralOwner, id);
  INTEROP_EQ(client.Heard(ZOO_EXPIRED_SESSION_STATE), 0);
  ensemble.WaitUntilServes(1);
}

void WatchesSurviveARestart(Ensemble& ensemble) { WatchesSurvive(ensemble, ensemble.Host(1), "/restart"); }
void WatchesMove(Ensemble& ensemble) { WatchesSurvive(ensemble, ensemble.Host(1) + "," + ensemble.Host(3), "/move"); }

// Every server dies once while a client writes: it goes on elsewhere, nothing acknowledged is lost, the session lives.
void ServersDie(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  const int64_t id = zoo_client_id(client.handle())->client_id;
  INTEROP_EQ(client.Create("/rounds", "0"), ZOK);
  INTEROP_EQ(client.Create("/rounds/own", "", ZOO_EPHEMERAL), ZOK);
  int value = 0;
  for (int round = 0; round < 3; ++round) {
    const int server = client.Port() - ensemble.base_port();
    INTEROP_TRUE(server >= 1 && server <= Ensemble::kServers);
    ensemble.Kill(server);
    for (int i = 0; i < 100; ++i) {
      ++value;
      INTEROP_EQ(Client::Stubborn([&] { return client.Set("/rounds", std::to_string(value)); }), ZOK);
      std::string read;
      INTEROP_EQ(Client::Stubborn([&] { return client.Get("/rounds", &read); }), ZOK);
      INTEROP_EQ(read, std::to_string(value));
    }
    ensemble.Start(server);
    ensemble.WaitUntilServes(server);
  }
  struct Stat stat = {};
  INTEROP_EQ(Client::Stubborn([&] { return client.Exists("/rounds/own", &stat); }), ZOK);
  INTEROP_EQ(stat.ephemeralOwner, id);
  INTEROP_EQ(client.Heard(ZOO_EXPIRED_SESSION_STATE), 0);
  INTEROP_TRUE(client.Heard(ZOO_CONNECTED_STATE) >= 4);
}

// One server of three is left: it serves who accepts reading only, and them no further than that; with a quorum again
// they get a session that writes.
void ReadOnly(Ensemble& ensemble) {
  {
    Client healthy(ensemble.Hosts(), {.flags = ZOO_READONLY});
    INTEROP_EQ(healthy.Create("/read-only", "kept"), ZOK);
    for (int server = 1; server <= Ensemble::kServers; ++server) {
      Client each(ensemble.Host(server));
      INTEROP_EQ(each.Sync(), ZOK);
    }
  }
  ensemble.Kill(1);
  ensemble.Kill(2);
  {
    Client reader(ensemble.Hosts(), {.flags = ZOO_READONLY, .wait = false});
    INTEROP_TRUE(reader.WaitForState(ZOO_READONLY_STATE, std::chrono::seconds(30)));
    std::string data;
    INTEROP_EQ(reader.Get("/read-only", &data), ZOK);
    INTEROP_EQ(data, "kept");
    std::vector<std::string> names;
    INTEROP_EQ(reader.Children("/", &names), ZOK);
    INTEROP_EQ(reader.Set("/read-only", "x"), ZNOTREADONLY);
    INTEROP_EQ(reader.Create("/read-only/x"), ZNOTREADONLY);
    INTEROP_EQ(reader.Delete("/read-only"), ZNOTREADONLY);
    INTEROP_EQ(reader.Sync(), ZNOTREADONLY);
    // Who wants to write gets no session there.
    Client writer(ensemble.Host(3), {.wait = false});
    INTEROP_TRUE(!writer.WaitForState(ZOO_CONNECTED_STATE, std::chrono::seconds(1)));
    ensemble.Start(1);
    ensemble.Start(2);
    INTEROP_TRUE(writer.WaitForState(ZOO_CONNECTED_STATE, std::chrono::seconds(30)));
    INTEROP_TRUE(reader.WaitForState(ZOO_CONNECTED_STATE, std::chrono::seconds(30)));
    INTEROP_EQ(Client::Stubborn([&] { return reader.Set("/read-only", "written"); }), ZOK);
  }
  for (int server = 1; server <= Ensemble::kServers; ++server) ensemble.WaitUntilServes(server);
}

}  // namespace

std::vector<NamedTest> ServerTests() {
  return {{"c_client.servers.moves", Moves},
          {"c_client.servers.resumed", Resumed},
          {"c_client.servers.expires", Expires},
          {"c_client.servers.granted_timeouts", GrantedTimeouts},
          {"c_client.servers.watches_survive_a_restart", WatchesSurviveARestart},
          {"c_client.servers.watches_move", WatchesMove},
          {"c_client.servers.all_die_in_turn", ServersDie},
          {"c_client.servers.read_only", ReadOnly}};
}

}  // namespace synod::interop
