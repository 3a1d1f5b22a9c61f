// The asynchronous calls of the C client, and the order of what is pipelined.
#include <atomic>
#include <memory>

#include "tests/interop/c_client/harness.h"

namespace synod::interop {
namespace {

// Starts a call and waits for its answer.
template <typename Call>
Answer Ask(const Call& call) {
  Pending pending;
  const int rc = call(pending.Data());
  if (rc != ZOK) return Answer{rc};
  return pending.Wait();
}

void Creates(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  zhandle_t* handle = client.handle();
  const auto* acl = &ZOO_OPEN_ACL_UNSAFE;
  Answer answer =
      Ask([&](const void* data) { return zoo_acreate(handle, "/async", "x", 1, acl, 0, &Pending::OnString, data); });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.text, "/async");
  answer =
      Ask([&](const void* data) { return zoo_acreate(handle, "/async", "x", 1, acl, 0, &Pending::OnString, data); });
  INTEROP_EQ(answer.rc, ZNODEEXISTS);
  answer = Ask([&](const void* data) {
    return zoo_acreate2(handle, "/async/s-", "xyz", 3, acl, ZOO_EPHEMERAL_SEQUENTIAL, &Pending::OnStringStat, data);
  });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.text, "/async/s-0000000000");
  INTEROP_EQ(answer.stat.dataLength, 3);
  INTEROP_EQ(answer.stat.ephemeralOwner, zoo_client_id(handle)->client_id);
  answer = Ask([&](const void* data) {
    return zoo_acreate2(handle, "/async/con", "", 0, acl, ZOO_CONTAINER, &Pending::OnStringStat, data);
  });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.text, "/async/con");
  answer = Ask([&](const void* data) {
    return zoo_acreate_ttl(handle, "/async/ttl", "", 0, acl, ZOO_PERSISTENT_WITH_TTL, 60000, &Pending::OnString, data);
  });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.text, "/async/ttl");
  answer = Ask([&](const void* data) {
    return zoo_acreate2_ttl(handle, "/async/ttl-", "", 0, acl, ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 60000,
                            &Pending::OnStringStat, data);
  });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.text, "/async/ttl-0000000003");
  INTEROP_EQ(answer.stat.ephemeralOwner, 0);
}

void ReadsAndWrites(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  zhandle_t* handle = client.handle();
  Answer answer =
      Ask([&](const void* data) { return zoo_aset(handle, "/async", "four", 4, 0, &Pending::OnStat, data); });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.stat.version, 1);
  answer = Ask([&](const void* data) { return zoo_aset(handle, "/async", "", 0, 0, &Pending::OnStat, data); });
  INTEROP_EQ(answer.rc, ZBADVERSION);
  answer = Ask([&](const void* data) { return zoo_aget(handle, "/async", 0, &Pending::OnData, data); });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.text, "four");
  answer = Ask([&](const void* data) { return zoo_aset(handle, "/async", nullptr, -1, -1, &Pending::OnStat, data); });
  INTEROP_EQ(answer.rc, ZOK);
  answer = Ask([&](const void* data) {
    return zoo_awget(handle, "/async", &Client::OnWatch, client.Watch("get"), &Pending::OnData, data);
  });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_TRUE(answer.null);
  answer = Ask([&](const void* data) { return zoo_aexists(handle, "/async", 0, &Pending::OnStat, data); });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.stat.version, 2);
  answer = Ask([&](const void* data) {
    return zoo_awexists(handle, "/async/none", &Client::OnWatch, client.Watch("exists"), &Pending::OnStat, data);
  });
  INTEROP_EQ(answer.rc, ZNONODE);
  const std::vector<std::string> names = {"con", "ttl", "ttl-0000000003"};
  answer = Ask([&](const void* data) { return zoo_aget_children(handle, "/async", 0, &Pending::OnStrings, data); });
  INTEROP_EQ(answer.names, names);
  answer =
      Ask([&](const void* data) { return zoo_aget_children2(handle, "/async", 0, &Pending::OnStringsStat, data); });
  INTEROP_EQ(answer.names, names);
  INTEROP_EQ(answer.stat.numChildren, 3);
  answer = Ask([&](const void* data) {
    return zoo_awget_children(handle, "/async", &Client::OnWatch, client.Watch("children"), &Pending::OnStrings, data);
  });
  INTEROP_EQ(answer.names, names);
  answer = Ask([&](const void* data) {
    return zoo_awget_children2(handle, "/async", &Client::OnWatch, client.Watch("children2"), &Pending::OnStringsStat,
                               data);
  });
  INTEROP_EQ(answer.names, names);
  answer = Ask([&](const void* data) { return zoo_async(handle, "/async", &Pending::OnString, data); });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.text, "/async");
  answer = Ask([&](const void* data) { return zoo_adelete(handle, "/async/ttl", 7, &Pending::OnVoid, data); });
  INTEROP_EQ(answer.rc, ZBADVERSION);
  answer = Ask([&](const void* data) { return zoo_adelete(handle, "/async/ttl", 0, &Pending::OnVoid, data); });
  INTEROP_EQ(answer.rc, ZOK);
  // The two watchers of the children were told of that, by one event of the server.
  INTEROP_TRUE(client.WaitForEvents(2));
}

