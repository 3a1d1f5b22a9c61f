// The synchronous calls of the C client.
#include <algorithm>

#include "tests/interop/c_client/harness.h"

namespace synod::interop {
namespace {

void Basics(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  INTEROP_EQ(client.Create("/c", "root"), ZOK);
  INTEROP_EQ(client.Create("/c"), ZNODEEXISTS);
  INTEROP_EQ(client.Create("/c/none/a"), ZNONODE);
  struct Stat stat = {};
  INTEROP_EQ(client.Exists("/c", &stat), ZOK);
  INTEROP_EQ(stat.dataLength, 4);
  INTEROP_EQ(stat.version, 0);
  INTEROP_EQ(stat.czxid, stat.mzxid);
  INTEROP_EQ(client.Exists("/c/none"), ZNONODE);
  std::string data;
  INTEROP_EQ(client.Get("/c", &data), ZOK);
  INTEROP_EQ(data, "root");
  INTEROP_EQ(client.Get("/c/none", &data), ZNONODE);
  INTEROP_EQ(client.Set("/c", "two", 0, &stat), ZOK);
  INTEROP_EQ(stat.version, 1);
  INTEROP_TRUE(stat.mzxid > stat.czxid);
  INTEROP_EQ(client.Set("/c", "three", 0), ZBADVERSION);
  INTEROP_EQ(client.Set("/c/none", ""), ZNONODE);
  INTEROP_EQ(zoo_set(client.handle(), "/c", "x", 1, -1), ZOK);
  INTEROP_EQ(client.Create("/c/a"), ZOK);
  INTEROP_EQ(client.Delete("/c"), ZNOTEMPTY);
  INTEROP_EQ(client.Delete("/c/a", 5), ZBADVERSION);
  INTEROP_EQ(client.Delete("/c/a", 0), ZOK);
  INTEROP_EQ(client.Delete("/c/a"), ZNONODE);
  INTEROP_EQ(client.Delete("/zookeeper"), ZBADARGUMENTS);
}

void Children(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  INTEROP_EQ(client.Create("/c/children"), ZOK);
  std::vector<std::string> names = {"stays empty"};
  INTEROP_EQ(client.Children("/c/children", &names), ZOK);
  INTEROP_EQ(names, std::vector<std::string>{});
  for (const std::string name : {"b", "a", "c"}) INTEROP_EQ(client.Create("/c/children/" + name), ZOK);
  INTEROP_EQ(client.Children("/c/children", &names), ZOK);
  INTEROP_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
  struct String_vector strings = {};
  struct Stat stat = {};
  INTEROP_EQ(zoo_get_children2(client.handle(), "/c/children", 0, &strings, &stat), ZOK);
  INTEROP_EQ(ToNames(strings), names);
  INTEROP_EQ(stat.numChildren, 3);
  INTEROP_EQ(stat.cversion, 3);
  deallocate_String_vector(&strings);
  INTEROP_EQ(client.Children("/c/none", &names), ZNONODE);
}

void NullAndEmptyData(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  char path[64];
  INTEROP_EQ(zoo_create(client.handle(), "/c/null", nullptr, -1, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof(path)), ZOK);
  std::string data;
  struct Stat stat = {};
  INTEROP_EQ(client.Get("/c/null", &data, &stat), ZOK);
  INTEROP_EQ(data, "(null)");
  INTEROP_EQ(stat.dataLength, 0);
  INTEROP_EQ(client.Set("/c/null", ""), ZOK);
  INTEROP_EQ(client.Get("/c/null", &data), ZOK);
  INTEROP_EQ(data, "");
  INTEROP_EQ(zoo_set(client.handle(), "/c/null", nullptr, -1, -1), ZOK);
  INTEROP_EQ(client.Get("/c/null", &data, &stat), ZOK);
  INTEROP_EQ(data, "(null)");
  INTEROP_EQ(stat.version, 2);
}

void CreateModes(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  INTEROP_EQ(client.Create("/c/modes"), ZOK);
  std::string path;
  INTEROP_EQ(client.Create("/c/modes/s-", "", ZOO_PERSISTENT_SEQUENTIAL, &path), ZOK);
  INTEROP_EQ(path, "/c/modes/s-0000000000");
  INTEROP_EQ(client.Create("/c/modes/e", "", ZOO_EPHEMERAL), ZOK);
  INTEROP_EQ(client.Create("/c/modes/e/child"), ZNOCHILDRENFOREPHEMERALS);
  INTEROP_EQ(client.Create("/c/modes/es-", "", ZOO_EPHEMERAL_SEQUENTIAL, &path), ZOK);
  INTEROP_EQ(path, "/c/modes/es-0000000002");
  struct Stat stat = {};
  INTEROP_EQ(client.Exists(path, &stat), ZOK);
  INTEROP_EQ(stat.ephemeralOwner, zoo_client_id(client.handle())->client_id);

  // A node of its own request type each; none shows what it is.
  char created[64] = {};
  zhandle_t* handle = client.handle();
  const auto* acl = &ZOO_OPEN_ACL_UNSAFE;
  INTEROP_EQ(zoo_create2(handle, "/c/modes/2", "ab", 2, acl, ZOO_PERSISTENT, created, sizeof(created), &stat), ZOK);
  INTEROP_EQ(stat.dataLength, 2);
  INTEROP_EQ(zoo_create2(handle, "/c/modes/con", "", 0, acl, ZOO_CONTAINER, created, sizeof(created), &stat), ZOK);
  INTEROP_EQ(std::string(created), "/c/modes/con");
  INTEROP_EQ(stat.ephemeralOwner, 0);
  INTEROP_EQ(client.Create("/c/modes/con/child"), ZOK);
  INTEROP_EQ(
      zoo_create_ttl(handle, "/c/modes/ttl", "", 0, acl, ZOO_PERSISTENT_WITH_TTL, 60000, created, sizeof(created)),
      ZOK);
  INTEROP_EQ(zoo_create2_ttl(handle, "/c/modes/ttl-", "", 0, acl, ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 60000, created,
                             sizeof(created), &stat),
             ZOK);
  INTEROP_EQ(std::string(created), "/c/modes/ttl-0000000006");
  INTEROP_EQ(stat.ephemeralOwner, 0);
  // A path that does not fit is cut, and the node is made all the same.
  char small[8] = {};
  INTEROP_EQ(zoo_create(handle, "/c/modes/long-name", "", 0, acl, 0, small, sizeof(small)), ZOK);
  INTEROP_EQ(std::string(small), "/c/mode");
  INTEROP_EQ(client.Exists("/c/modes/long-name"), ZOK);
}

void Paths(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  INTEROP_EQ(client.Create("/c/paths"), ZOK);
  for (const std::string path : {"", "relative", "/c//x", "/c/paths/", "/c/paths/../x", "/c/./x"})
    INTEROP_EQ(client.Create(path), ZBADARGUMENTS);
  // Those the library lets through.
  INTEROP_EQ(client.Create("/c/paths/\x01"), ZBADARGUMENTS);
  INTEROP_EQ(client.Create("/c/paths/\xF0\x9F\x98\x80"), ZBADARGUMENTS);
  INTEROP_EQ(client.Create("/c/paths/\xC3\xA9"), ZOK);
  std::vector<std::string> names;
  INTEROP_EQ(client.Children("/c/paths", &names), ZOK);
  INTEROP_EQ(names, std::vector<std::string>{"\xC3\xA9"});
}

void Acls(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  Client stranger(ensemble.Hosts());
  struct ACL_vector acl = {};
  struct Stat stat = {};
  INTEROP_EQ(zoo_get_acl(client.handle(), "/c", &acl, &stat), ZOK);
  INTEROP_EQ(ToTexts(acl), std::vector<std::string>{"world:anyone:31"});
  deallocate_ACL_vector(&acl);

  char path[64];
  // `auth` stands for who this client has proved to be: nobody yet.
  INTEROP_EQ(zoo_create(client.handle(), "/c/own", "", 0, &ZOO_CREATOR_ALL_ACL, 0, path, sizeof(path)), ZINVALIDACL);
  Pending proved;
  INTEROP_EQ(zoo_add_auth(client.handle(), "digest", "bob:secret", 10, &Pending::OnVoid, proved.Data()), ZOK);
  INTEROP_EQ(proved.Wait().rc, ZOK);
  INTEROP_EQ(zoo_create(client.handle(), "/c/own", "", 0, &ZOO_CREATOR_ALL_ACL, 0, path, sizeof(path)), ZOK);
  INTEROP_EQ(zoo_get_acl(client.handle(), "/c/own", &acl, &stat), ZOK);
  INTEROP_EQ(ToTexts(acl), std::vector<std::string>{"digest:bob:fyVmFCwVbTJYrznoSu1koqYEYF0=:31"});
  deallocate_ACL_vector(&acl);
  std::string data;
  INTEROP_EQ(client.Set("/c/own", "mine"), ZOK);
  INTEROP_EQ(stranger.Sync(), ZOK);
  INTEROP_EQ(stranger.Get("/c/own", &data), ZNOAUTH);
  INTEROP_EQ(stranger.Set("/c/own", "theirs"), ZNOAUTH);
  INTEROP_EQ(zoo_get_acl(stranger.handle(), "/c/own", &acl, &stat), ZNOAUTH);

  struct ACL entries[] = {{ZOO_PERM_READ, {const_cast<char*>("world"), const_cast<char*>("anyone")}},
                          {ZOO_PERM_ALL, {const_cast<char*>("auth"), const_cast<char*>("")}}};
  const struct ACL_vector both = {2, entries};
  INTEROP_EQ(zoo_set_acl(client.handle(), "/c/own", 3, &both), ZBADVERSION);
  INTEROP_EQ(zoo_set_acl(client.handle(), "/c/own", 0, &both), ZOK);
  INTEROP_EQ(zoo_get_acl(client.handle(), "/c/own", &acl, &stat), ZOK);
  INTEROP_EQ(acl.count, 2);
  INTEROP_EQ(stat.aversion, 1);
  deallocate_ACL_vector(&acl);
  INTEROP_EQ(stranger.Sync(), ZOK);
  INTEROP_EQ(stranger.Get("/c/own", &data), ZOK);
  INTEROP_EQ(data, "mine");
  INTEROP_EQ(stranger.Set("/c/own", "theirs"), ZNOAUTH);
  // Who may not administer does not see the digest.
  INTEROP_EQ(zoo_get_acl(stranger.handle(), "/c/own", &acl, &stat), ZOK);
  INTEROP_EQ(ToTexts(acl), (std::vector<std::string>{"world:anyone:1", "digest:bob:x:31"}));
  deallocate_ACL_vector(&acl);
  INTEROP_EQ(zoo_set_acl(client.handle(), "/c/none", -1, &both), ZNONODE);
  const struct ACL_vector empty = {0, nullptr};
  INTEROP_EQ(zoo_set_acl(client.handle(), "/c/own", -1, &empty), ZINVALIDACL);
}

void RefusedAuth(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  Pending pending;
  INTEROP_EQ(zoo_add_auth(client.handle(), "nosuch", "x", 1, &Pending::OnVoid, pending.Data()), ZOK);
  INTEROP_EQ(pending.Wait().rc, ZAUTHFAILED);
  INTEROP_TRUE(client.WaitForState(ZOO_AUTH_FAILED_STATE));
  INTEROP_EQ(is_unrecoverable(client.handle()), ZINVALIDSTATE);
}

void MultiSucceeds(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  zoo_op_t ops[6];
  zoo_op_result_t results[6] = {};
  char first[64] = {};
  char second[64] = {};
  struct Stat stat = {};
  const auto* acl = &ZOO_OPEN_ACL_UNSAFE;
  zoo_create_op_init(&ops[0], "/c/multi", "a", 1, acl, 0, first, sizeof(first));
  zoo_create_op_init(&ops[1], "/c/multi/s-", nullptr, -1, acl, ZOO_EPHEMERAL_SEQUENTIAL, second, sizeof(second));
  zoo_set_op_init(&ops[2], "/c/multi", "bc", 2, 0, &stat);
  zoo_check_op_init(&ops[3], "/c/multi", 1);
  zoo_create_op_init(&ops[4], "/c/multi/gone", "", 0, acl, 0, nullptr, 0);
  zoo_delete_op_init(&ops[5], "/c/multi/gone", 0);
  INTEROP_EQ(zoo_multi(client.handle(), 6, ops, results), ZOK);
  for (const zoo_op_result_t& result : results) INTEROP_EQ(result.err, ZOK);
  INTEROP_EQ(std::string(first), "/c/multi");
  INTEROP_EQ(std::string(second), "/c/multi/s-0000000000");
  INTEROP_EQ(stat.version, 1);
  INTEROP_EQ(stat.dataLength, 2);
  struct Stat now = {};
  INTEROP_EQ(client.Exists("/c/multi", &now), ZOK);
  INTEROP_EQ(now.pzxid, now.mzxid);
  INTEROP_EQ(now.cversion, 3);
}

void MultiFails(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  zoo_op_t ops[4];
  zoo_op_result_t results[4] = {};
  char path[64] = {};
  zoo_create_op_init(&ops[0], "/c/multi/x", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof(path));
  zoo_set_op_init(&ops[1], "/c/multi", "z", 1, -1, nullptr);
  zoo_delete_op_init(&ops[2], "/c/none", -1);
  zoo_check_op_init(&ops[3], "/c/multi", -1);
  INTEROP_EQ(zoo_multi(client.handle(), 4, ops, results), ZNONODE);
  std::vector<int> errors;
  for (const zoo_op_result_t& result : results) errors.push_back(result.err);
  INTEROP_EQ(errors, (std::vector<int>{0, 0, ZNONODE, ZRUNTIMEINCONSISTENCY}));
  INTEROP_EQ(client.Exists("/c/multi/x"), ZNONODE);
  std::string data;
  INTEROP_EQ(client.Get("/c/multi", &data), ZOK);
  INTEROP_EQ(data, "bc");
}

void Configuration(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  char buffer[4096] = {};
  int length = sizeof(buffer);
  struct Stat stat = {};
  INTEROP_EQ(zoo_getconfig(client.handle(), 0, buffer, &length, &stat), ZOK);
  const std::string text(buffer, static_cast<size_t>(std::max(length, 0)));
  INTEROP_EQ(stat.version, -1);
  for (const char* part : {"server.1=127.0.0.1:", "server.2=127.0.0.1:", "server.3=127.0.0.1:", ":participant"})
    INTEROP_TRUE(text.find(part) != std::string::npos);
  INTEROP_TRUE(text.rfind("version=") != std::string::npos && text.back() != '\n');
  length = sizeof(buffer);
  INTEROP_EQ(zoo_reconfig(client.handle(), nullptr, "3", nullptr, -1, buffer, &length, &stat), ZRECONFIGDISABLED);
  length = sizeof(buffer);
  INTEROP_EQ(zoo_wgetconfig(client.handle(), &Client::OnWatch, client.Watch("config"), buffer, &length, &stat), ZOK);
  INTEROP_EQ(client.Set("/zookeeper/config", "mine"), ZNOAUTH);
}

void LargeData(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  INTEROP_EQ(client.Create("/c/large", "", ZOO_EPHEMERAL), ZOK);
  // The limit of a frame is 1,048,575 bytes.
  std::string data(1048575 - 64, 'x');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31);
  INTEROP_EQ(client.Set("/c/large", data), ZOK);
  std::string read;
  INTEROP_EQ(client.Get("/c/large", &read), ZOK);
  INTEROP_TRUE(read == data);
  // Beyond it the connection is closed, and only that.
  const int connected = client.Heard(ZOO_CONNECTED_STATE);
  INTEROP_EQ(client.Set("/c/large", std::string(3 << 20, 'y')), ZCONNECTIONLOSS);
  INTEROP_TRUE(Eventually([&] { return client.Heard(ZOO_CONNECTED_STATE) > connected; }));
  struct Stat stat = {};
  INTEROP_EQ(Client::Stubborn([&] { return client.Exists("/c/large", &stat); }), ZOK);
  INTEROP_EQ(stat.version, 1);
  INTEROP_EQ(client.Heard(ZOO_EXPIRED_SESSION_STATE), 0);
}

}  // namespace

std::vector<NamedTest> CallTests() {
  return {{"c_client.calls.basics", Basics},
          {"c_client.calls.children", Children},
          {"c_client.calls.null_and_empty_data", NullAndEmptyData},
          {"c_client.calls.create_modes", CreateModes},
          {"c_client.calls.paths", Paths},
          {"c_client.calls.acls", Acls},
          {"c_client.calls.refused_auth", RefusedAuth},
          {"c_client.calls.multi_succeeds", MultiSucceeds},
          {"c_client.calls.multi_fails", MultiFails},
          {"c_client.calls.configuration", Configuration},
          {"c_client.calls.large_data", LargeData}};
}

}  // namespace synod::interop
