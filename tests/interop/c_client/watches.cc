// Watches of the C client: of the global watcher and of watchers of their own, and their removal.
#include "tests/interop/c_client/harness.h"

namespace synod::interop {
namespace {

const int kCreated = 1;
const int kDeleted = 2;
const int kChanged = 3;
const int kChild = 4;

void OfTheGlobalWatcher(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  struct Stat stat = {};
  INTEROP_EQ(zoo_exists(client.handle(), "/w", 1, &stat), ZNONODE);
  INTEROP_EQ(client.Create("/w"), ZOK);
  char buffer[16];
  int length = sizeof(buffer);
  INTEROP_EQ(zoo_get(client.handle(), "/w", 1, buffer, &length, &stat), ZOK);
  INTEROP_EQ(client.Set("/w", "1"), ZOK);
  struct String_vector names = {};
  INTEROP_EQ(zoo_get_children(client.handle(), "/w", 1, &names), ZOK);
  INTEROP_EQ(client.Create("/w/a"), ZOK);
  INTEROP_EQ(zoo_get_children2(client.handle(), "/w", 1, &names, &stat), ZOK);
  INTEROP_EQ(client.Delete("/w/a"), ZOK);
  // Both a data and a child watch: one deletion.
  INTEROP_EQ(zoo_exists(client.handle(), "/w", 1, &stat), ZOK);
  INTEROP_EQ(zoo_get_children(client.handle(), "/w", 1, &names), ZOK);
  INTEROP_EQ(client.Delete("/w"), ZOK);
  INTEROP_EQ(client.Create("/w"), ZOK);
  INTEROP_TRUE(client.WaitForEvents(5));
  INTEROP_EQ(client.Sync(), ZOK);
  const std::vector<Event> events = client.Events();
  INTEROP_EQ(
      events,
      (std::vector<Event>{
          {kCreated, "/w", ""}, {kChanged, "/w", ""}, {kChild, "/w", ""}, {kChild, "/w", ""}, {kDeleted, "/w", ""}}));
  deallocate_String_vector(&names);
}

// A watcher of its own per call; each hears of its watch alone, of another client's writes.
void OfTheirOwn(Ensemble& ensemble) {
  Client client(ensemble.Host(1));
  Client writer(ensemble.Host(2));
  INTEROP_EQ(writer.Create("/w/own"), ZOK);
  INTEROP_EQ(client.Sync(), ZOK);
  struct Stat stat = {};
  char buffer[16];
  int length = sizeof(buffer);
  struct String_vector names = {};
  zhandle_t* handle = client.handle();
  INTEROP_EQ(zoo_wexists(handle, "/w/none", &Client::OnWatch, client.Watch("missing"), &stat), ZNONODE);
  INTEROP_EQ(zoo_wget(handle, "/w/own", &Client::OnWatch, client.Watch("get"), buffer, &length, &stat), ZOK);
  INTEROP_EQ(zoo_wget_children(handle, "/w/own", &Client::OnWatch, client.Watch("list"), &names), ZOK);
  INTEROP_EQ(zoo_wget_children2(handle, "/w/own", &Client::OnWatch, client.Watch("list2"), &names, &stat), ZOK);
  INTEROP_EQ(writer.Create("/w/none"), ZOK);
  INTEROP_TRUE(client.WaitForEvents(1));
  INTEROP_EQ(writer.Set("/w/own", "x"), ZOK);
  INTEROP_TRUE(client.WaitForEvents(2));
  INTEROP_EQ(writer.Create("/w/own/child"), ZOK);
  INTEROP_TRUE(client.WaitForEvents(4));
  std::vector<Event> events = client.Events();
  INTEROP_EQ(events.size(), 4u);
  INTEROP_EQ(events[0], (Event{kCreated, "/w/none", "missing"}));
  INTEROP_EQ(events[1], (Event{kChanged, "/w/own", "get"}));
  INTEROP_EQ(events[2].type + events[3].type, 2 * kChild);
  INTEROP_EQ(events[2].watcher.size() + events[3].watcher.size(), std::string("listlist2").size());
  // They fired once.
  INTEROP_EQ(writer.Set("/w/own", "y"), ZOK);
  INTEROP_EQ(writer.Delete("/w/own/child"), ZOK);
  INTEROP_EQ(client.Sync(), ZOK);
  INTEROP_EQ(client.Events().size(), 4u);
  deallocate_String_vector(&names);
}

void ManyEventsInOrder(Ensemble& ensemble) {
  Client client(ensemble.Host(1));
  Client writer(ensemble.Host(3));
  constexpr int kNodes = 300;
  struct Stat stat = {};
  for (int i = 0; i < kNodes; ++i) {
    const std::string path = "/w/n" + std::to_string(i);
    INTEROP_EQ(zoo_wexists(client.handle(), path.c_str(), &Client::OnWatch, client.Watch("n"), &stat), ZNONODE);
  }
  std::vector<Event> want;
  std::vector<std::unique_ptr<Pending>> pending;
  for (int i = 0; i < kNodes; ++i) {
    const std::string path = "/w/n" + std::to_string(i);
    want.push_back(Event{kCreated, path, "n"});
    pending.push_back(std::make_unique<Pending>());
    INTEROP_EQ(zoo_acreate(writer.handle(), path.c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, &Pending::OnString,
                           pending.back()->Data()),
               ZOK);
  }
  for (auto& one : pending) INTEROP_EQ(one->Wait().rc, ZOK);
  INTEROP_TRUE(client.WaitForEvents(kNodes));
  INTEROP_EQ(client.Events(), want);
}

void Removed(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  zhandle_t* handle = client.handle();
  INTEROP_EQ(client.Create("/w/r"), ZOK);
  char buffer[16];
  int length = sizeof(buffer);
  struct Stat stat = {};
  struct String_vector names = {};
  void* one = client.Watch("one");
  void* two = client.Watch("two");
  INTEROP_EQ(zoo_remove_all_watches(handle, "/w/r", ZWATCHTYPE_ANY, 0), ZNOWATCHER);
  INTEROP_EQ(zoo_wget(handle, "/w/r", &Client::OnWatch, one, buffer, &length, &stat), ZOK);
  INTEROP_EQ(zoo_wget_children(handle, "/w/r", &Client::OnWatch, two, &names), ZOK);
  INTEROP_EQ(zoo_remove_watches(handle, "/w/r", ZWATCHTYPE_CHILD, &Client::OnWatch, one, 0), ZNOWATCHER);
  INTEROP_EQ(zoo_remove_watches(handle, "/w/r", ZWATCHTYPE_DATA, &Client::OnWatch, one, 0), ZOK);
  INTEROP_EQ(client.Set("/w/r", "silent"), ZOK);
  INTEROP_EQ(client.Events(), std::vector<Event>{});
  INTEROP_EQ(client.Create("/w/r/a"), ZOK);
  INTEROP_TRUE(client.WaitForEvents(1));
  INTEROP_EQ(client.Events(), (std::vector<Event>{{kChild, "/w/r", "two"}}));
  client.ForgetEvents();

  INTEROP_EQ(zoo_wexists(handle, "/w/r", &Client::OnWatch, one, &stat), ZOK);
  INTEROP_EQ(zoo_wget_children2(handle, "/w/r", &Client::OnWatch, two, &names, &stat), ZOK);
  INTEROP_EQ(zoo_remove_all_watches(handle, "/w/r", ZWATCHTYPE_ANY, 0), ZOK);
  INTEROP_EQ(client.Set("/w/r", "silent"), ZOK);
  INTEROP_EQ(client.Delete("/w/r/a"), ZOK);
  INTEROP_EQ(client.Sync(), ZOK);
  INTEROP_EQ(client.Events(), std::vector<Event>{});
  INTEROP_EQ(zoo_remove_all_watches(handle, "/w/r", ZWATCHTYPE_DATA, 0), ZNOWATCHER);

  // By an asynchronous call too. Its completion is declared as a pointer to a function pointer, but is the function.
  INTEROP_EQ(zoo_wget(handle, "/w/r", &Client::OnWatch, one, buffer, &length, &stat), ZOK);
  Pending pending;
  auto* completion = reinterpret_cast<void_completion_t*>(&Pending::OnVoid);
  INTEROP_EQ(zoo_aremove_all_watches(handle, "/w/r", ZWATCHTYPE_DATA, 0, completion, pending.Data()), ZOK);
  INTEROP_EQ(pending.Wait().rc, ZOK);
  INTEROP_EQ(client.Set("/w/r", "silent"), ZOK);
  INTEROP_EQ(client.Events(), std::vector<Event>{});
  deallocate_String_vector(&names);
}

// An event comes before the answer to the write of one's own that caused it.
void BeforeTheAnswer(Ensemble& ensemble) {
  Client client(ensemble.Hosts());
  struct Order {
    Client* client;
    size_t seen;
  };
  INTEROP_EQ(client.Create("/w/order"), ZOK);
  char buffer[16];
  struct Stat stat = {};
  for (size_t i = 1; i <= 100; ++i) {
    int length = sizeof(buffer);
    INTEROP_EQ(zoo_wget(client.handle(), "/w/order", &Client::OnWatch, client.Watch("order"), buffer, &length, &stat),
               ZOK);
    Pending pending;
    Order order{&client, 0};
    struct Both {
      Pending* pending;
      Order* order;
    } both{&pending, &order};
    const auto on_set = [](int rc, const struct Stat* result, const void* data) {
      const auto* both = static_cast<const Both*>(data);
      both->order->seen = both->order->client->Events().size();
      Pending::OnStat(rc, result, both->pending->Data());
    };
    INTEROP_EQ(zoo_aset(client.handle(), "/w/order", "x", 1, -1, on_set, &both), ZOK);
    INTEROP_EQ(pending.Wait().rc, ZOK);
    INTEROP_EQ(order.seen, i);
  }
}

}  // namespace

std::vector<NamedTest> WatchTests() {
  return {{"c_client.watches.of_the_global_watcher", OfTheGlobalWatcher},
          {"c_client.watches.of_their_own", OfTheirOwn},
          {"c_client.watches.many_events_in_order", ManyEventsInOrder},
          {"c_client.watches.removed", Removed},
          {"c_client.watches.before_the_answer", BeforeTheAnswer}};
}

}  // namespace synod::interop
