#include "coordinator/access/acl.h"

#include <gtest/gtest.h>

#include "coordinator/access/caller.h"
#include "coordinator/access/schemes.h"

namespace synod::access {
namespace {

const Identity kBob{"digest", DigestId("bob:secret")};
const Identity kAnn{"digest", DigestId("ann:secret")};
const Identity kHome{"ip", "127.0.0.1"};
const AclEntry kAnyone{kAllPermissions, "world", "anyone"};

IdentitySet SetOf(std::initializer_list<Identity> identities) {
  IdentitySet set;
  for (const Identity& identity : identities) EXPECT_TRUE(Insert(identity, &set));
  return set;
}

Acl Encoded(const Acl& acl) {
  ByteWriter out;
  EncodeAcl(acl, &out);
  ByteReader in(out.bytes());
  Acl read = {kAnyone};
  DecodeAcl(&in, &read);
  EXPECT_TRUE(in.Finish("acl").ok());
  return read;
}

TEST(Identities, AreSortedAndEachThereOnce) {
  IdentitySet set = SetOf({kHome, kBob, kAnn, kBob});
  EXPECT_EQ(set, (IdentitySet{kAnn, kBob, kHome}));
}

TEST(Identities, ASetTakesNoMoreThanItsLimits) {
  IdentitySet set;
  for (size_t i = 0; i < kMaxIdentities; ++i) EXPECT_TRUE(Insert({"digest", "u:" + std::to_string(i)}, &set));
  const IdentitySet full = set;
  EXPECT_FALSE(Insert(kBob, &set));
  EXPECT_TRUE(Insert(full.front(), &set)) << "it is there already";
  EXPECT_EQ(set, full);
  IdentitySet empty;
  EXPECT_TRUE(Insert({"digest", std::string(kMaxAclTextBytes, 'i')}, &empty));
  EXPECT_FALSE(Insert({"digest", std::string(kMaxAclTextBytes + 1, 'i')}, &empty));
  EXPECT_EQ(empty.size(), 1u);
}

TEST(FixUp, RemovesDuplicatesAndKeepsTheOrder) {  // 7.3, step 1
  const AclEntry bob{kRead, "digest", kBob.id}, home{kRead, "ip", "10.0.0.0/8"}, more{kWrite, "digest", kBob.id};
  EXPECT_EQ(FixUp({home, bob, home, more, bob}, {}), (Acl{home, bob, more}));
}

TEST(FixUp, RefusesAnEmptyList) {  // 7.3, step 2
  EXPECT_EQ(FixUp({}, SetOf({kBob})), std::nullopt);
}

TEST(FixUp, OfTheWorldTakesAnyoneOnly) {  // 7.3, step 3
  EXPECT_EQ(FixUp({kAnyone}, {}), Acl{kAnyone});
  EXPECT_EQ(FixUp({{kAllPermissions, "world", "someone"}}, {}), std::nullopt);
  EXPECT_EQ(FixUp({{kAllPermissions, "world", ""}}, {}), std::nullopt);
}

TEST(FixUp, ReplacesAuthByTheAuthenticatedIdentities) {  // 7.3, step 4
  const IdentitySet caller = SetOf({kHome, kBob, kAnn, {"super", ""}});
  EXPECT_EQ(FixUp({{kRead | kWrite, "auth", "whatever"}}, caller),
            (Acl{{kRead | kWrite, "digest", kAnn.id}, {kRead | kWrite, "digest", kBob.id}}));
  EXPECT_EQ(FixUp({{kRead, "auth", std::string(kMaxAclTextBytes + 1, 'i')}}, SetOf({kBob})),
            (Acl{{kRead, "digest", kBob.id}}))
      << "the id is ignored";
}

TEST(FixUp, RefusesAuthOfACallerWithoutAuthenticatedIdentity) {  // 7.3, step 4
  EXPECT_EQ(FixUp({{kAllPermissions, "auth", ""}}, {}), std::nullopt);
  EXPECT_EQ(FixUp({kAnyone, {kAllPermissions, "auth", ""}}, SetOf({kHome, {"super", ""}})), std::nullopt);
}

TEST(FixUp, DoesNotMergeWhatAuthMadeEqual) {  // 7.3, step 6
  const AclEntry bob{kAllPermissions, "digest", kBob.id};
  EXPECT_EQ(FixUp({bob, {kAllPermissions, "auth", ""}}, SetOf({kBob})), (Acl{bob, bob}));
  EXPECT_EQ(FixUp({{kAllPermissions, "auth", ""}, {kAllPermissions, "auth", "x"}}, SetOf({kBob})), (Acl{bob, bob}));
}

TEST(FixUp, RefusesUnknownSchemesAndIdsTheirSchemeRefuses) {  // 7.3, step 5
  for (const char* scheme : {"", "x509", "sasl", "super", "WORLD", "Digest"}) {
    EXPECT_EQ(FixUp({{kRead, scheme, "anyone"}}, {}), std::nullopt) << scheme;
  }
  EXPECT_EQ(FixUp({{kRead, "digest", "nobody"}}, {}), std::nullopt);
  EXPECT_EQ(FixUp({{kRead, "ip", "nowhere"}}, {}), std::nullopt);
  EXPECT_EQ(FixUp({kAnyone, {kRead, "ip", "nowhere"}}, {}), std::nullopt) << "one bad entry is enough";
}

TEST(FixUp, LetsAClientNameAUserItDidNotAuthenticateAs) {  // 7.3, step 5
  const Acl ann{{kAllPermissions, "digest", kAnn.id}};
  EXPECT_EQ(FixUp(ann, SetOf({kBob})), ann);
}

TEST(FixUp, KeepsUnknownPermissionBits) {  // 7.1
  const Acl odd{{0xffffffe0u, "world", "anyone"}, {0, "world", "anyone"}};
  EXPECT_EQ(FixUp(odd, {}), odd);
}

TEST(FixUp, RefusesWhatIsBeyondTheLimits) {
  Acl acl;
  for (size_t i = 0; i < kMaxAclEntries; ++i) acl.push_back({kRead, "digest", "u:" + std::to_string(i)});
  EXPECT_EQ(FixUp(acl, {}), acl);
  acl.push_back(acl.front());
  EXPECT_TRUE(FixUp(acl, {}).has_value()) << "duplicates go first";
  acl.back().permissions = kWrite;
  EXPECT_EQ(FixUp(acl, {}), std::nullopt);
  acl.back() = {kRead, "auth", ""};
  EXPECT_EQ(FixUp(acl, SetOf({kBob})), std::nullopt) << "what auth becomes counts";
  EXPECT_TRUE(FixUp({{kRead, "digest", "u:" + std::string(kMaxAclTextBytes - 2, 'p')}}, {}).has_value());
  EXPECT_EQ(FixUp({{kRead, "digest", "u:" + std::string(kMaxAclTextBytes - 1, 'p')}}, {}), std::nullopt);
}

// L3: a multi may bring a list of a quarter of a million entries, and a command may make thousands of events that each
// carry a stored list.
TEST(FixUp, RefusesWhatWouldHoldTheLoop) {
  EXPECT_TRUE(FixUp(Acl(kMaxAclEntriesAsked, {kRead, "world", "anyone"}), {}).has_value());
  EXPECT_EQ(FixUp(Acl(kMaxAclEntriesAsked + 1, {kRead, "world", "anyone"}), {}), std::nullopt);
  Acl acl;
  const size_t id_bytes = kMaxAclTextBytes - std::string("digest").size();
  for (size_t i = 0; i < kMaxAclListBytes / kMaxAclTextBytes; ++i)
    acl.push_back({kRead, "digest", std::string(id_bytes - 2, static_cast<char>('a' + i)) + ":p"});
  EXPECT_EQ(FixUp(acl, {}), acl);
  acl.back().id += "p";
  EXPECT_EQ(FixUp(acl, {}), std::nullopt);
}

TEST(Grants, WhatAnEntryOfTheCallersGives) {  // 7.2
  const Acl acl{{kRead | kWrite, "digest", kBob.id}, {kDelete, "ip", "127.0.0.0/8"}};
  EXPECT_TRUE(Grants(acl, SetOf({kBob}), kRead));
  EXPECT_TRUE(Grants(acl, SetOf({kAnn, kBob}), kWrite));
  EXPECT_FALSE(Grants(acl, SetOf({kBob}), kDelete)) << "no bit of it";
  EXPECT_TRUE(Grants(acl, SetOf({kHome}), kDelete));
  EXPECT_FALSE(Grants(acl, SetOf({kAnn}), kRead));
  EXPECT_FALSE(Grants(acl, {}, kRead));
  EXPECT_FALSE(Grants(acl, SetOf({{"ip", kBob.id}}), kRead)) << "the same id in another scheme";
}

TEST(Grants, AnyOneOfSeveralBitsIsEnough) {  // 7.2
  const Acl acl{{kAdmin, "digest", kBob.id}};
  EXPECT_TRUE(Grants(acl, SetOf({kBob}), kRead | kAdmin));
  EXPECT_FALSE(Grants(acl, SetOf({kBob}), kRead | kWrite));
}

TEST(Grants, EveryoneWhatTheWorldHas) {  // 7.2
  const Acl acl{{kRead, "world", "anyone"}};
  EXPECT_TRUE(Grants(acl, {}, kRead));
  EXPECT_TRUE(Grants(acl, SetOf({kBob}), kRead));
  EXPECT_FALSE(Grants(acl, SetOf({kBob}), kWrite));
  EXPECT_TRUE(Grants({}, {}, kAdmin)) << "an empty list";
}

TEST(Grants, NothingToEntriesOfUnknownSchemesAndUnknownBits) {  // 7.1, 7.2
  EXPECT_FALSE(Grants({{kAllPermissions, "x509", "CN=bob"}}, SetOf({{"x509", "CN=bob"}}), kRead));
  EXPECT_FALSE(Grants({{kAllPermissions, "super", ""}}, SetOf({{"super", ""}}), kRead)) << "the bypass is Caller's";
  EXPECT_FALSE(Grants({{32, "world", "anyone"}}, {}, kAllPermissions));
}

TEST(Masked, HidesDigestsOnly) {  // 11.8
  const Acl acl{{kRead, "digest", kBob.id}, {kRead, "ip", "::1/64"}, kAnyone, {kAdmin, "digest", ":pass"}};
  EXPECT_EQ(Masked(acl), (Acl{{kRead, "digest", "bob:x"}, {kRead, "ip", "::1/64"}, kAnyone, {kAdmin, "digest", ":x"}}));
}

TEST(IsSuper, TheSchemeOrTheDigestThatTheEnsembleNames) {  // 7.4
  EXPECT_TRUE(IsSuper(SetOf({kBob, {"super", ""}}), ""));
  EXPECT_TRUE(IsSuper(SetOf({kAnn, kBob}), kBob.id));
  EXPECT_FALSE(IsSuper(SetOf({kAnn}), kBob.id));
  EXPECT_FALSE(IsSuper(SetOf({{"ip", kBob.id}}), kBob.id)) << "of another scheme";
  EXPECT_FALSE(IsSuper({}, ""));
  EXPECT_FALSE(IsSuper({{"digest", ""}}, "")) << "no super user is named";
}

TEST(Caller, JudgesByTheTable) {
  AclTable table;
  const AclId bobs = table.Intern({{kWrite, "digest", kBob.id}});
  const IdentitySet bob = SetOf({kBob}), ann = SetOf({kAnn});
  EXPECT_TRUE(Caller(&table, &bob, false).Allows(bobs, kWrite));
  EXPECT_FALSE(Caller(&table, &bob, false).Allows(bobs, kRead));
  EXPECT_FALSE(Caller(&table, &ann, false).Allows(bobs, kWrite));
  EXPECT_TRUE(Caller(&table, &ann, true).Allows(bobs, kWrite)) << "a super user";
  EXPECT_TRUE(Caller::Unrestricted().Allows(bobs, kAdmin));
  EXPECT_TRUE(Caller(&table, &bob, false).AllowsList(table.Get(bobs), kWrite));
  EXPECT_FALSE(Caller(&table, &ann, false).AllowsList(table.Get(bobs), kWrite));
  EXPECT_TRUE(Caller::Unrestricted().AllowsList(table.Get(bobs), kAdmin));
}

TEST(Caller, KnowsTheFixedListsWithoutLookingThemUp) {
  const IdentitySet none;
  const Caller caller(nullptr, &none, false);
  AclTable table;
  for (uint32_t permission : {kRead, kWrite, kCreate, kDelete, kAdmin}) {
    EXPECT_TRUE(caller.Allows(kOpenAcl, permission));
    EXPECT_EQ(caller.Allows(kReadOnlyAcl, permission), permission == kRead);
    EXPECT_EQ(caller.Allows(kOpenAcl, permission), Grants(table.Get(kOpenAcl), none, permission));
    EXPECT_EQ(caller.Allows(kReadOnlyAcl, permission), Grants(table.Get(kReadOnlyAcl), none, permission));
  }
}

TEST(AclCodec, GivesBackWhatWasWritten) {
  const Acl acl{{UINT32_MAX, "digest", kBob.id}, {0, "", ""}, {kRead, "sasl", std::string("a\0b", 3)}};
  EXPECT_EQ(Encoded(acl), acl);
  EXPECT_EQ(Encoded({}), Acl());
  Acl long_list;  // FixUp's to refuse, not the reader's
  for (size_t i = 0; i < 2 * kMaxAclEntries; ++i) long_list.push_back({1, "nothing", std::string(2000, 'i')});
  EXPECT_EQ(Encoded(long_list), long_list);

  ByteWriter out;
  EncodeIdentities(SetOf({kBob, kHome}), &out);
  ByteReader in(out.bytes());
  IdentitySet read;
  DecodeIdentities(&in, &read);
  EXPECT_TRUE(in.Finish("identities").ok());
  EXPECT_EQ(read, SetOf({kBob, kHome}));
}

TEST(AclCodec, EveryShortenedListFails) {
  ByteWriter out;
  EncodeAcl({{kRead, "digest", kBob.id}, kAnyone}, &out);
  for (size_t size = 0; size < out.size(); ++size) {
    ByteReader in(std::string_view(out.bytes()).substr(0, size));
    Acl acl;
    DecodeAcl(&in, &acl);
    EXPECT_FALSE(in.ok()) << size;
    EXPECT_TRUE(acl.empty());
  }
  ByteWriter identities;
  EncodeIdentities(SetOf({kBob, kHome}), &identities);
  for (size_t size = 0; size < identities.size(); ++size) {
    ByteReader in(std::string_view(identities.bytes()).substr(0, size));
    IdentitySet set;
    DecodeIdentities(&in, &set);
    EXPECT_FALSE(in.ok()) << size;
    EXPECT_TRUE(set.empty());
  }
}

TEST(AclCodec, RefusesImpossibleNumbers) {
  ByteWriter count, permissions;
  count.Varint(uint64_t{1} << 60);
  permissions.Varint(1);
  permissions.Varint(uint64_t{1} << 32);
  permissions.Blob("world");
  permissions.Blob("anyone");
  for (const ByteWriter* bytes : {&count, &permissions}) {
    ByteReader in(bytes->bytes());
    Acl acl;
    DecodeAcl(&in, &acl);
    EXPECT_FALSE(in.ok());
  }
  ByteReader in(count.bytes());
  IdentitySet identities;
  DecodeIdentities(&in, &identities);
  EXPECT_FALSE(in.ok());
}

TEST(AclCodec, RefusesIdentitiesThatAreNoSet) {
  IdentitySet many;
  for (size_t i = 0; i <= kMaxIdentities; ++i) many.push_back({"digest", "u:" + std::to_string(1000 + i)});
  const std::vector<IdentitySet> bad = {
      {kHome, kBob}, {kBob, kBob}, many, {{"digest", std::string(kMaxAclTextBytes + 1, 'i')}}};
  for (const IdentitySet& identities : bad) {
    ByteWriter out;
    EncodeIdentities(identities, &out);
    ByteReader in(out.bytes());
    IdentitySet read;
    DecodeIdentities(&in, &read);
    EXPECT_FALSE(in.ok());
  }
}

}  // namespace
}  // namespace synod::access