void AclsAndConfiguration(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  zhandle_t* handle = client.handle();
  Answer answer = Ask([&](const void* data) {
    return zoo_aset_acl(handle, "/async/con", 0, &ZOO_READ_ACL_UNSAFE, &Pending::OnVoid, data);
  });
  INTEROP_EQ(answer.rc, ZOK);
  answer = Ask([&](const void* data) { return zoo_aget_acl(handle, "/async/con", &Pending::OnAcl, data); });
  INTEROP_EQ(answer.names, std::vector<std::string>{"world:anyone:1"});
  INTEROP_EQ(answer.stat.aversion, 1);
  answer = Ask([&](const void* data) { return zoo_aset(handle, "/async/con", "", 0, -1, &Pending::OnStat, data); });
  INTEROP_EQ(answer.rc, ZNOAUTH);
  answer = Ask([&](const void* data) { return zoo_agetconfig(handle, 0, &Pending::OnData, data); });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_TRUE(answer.text.find("server.3=") != std::string::npos);
  answer = Ask([&](const void* data) {
    return zoo_awgetconfig(handle, &Client::OnWatch, client.Watch("config"), &Pending::OnData, data);
  });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(answer.stat.version, -1);
  answer = Ask([&](const void* data) {
    return zoo_areconfig(handle, "server.4=127.0.0.1:1:2", nullptr, nullptr, -1, &Pending::OnData, data);
  });
  INTEROP_EQ(answer.rc, ZRECONFIGDISABLED);
}

void Multi(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  zoo_op_t ops[3];
  zoo_op_result_t results[3] = {};
  char path[64] = {};
  struct Stat stat = {};
  zoo_create_op_init(&ops[0], "/async/m", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof(path));
  zoo_set_op_init(&ops[1], "/async/m", "12345", 5, 0, &stat);
  zoo_check_op_init(&ops[2], "/async/m", 1);
  Answer answer =
      Ask([&](const void* data) { return zoo_amulti(client.handle(), 3, ops, results, &Pending::OnVoid, data); });
  INTEROP_EQ(answer.rc, ZOK);
  INTEROP_EQ(std::string(path), "/async/m");
  INTEROP_EQ(stat.dataLength, 5);
  answer = Ask([&](const void* data) { return zoo_amulti(client.handle(), 3, ops, results, &Pending::OnVoid, data); });
  INTEROP_EQ(answer.rc, ZNODEEXISTS);
  INTEROP_EQ(results[0].err, ZNODEEXISTS);
  INTEROP_EQ(results[1].err, ZRUNTIMEINCONSISTENCY);
}

// Ten thousand writes without waiting, reads among them: answered in the order sent, and a read sees its own session's
// writes before it and none behind it.
struct Pipeline {
  static constexpr int kWrites = 10000;
  std::atomic<int> next = 0;  // of writes, by their answers
  std::atomic<int> reads = 0;
  std::atomic<int> wrong = 0;
};

void Pipelined(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  INTEROP_EQ(client.Create("/async/pipe"), ZOK);
  Pipeline pipeline;
  const auto on_write = [](int rc, const struct Stat* stat, const void* data) {
    auto* p = const_cast<Pipeline*>(static_cast<const Pipeline*>(data));
    const int expected = p->next.fetch_add(1) + 1;
    if (rc != ZOK || stat == nullptr || stat->version != expected) p->wrong.fetch_add(1);
  };
  const auto on_read = [](int rc, const char* value, int length, const struct Stat* stat, const void* data) {
    auto* p = const_cast<Pipeline*>(static_cast<const Pipeline*>(data));
    p->reads.fetch_add(1);
    const int before = p->next.load();
    const std::string text(value == nullptr ? "" : value, length < 0 ? 0 : static_cast<size_t>(length));
    if (rc != ZOK || stat->version != before || text != std::to_string(before)) p->wrong.fetch_add(1);
  };
  for (int i = 1; i <= Pipeline::kWrites; ++i) {
    const std::string value = std::to_string(i);
    INTEROP_EQ(
        zoo_aset(client.handle(), "/async/pipe", value.data(), static_cast<int>(value.size()), -1, on_write, &pipeline),
        ZOK);
    if (i % 10 == 0) INTEROP_EQ(zoo_aget(client.handle(), "/async/pipe", 0, on_read, &pipeline), ZOK);
  }
  INTEROP_TRUE(Eventually([&] { return pipeline.reads == Pipeline::kWrites / 10; }, std::chrono::seconds(40)));
  INTEROP_EQ(pipeline.next.load(), Pipeline::kWrites);
  INTEROP_EQ(pipeline.wrong.load(), 0);
  INTEROP_EQ(client.Heard(ZOO_CONNECTED_STATE), 1);
}

void SequencesPipelined(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  INTEROP_EQ(client.Create("/async/queue"), ZOK);
  constexpr int kCreates = 500;
  std::vector<std::unique_ptr<Pending>> pending;
  for (int i = 0; i < kCreates; ++i) {
    pending.push_back(std::make_unique<Pending>());
    INTEROP_EQ(zoo_acreate(client.handle(), "/async/queue/n-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL,
                           &Pending::OnString, pending.back()->Data()),
               ZOK);
  }
  for (int i = 0; i < kCreates; ++i) {
    char name[64];
    std::snprintf(name, sizeof(name), "/async/queue/n-%010d", i);
    INTEROP_EQ(pending[static_cast<size_t>(i)]->Wait().text, name);
  }
}

}  // namespace

std::vector<NamedTest> AsyncTests() {
  return {{"c_client.async.creates", Creates},
          {"c_client.async.reads_and_writes", ReadsAndWrites},
          {"c_client.async.acls_and_configuration", AclsAndConfiguration},
          {"c_client.async.multi", Multi},
          {"c_client.async.ten_thousand_pipelined", Pipelined},
          {"c_client.async.sequences_pipelined", SequencesPipelined}};
}

}  // namespace synod::interop
