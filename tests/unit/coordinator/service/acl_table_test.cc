// Every operation against every permission, on the node and on its parent (specs: ZooKeeper protocol, 7.1 and section
// 11). A new operation without a row does not compile: RowsFor of its type is deleted.
#include <functional>
#include <type_traits>
#include <utility>

#include "tests/unit/coordinator/service/acl_world.h"

namespace synod::service::testing {
namespace {

using access::kAdmin;
using access::kCreate;
using access::kDelete;
using access::kRead;
using access::kWrite;
using tree::Error;

constexpr Needed kOnNode(uint32_t bit) { return {bit, 0}; }
constexpr Needed kOnParent(uint32_t bit) { return {0, bit}; }

struct Row {
  std::string name;
  Operation operation;
  Needs needs;
  Error allowed = Error::kOk;     // the error of who may
  Error denied = Error::kNoAuth;  // of who may not
  bool session_only = false;
  // Of who may not, or sees less: what it must not show beyond the ordinary. True: it shows.
  std::function<bool(const Reply&)> shows = nullptr;
};

CreateOp CreateOn(std::string path, OnExisting on_existing) {
  CreateOp op = Create(std::move(path), "new");
  op.on_existing = on_existing;
  return op;
}

template <typename Op>
std::vector<Row> RowsFor() = delete;

template <>
std::vector<Row> RowsFor<CreateOp>() {
  CreateOp sequential = Create("/p/s-");
  sequential.mode = CreateMode::kPersistentSequential;
  CreateOp container = Create("/p/c");
  container.mode = CreateMode::kContainer;
  CreateOp ttl = Create("/p/t");
  ttl.mode = CreateMode::kPersistentTtl;
  ttl.ttl_ms = 1000;
  return {
      {"create", Create("/p/new"), {kOnParent(kCreate)}},
      {"create below the node", Create("/p/n/new"), {kOnNode(kCreate)}},
      {"create what is there", Create("/p/n"), {kOnParent(kCreate)}, Error::kNodeExists},
      {"create sequential", sequential, {kOnParent(kCreate)}},
      {"create container", container, {kOnParent(kCreate)}},
      {"create with ttl", ttl, {kOnParent(kCreate)}},
      {"create-if-absent, absent", CreateOn("/p/new", OnExisting::kKeep), {kOnParent(kCreate)}},
      {"create-if-absent, there", CreateOn("/p/n", OnExisting::kKeep), {kOnParent(kCreate)}},
      {"create-or-set, absent", CreateOn("/p/new", OnExisting::kSet), {kOnParent(kCreate)}},
      {"create-or-set, there", CreateOn("/p/n", OnExisting::kSet), {kOnNode(kWrite)}},
  };
}
template <>
std::vector<Row> RowsFor<DeleteOp>() {
  DeleteOp if_there = Delete("/p/none");
  if_there.missing_ok = true;
  return {
      {"delete", Delete("/p/leaf"), {kOnParent(kDelete)}},
      {"delete what has children", Delete("/p/n"), {kOnParent(kDelete)}, Error::kNotEmpty},
      {"delete what is not there", Delete("/p/none"), {kOnParent(kDelete)}, Error::kNoNode},
      {"delete with a wrong version", Delete("/p/leaf", 7), {kOnParent(kDelete)}, Error::kBadVersion},
      {"delete-if-there", if_there, {kOnParent(kDelete)}},
  };
}
template <>
std::vector<Row> RowsFor<SetDataOp>() {
  SetDataOp wrong = Set("/p/n", "x");
  wrong.version = 7;
  return {{"set data", Set("/p/n", "x"), {kOnNode(kWrite)}},
          {"set data with a wrong version", wrong, {kOnNode(kWrite)}, Error::kBadVersion}};
}
template <>
std::vector<Row> RowsFor<CheckOp>() {
  return {{"check", CheckOp{"/p/n", -1}, {kOnNode(kRead)}},
          {"check with a wrong version", CheckOp{"/p/n", 7}, {kOnNode(kRead)}, Error::kBadVersion},
          {"check what is not there", CheckOp{"/p/none", -1}, {}, Error::kNoNode}};
}
template <>
std::vector<Row> RowsFor<SetAclOp>() {
  SetAclOp wrong = SetAcl("/p/n", std::nullopt);
  wrong.version = 7;
  return {{"set acl", SetAcl("/p/n", std::nullopt), {kOnNode(kAdmin)}},
          {"set acl with a wrong version", wrong, {kOnNode(kAdmin)}, Error::kBadVersion}};
}
template <>
std::vector<Row> RowsFor<DeleteTreeOp>() {
  DeleteTreeOp leaf, node, partial;
  leaf.path = "/p/leaf";
  node.path = partial.path = "/p/n";
  partial.partial = true;
  partial.max_nodes = 1;
  return {{"delete tree of a leaf", leaf, {kOnParent(kDelete)}},
          {"delete tree", node, {{kDelete, kDelete}}},
          {"delete tree in parts", partial, {{kDelete, kDelete}}}};
}
template <>
std::vector<Row> RowsFor<MultiOp>() {
  return {{"multi of nothing", MultiOp{}, {}},
          {"multi of two", MultiOp{{Set("/p/n", "x"), Create("/p/new")}}, {{kWrite, kCreate}}},
          {"multi that reads before it writes", MultiOp{{CheckOp{"/p/n", 0}, Delete("/p/leaf")}}, {{kRead, kDelete}}}};
}
TxnOp If(Compare::Target target, std::string path, int64_t number, NodeData value = std::nullopt) {
  Compare compare;
  compare.path = std::move(path);
  compare.target = target;
  compare.relation = Compare::Relation::kNotEqual;
  compare.number = number;
  compare.value = std::move(value);
  TxnOp txn;
  txn.compares = {compare};
  return txn;
}
template <>
std::vector<Row> RowsFor<TxnOp>() {
  std::vector<Row> rows;
  auto shows = [](const Reply& reply) { return reply.succeeded; };
  for (Compare::Target target :
       {Compare::Target::kExists, Compare::Target::kVersion, Compare::Target::kCversion, Compare::Target::kAversion,
        Compare::Target::kCzxid, Compare::Target::kMzxid, Compare::Target::kEphemeralOwner}) {
    rows.push_back({absl::StrCat("compare ", static_cast<int>(target)),
                    If(target, "/p/n", target == Compare::Target::kExists ? 0 : 77),
                    {kOnNode(kRead)},
                    Error::kOk,
                    Error::kNoAuth,
                    false,
                    shows});
  }
  rows.push_back({"compare value",
                  If(Compare::Target::kValue, "/p/n", 1, "guess"),
                  {kOnNode(kRead)},
                  Error::kOk,
                  Error::kNoAuth,
                  false,
                  shows});
  rows.push_back({"compare what is not there", If(Compare::Target::kExists, "/p/none", 1), {}});
  return rows;
}
template <>
std::vector<Row> RowsFor<Authenticate>() {
  return {{"authenticate", Authenticate{Digest("carl:x")}, {}, Error::kOk, Error::kOk, true}};
}
template <>
std::vector<Row> RowsFor<CloseSession>() {
  return {{"close session", CloseSession{}, {}, Error::kOk, Error::kOk, true}};
}
template <>
std::vector<Row> RowsFor<Exists>() {
  return {{"exists", Exists{"/p/n"}, {kOnNode(kRead)}},
          {"exists with watch", Exists{"/p/n", true}, {kOnNode(kRead)}, Error::kOk, Error::kNoAuth, true},
          {"exists, missing", Exists{"/p/none"}, {}, Error::kNoNode}};
}
template <>
std::vector<Row> RowsFor<GetData>() {
  return {{"get data", GetData{"/p/n"}, {kOnNode(kRead)}},
          {"get data with watch", GetData{"/p/n", true}, {kOnNode(kRead)}, Error::kOk, Error::kNoAuth, true}};
}
template <>
std::vector<Row> RowsFor<GetChildren>() {
  return {{"get children", GetChildren{"/p/n"}, {kOnNode(kRead)}},
          {"get children with stat", GetChildren{"/p/n", false, true}, {kOnNode(kRead)}},
          {"get children with watch", GetChildren{"/p/n", true}, {kOnNode(kRead)}, Error::kOk, Error::kNoAuth, true}};
}
template <>
std::vector<Row> RowsFor<GetAcl>() {
  return {{"get acl", GetAcl{"/p/n"}, {kOnNode(kRead), kOnNode(kAdmin)}}};
}
template <>
std::vector<Row> RowsFor<List>() {
  List with_all{"/p/n"};
  with_all.with_stat = with_all.with_data = true;
  return {{"list", List{"/p/n"}, {kOnNode(kRead)}}, {"list with stat and data", with_all, {kOnNode(kRead)}}};
}
template <>
std::vector<Row> RowsFor<MultiRead>() {
  return {{"multi read of nothing", MultiRead{}, {}}};  // with something: TableOfReadsInAMultiRead
}
bool ShowsEphemeral(const Reply& reply) {
  return std::find(reply.children.begin(), reply.children.end(), "/p/secret-eph") != reply.children.end() ||
         reply.next.find("secret") != std::string::npos;
}
template <>
std::vector<Row> RowsFor<GetEphemerals>() {
  GetEphemerals anns, all, below;
  anns.session = SessionId(1);  // the first of the world
  all.all_sessions = below.all_sessions = true;
  below.prefix = "/p";
  return {{"own ephemerals", GetEphemerals{}, {}, Error::kOk, Error::kOk, true},
          {"ephemerals of another", anns, {kOnParent(kRead)}, Error::kOk, Error::kOk, false, ShowsEphemeral},
          {"ephemerals of all", all, {kOnParent(kRead)}, Error::kOk, Error::kOk, false, ShowsEphemeral},
          {"ephemerals of all below", below, {kOnParent(kRead)}, Error::kOk, Error::kNoAuth, false, ShowsEphemeral}};
}
template <>
std::vector<Row> RowsFor<CountDescendants>() {
  return {{"count descendants", CountDescendants{"/p/n"}, {kOnNode(kRead)}}};
}
template <>
std::vector<Row> RowsFor<WhoAmI>() {
  return {{"who am i", WhoAmI{}, {}}};
}
template <>
std::vector<Row> RowsFor<Sync>() {
  return {{"sync", Sync{"/p/n"}, {}}};
}
template <>
std::vector<Row> RowsFor<AddWatch>() {  // judged at delivery: acl_watches_test.cc
  return {{"add watch", AddWatch{"/p/n", WatchKind::kPersistent}, {}, Error::kOk, Error::kOk, true},
          {"add recursive watch", AddWatch{"/", WatchKind::kPersistentRecursive}, {}, Error::kOk, Error::kOk, true}};
}
template <>
std::vector<Row> RowsFor<RemoveWatch>() {
  return {{"remove watch", RemoveWatch{"/p/n"}, {}, Error::kNoWatcher, Error::kOk, true}};
}
template <>
std::vector<Row> RowsFor<CheckWatch>() {
  return {{"check watch", CheckWatch{"/p/n"}, {}, Error::kNoWatcher, Error::kOk, true}};
}
template <>
std::vector<Row> RowsFor<SetWatches>() {  // judged when told: zookeeper_connections_test.cc
  return {{"set watches", SetWatches{{{"/p/n", WatchKind::kPersistent, {}}}}, {}, Error::kOk, Error::kOk, true}};
}
template <>
std::vector<Row> RowsFor<Unintelligible>() {
  return {{"unintelligible", Unintelligible{Error::kUnimplemented, false, ""}, {}, Error::kUnimplemented}};
}

template <typename Variant>
std::vector<Row> RowsOf() {
  std::vector<Row> rows;
  [&]<size_t... kIndex>(std::index_sequence<kIndex...>) {
    (
        [&] {
          std::vector<Row> some = RowsFor<std::variant_alternative_t<kIndex, Variant>>();
          EXPECT_FALSE(some.empty()) << "an operation without a row: " << OperationName(kIndex);
          std::move(some.begin(), some.end(), std::back_inserter(rows));
        }(),
        ...);
  }
  (std::make_index_sequence<std::variant_size_v<Variant>>());
  return rows;
}

// Anything of the tree: a name, a value, a Stat, a count.
bool ShowsSomething(const Reply& reply) {
  bool results = reply.result.stat != tree::Stat() || !reply.result.path.empty() || reply.result.deleted != 0 ||
                 reply.result.remaining != 0 || reply.result.created;
  for (const OpResult& result : reply.results) {
    results = results || result.stat != tree::Stat() || !result.path.empty() || result.deleted != 0 ||
              result.remaining != 0 || result.created;
  }
  for (const Reply& part : reply.reads) results = results || ShowsSomething(part);
  return results || reply.succeeded || reply.stat || reply.data || !reply.children.empty() || !reply.entries.empty() ||
         !reply.acl.empty() || reply.count != 0 || !reply.next.empty() || reply.more;
}

void Judge(const Row& row, Needed granted, AclWorld* world, uint64_t digest_before, const Reply& reply) {
  const bool may = Suffices(row.needs, granted);
  EXPECT_EQ(CodeName(reply.error), CodeName(ToErrorCode(may ? row.allowed : row.denied)));
  if (row.shows) {
    EXPECT_EQ(row.shows(reply), may);
  }
  if (may) return;
  EXPECT_FALSE(ShowsSomething(reply));
  EXPECT_EQ(world->w.machine.tree().digest(), digest_before) << "it changed something";
  EXPECT_EQ(world->w.service.Stats().watches, 0u) << "a watch was set (11.6, 11.7)";
}

void RunTable(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (Needed granted : AllGrants()) {
      for (bool session : {true, false}) {
        if (row.session_only && !session) continue;
        SCOPED_TRACE(absl::StrCat(row.name, ", ", GrantName(granted), session ? ", session" : ", call"));
        AclWorld world(granted);
        uint64_t digest = world.w.machine.tree().digest();
        Judge(row, granted, &world, digest, session ? world.AsBob(row.operation) : world.CallAsBob(row.operation));
      }
    }
  }
}

TEST(AclTable, EveryOperation) { RunTable(RowsOf<Operation>()); }

// All or nothing: what is refused alone is refused in a multi and in either branch of a transaction, and what ran
// before it is neither kept nor told.
TEST(AclTable, EveryOperationOfAMultiAndATransaction) {
  std::vector<Row> rows;
  for (const Row& row : RowsOf<TreeOp>()) {
    TreeOp op = std::visit(
        [](const auto& one) -> TreeOp {
          if constexpr (std::is_constructible_v<TreeOp, decltype(one)>) return one;
          return CheckOp{};
        },
        row.operation);
    MultiOp alone{{op}}, behind{{Create("/open"), op}};
    TxnOp then, otherwise;
    then.then_ops = {Create("/open"), op};
    otherwise = If(Compare::Target::kExists, "/none", 0);
    otherwise.else_ops = {op};
    for (auto& [name, operation] : std::vector<std::pair<std::string, Operation>>{
             {"multi", alone}, {"multi, second", behind}, {"then", then}, {"else", otherwise}}) {
      Row wrapped = row;
      wrapped.name = absl::StrCat(name, ": ", row.name);
      wrapped.operation = operation;
      // That its condition held it may say.
      rows.push_back(std::move(wrapped));
    }
  }
  for (const Row& row : rows) {
    for (Needed granted : AllGrants()) {
      SCOPED_TRACE(absl::StrCat(row.name, ", ", GrantName(granted)));
      AclWorld world(granted);
      uint64_t digest = world.w.machine.tree().digest();
      Reply reply = world.AsBob(row.operation);
      reply.succeeded = false;
      Judge(row, granted, &world, digest, reply);
      if (reply.error != ErrorCode::kOk) {
        EXPECT_EQ(world.w.machine.tree().digest(), digest);
      }
    }
  }
}

// Each read has its own error, and the others' results show nothing of it.
TEST(AclTable, EveryReadOfAMultiRead) {
  for (const Row& row : RowsOf<ReadOp>()) {
    ReadOp op = std::visit(
        [](const auto& one) -> ReadOp {
          if constexpr (std::is_constructible_v<ReadOp, decltype(one)>) return one;
          return Exists{};
        },
        row.operation);
    for (Needed granted : AllGrants()) {
      SCOPED_TRACE(absl::StrCat(row.name, ", ", GrantName(granted)));
      AclWorld world(granted);
      Reply reply = world.AsBob(MultiRead{{Exists{"/"}, op}});
      EXPECT_EQ(reply.error, ErrorCode::kOk);
      ASSERT_EQ(reply.reads.size(), 2u);
      EXPECT_EQ(reply.reads[0].error, ErrorCode::kOk);
      Row plain = row;
      plain.shows = nullptr;
      EXPECT_EQ(world.w.service.Stats().watches, 0u);  // watch flags are ignored
      Judge(plain, granted, &world, world.w.machine.tree().digest(), reply.reads[1]);
    }
  }
}

// ---- what the error alone does not show ----

// 11.8: without ADMIN a digest is shown by its user.
TEST(AclDetails, DigestsAreShownToAdminsOnly) {
  for (Needed granted : AllGrants()) {
    SCOPED_TRACE(GrantName(granted));
    AclWorld world(granted);
    Reply reply = world.AsBob(GetAcl{"/p/n"});
    if (reply.error != ErrorCode::kOk) continue;
    ASSERT_EQ(reply.acl.size(), 2u);
    EXPECT_EQ(reply.acl[1].id, (granted.node & kAdmin) != 0 ? access::DigestId(kAnn) : "ann:x");
  }
}

// A page shows names to who may list, and of each child data and Stat to who may read that child.
TEST(AclDetails, PagesShowDataOfReadableChildrenOnly) {
  for (Needed granted : AllGrants()) {
    SCOPED_TRACE(GrantName(granted));
    AclWorld world(granted);
    List list{"/p"};
    list.with_stat = list.with_data = true;
    Reply reply = world.AsBob(list);
    if ((granted.parent & kRead) == 0) {
      EXPECT_FALSE(ShowsSomething(reply));
      continue;
    }
    ASSERT_EQ(reply.entries.size(), 3u);
    for (const ListEntry& entry : reply.entries) {
      bool may = (granted.node & kRead) != 0 || entry.name == "secret-eph";  // which is open
      EXPECT_EQ(entry.denied, !may) << entry.name;
      EXPECT_EQ(entry.stat.has_value(), may) << entry.name;
      EXPECT_EQ(entry.data.has_value(), may) << entry.name;
    }
  }
}

// Create-if-absent tells who may create that the node is there; its Stat is for readers.
TEST(AclDetails, CreateIfAbsentShowsTheStatToReadersOnly) {
  for (Needed granted : AllGrants()) {
    SCOPED_TRACE(GrantName(granted));
    AclWorld world(granted);
    Reply reply = world.AsBob(CreateOn("/p/n", OnExisting::kKeep));
    bool shown = reply.error == ErrorCode::kOk && (granted.node & kRead) != 0;
    EXPECT_EQ(reply.result.stat != tree::Stat(), shown);
  }
}

// Pages of ephemerals lead through no name that is not shown.
TEST(AclDetails, PagesOfEphemeralsNameNothingHidden) {
  AclWorld world({0, 0});
  for (const char* path : {"/a-open", "/q-open", "/z-open"}) world.AsAnn(Ephemeral(path));
  for (bool all : {false, true}) {
    std::vector<std::string> names;
    std::string after;
    for (int page = 0; page < 20; ++page) {
      GetEphemerals op;
      op.session = world.ann->connected.session;
      op.all_sessions = all;
      op.limit = 1;
      op.after = after;
      Reply reply = world.CallAsBob(op);
      EXPECT_FALSE(ShowsEphemeral(reply));
      names.insert(names.end(), reply.children.begin(), reply.children.end());
      if (!reply.more) break;
      after = reply.next;
    }
    EXPECT_THAT(names, ::testing::ElementsAre("/a-open", "/q-open", "/z-open")) << all;
  }
}

}  // namespace
}  // namespace synod::service::testing
