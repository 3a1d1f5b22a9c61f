// A window of events beside all that was ever appended, and the store of its snapshots.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/statemachine/event_window.h"

namespace synod::statemachine {

using access::Acl;
using tree::Event;
using tree::EventType;

inline constexpr size_t kRoomy = 1 << 20;

// A PastEvent that keeps its path.
struct Seen {
  Zxid zxid;
  uint32_t number = 0;
  EventType type = EventType::kCreated;
  std::string path;
  std::optional<Acl> acl;
  std::optional<Acl> parent_acl;
  bool operator==(const Seen&) const = default;
};

inline Seen Kept(const PastEvent& e) { return {e.zxid, e.number, e.type, std::string(e.path), e.acl, e.parent_acl}; }

// The window's ACLs, and all that was ever appended.
class WindowModel {
 public:
  WindowModel() {
    for (int i = 0; i < 3; ++i) {
      lists_.push_back(acls_.Intern({{31, "digest", "user" + std::to_string(i) + ":x"}, {1, "ip", "10.0.0.0/8"}}));
      acls_.AddReference(lists_.back());
    }
  }

  // One command of `count` events; `choice` gives numbers for what else may differ.
  template <typename Choice>
  void Append(EventWindow* window, size_t count, Choice choice) {
    zxid_ = zxid_ + 1 + choice(3);
    std::vector<Event> events;
    for (uint32_t i = 0; i < count; ++i) {
      Event e;
      e.type = static_cast<EventType>(1 + choice(3));
      e.path = "/" + std::string(static_cast<size_t>(choice(60)), 'p') + std::to_string(i);
      e.zxid = zxid_;
      e.acl = AnyAcl(choice(6));
      e.parent_acl = choice(2) == 0 ? e.acl : AnyAcl(choice(6));
      events.push_back(e);
      all_.push_back({zxid_, i, e.type, e.path, ListOf(e.acl), ListOf(e.parent_acl)});
    }
    window->Append(events, acls_);
  }
  void Append(EventWindow* window, size_t count) {
    Append(window, count, [this](int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); });
  }

  // What comes after a cursor.
  std::vector<Seen> After(Cursor cursor) const {
    std::vector<Seen> after;
    for (const Seen& e : all_) {
      if (Cursor{e.zxid, 2 * e.number + 1} > cursor) after.push_back(e);
    }
    return after;
  }
  const std::vector<Seen>& all() const { return all_; }
  Zxid zxid() const { return zxid_; }
  access::AclTable& acls() { return acls_; }
  AclId list(size_t i) const { return lists_[i]; }

 private:
  AclId AnyAcl(int choice) const {
    if (choice == 0) return access::kReadOnlyAcl;
    return choice <= 3 ? lists_[static_cast<size_t>(choice - 1)] : access::kOpenAcl;
  }
  std::optional<Acl> ListOf(AclId id) const {
    return id == access::kOpenAcl ? std::nullopt : std::optional<Acl>(acls_.Get(id));
  }

  access::AclTable acls_;
  std::vector<AclId> lists_;
  Zxid zxid_;
  std::vector<Seen> all_;
  std::mt19937 random_{7};
};

// What Reads of at most `bytes` and `events` each visit, one after the other.
inline std::vector<Seen> ReadAll(const EventWindow& window, Cursor after, size_t bytes = SIZE_MAX,
                                 size_t events = SIZE_MAX) {
  std::vector<Seen> seen;
  std::optional<Cursor> at = after;
  while (at) {
    size_t left = events;
    const size_t before = seen.size();
    at = window.Read(*at, bytes, [&](const PastEvent& e) {
      seen.push_back(Kept(e));
      return --left > 0;
    });
    EXPECT_TRUE(!at || seen.size() > before) << "no progress";
    if (at) {
      EXPECT_EQ(*at, (Cursor{seen.back().zxid, 2 * seen.back().number + 1}));
    }
  }
  return seen;
}

// What the snapshot store does with a cut's records; refuses a key that comes twice.
class WindowStore {
 public:
  bool Step(EventWindow* window, int asks) {
    return window->WriteClosed(
        [this](std::string key, std::optional<std::string> value) {
          EXPECT_TRUE(EventWindow::IsKey(key));
          EXPECT_TRUE(cut_.emplace(std::move(key), std::move(value)).second) << "a key twice in one cut";
        },
        [&asks] { return --asks > 0; });
  }
  void Merge() {
    for (auto& [key, value] : cut_) {
      if (value) {
        records_[key] = *value;
      } else {
        EXPECT_EQ(records_.erase(key), 1u) << "a tombstone of nothing";
      }
    }
    cut_.clear();
  }
  void Finish(EventWindow* window) {
    while (!Step(window, 1)) {
    }
    Merge();
  }
  void Lose() { cut_.clear(); }
  std::unique_ptr<EventWindow> Load(Zxid zxid, size_t bytes_max = kRoomy) const {
    auto window = std::make_unique<EventWindow>(bytes_max);
    for (const auto& [key, value] : records_) {
      const absl::Status status = window->LoadRecord(key, value);
      EXPECT_TRUE(status.ok()) << status;
    }
    EXPECT_TRUE(window->FinishLoading(zxid).ok());
    return window;
  }
  std::map<std::string, std::string>& records() { return records_; }
  const std::map<std::string, std::optional<std::string>>& cut() const { return cut_; }

 private:
  std::map<std::string, std::string> records_;
  std::map<std::string, std::optional<std::string>> cut_;
};

}  // namespace synod::statemachine
