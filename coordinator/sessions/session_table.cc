#include "coordinator/sessions/session_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/base/bytes.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/sessions/digest.h"

namespace synod::sessions {
namespace {

constexpr uint8_t kRecordVersion = 1;
// Two btree entries, a heap header and the password's share, near enough.
constexpr size_t kSessionOverheadBytes = 88;

uint64_t ReplyHash(SessionId id, Sequence sequence, std::string_view reply) {
  return HashDigest(reply, MixDigest(static_cast<uint64_t>(id.value()), sequence.value()));
}

void AppendBigEndian(uint64_t v, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(v >> shift));
}

uint64_t ReadBigEndian(std::string_view in) {
  uint64_t v = 0;
  for (char c : in.substr(0, 8)) v = v << 8 | static_cast<uint8_t>(c);
  return v;
}

std::string SessionKey(SessionId id) {
  std::string key = "s";
  AppendBigEndian(static_cast<uint64_t>(id.value()), &key);
  return key;
}

std::string ReplyKey(SessionId id, Sequence sequence) {
  std::string key = "r";
  key.reserve(17);
  AppendBigEndian(static_cast<uint64_t>(id.value()), &key);
  AppendBigEndian(sequence.value(), &key);
  return key;
}

void EncodeFixed(const Session& s, ByteWriter* out) {
  out->U8(kRecordVersion);
  out->Blob(s.password());
  out->Varint(s.timeout_ms());
  out->Varint(s.disconnect_grace_ms());
  out->Bool(s.native());
  out->Varint(s.generation().value());
  out->U64(s.connection());
  out->Varint(s.identities().value());
  out->U8(static_cast<uint8_t>(!s.closing() ? Closing::kNo : s.expired() ? Closing::kExpired : Closing::kClosed));
}

}  // namespace

const Session* SessionTable::Find(SessionId id) const {
  auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second.get();
}

Session* SessionTable::FindMutable(SessionId id) {
  auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second.get();
}

const Session* SessionTable::FindCreated(uint64_t connection, std::string_view password) const {
  for (auto it = created_.lower_bound({connection, SessionId(0)}); it != created_.end() && it->first == connection;
       ++it) {
    const Session* session = Find(it->second);
    if (session->password() == password) return session;
  }
  return nullptr;
}

void SessionTable::Index(const Session& session) {
  if (session.closing()) {
    closing_.insert(session.id());
  } else if (session.generation() == OwnerGeneration(1)) {
    created_.insert({session.connection(), session.id()});
  }
}

void SessionTable::Unindex(const Session& session) {
  closing_.erase(session.id());
  created_.erase({session.connection(), session.id()});
}

uint64_t SessionTable::FixedHash(const Session& session) {
  ByteWriter out;
  EncodeFixed(session, &out);
  return HashDigest(out.bytes(), static_cast<uint64_t>(session.id().value()));
}

uint64_t SessionTable::NumberHash(const Session& session) {
  return MixDigest(MixDigest(static_cast<uint64_t>(session.id().value()), 0x5e55), session.last_applied().value());
}

std::string SessionTable::EncodeSession(const Session& session) {
  ByteWriter out;
  EncodeFixed(session, &out);
  out.Varint(session.last_applied().value());
  return out.Take();
}

Session* SessionTable::Add(SessionId id, std::string password, bool native, const Ownership& owner) {
  SYNOD_CHECK_GT(id, SessionId(0));
  auto [it, inserted] = sessions_.try_emplace(id, std::make_unique<Session>());
  SYNOD_CHECK(inserted) << "session " << id << " exists";
  Session* session = it->second.get();
  session->id_ = id;
  session->password_ = std::move(password);
  session->native_ = native;
  digest_ += NumberHash(*session);
  SetOwner(session, owner);
  return session;
}

void SessionTable::SetOwner(Session* session, const Ownership& owner) {
  BeforeChange(session);
  Unindex(*session);
  digest_ -= session->fixed_hash_;
  session->generation_ = owner.generation;
  session->connection_ = owner.connection;
  session->timeout_ms_ = owner.timeout_ms;
  session->disconnect_grace_ms_ = owner.disconnect_grace_ms;
  session->identities_ = owner.identities;
  session->fixed_hash_ = FixedHash(*session);
  digest_ += session->fixed_hash_;
  Index(*session);
}

void SessionTable::SetIdentities(Session* session, IdentitySetId identities) {
  if (identities == session->identities_) return;
  BeforeChange(session);
  digest_ -= session->fixed_hash_;
  session->identities_ = identities;
  session->fixed_hash_ = FixedHash(*session);
  digest_ += session->fixed_hash_;
}

void SessionTable::SetClosing(Session* session, bool expired) {
  SYNOD_CHECK(!session->closing()) << "session " << session->id_ << " is closing already";
  BeforeChange(session);
  Unindex(*session);
  digest_ -= session->fixed_hash_;
  session->closing_ = expired ? Closing::kExpired : Closing::kClosed;
  session->fixed_hash_ = FixedHash(*session);
  digest_ += session->fixed_hash_;
  Index(*session);
}

void SessionTable::ConfirmBelow(Session* session, Sequence below) {
  ReplyCache& replies = session->replies_;
  if (std::min(below, replies.end()) <= replies.first()) return;
  BeforeChange(session);
  reply_memory_ -= replies.memory_bytes();
  replies.DropBelow(below, [&](Sequence s, std::string_view reply) { digest_ -= ReplyHash(session->id_, s, reply); });
  reply_memory_ += replies.memory_bytes();
}

void SessionTable::Record(Session* session, std::string_view reply) {
  BeforeChange(session);
  ReplyCache& replies = session->replies_;
  digest_ -= NumberHash(*session);
  digest_ += ReplyHash(session->id_, replies.end(), reply);
  reply_memory_ -= replies.memory_bytes();
  replies.Append(reply);
  reply_memory_ += replies.memory_bytes();
  digest_ += NumberHash(*session);
}

void SessionTable::Remove(Session* session) {
  BeforeChange(session);
  Unindex(*session);
  SessionId id = session->id_;
  if (session->stored_) removed_[id] = {id, session->stored_first_, session->stored_end_, true};
  session->replies_.ForEach(Sequence(0),
                            [&](Sequence s, std::string_view reply) { digest_ -= ReplyHash(id, s, reply); });
  digest_ -= session->fixed_hash_ + NumberHash(*session);
  reply_memory_ -= session->replies_.memory_bytes();
  sessions_.erase(id);
}

void SessionTable::BeforeChange(Session* session) {
  if (session->changed_in_ == period_) return;
  if (session->changed_in_ != 0) {  // closed and not written yet: the cut needs it as it was (D7)
    EmitSession(session, [this](std::string key, std::optional<std::string> value) {
      saved_bytes_ += key.size() + (value ? value->size() : 0);
      saved_.emplace_back(std::move(key), std::move(value));
    });
  }
  session->changed_in_ = period_;
  changed_.push_back(session->id_);
}

template <typename F>
void SessionTable::EmitSession(Session* session, F&& emit) {
  SessionId id = session->id_;
  written_.push_back({id, session->stored_first_, session->stored_end_, session->stored_});
  const ReplyCache& replies = session->replies_;
  Sequence dropped_end = std::min(session->stored_end_, replies.first());
  for (Sequence s = session->stored_first_; s < dropped_end; ++s) emit(ReplyKey(id, s), std::nullopt);
  replies.ForEach(session->stored_end_,
                  [&](Sequence s, std::string_view reply) { emit(ReplyKey(id, s), std::string(reply)); });
  emit(SessionKey(id), EncodeSession(*session));
  session->stored_first_ = replies.first();
  session->stored_end_ = replies.end();
  session->stored_ = true;
  session->changed_in_ = 0;
}

void SessionTable::ClearCut() {
  closed_.clear();
  closed_next_ = 0;
  closed_removed_.clear();
  removed_next_ = SessionId(0);
  saved_.clear();
  saved_next_ = 0;
  saved_bytes_ = 0;
  written_.clear();
}

bool SessionTable::CutOpen() const {
  return closed_next_ < closed_.size() || saved_next_ < saved_.size() ||
         closed_removed_.upper_bound(removed_next_) != closed_removed_.end();
}

void SessionTable::CloseChanges() {
  SYNOD_CHECK(!CutOpen()) << "the last cut is neither written nor reopened";
  ClearCut();
  closed_.swap(changed_);
  closed_removed_.swap(removed_);
  ++period_;
}

bool SessionTable::WriteClosed(const Emit& emit, const std::function<bool()>& keep_going) {
  while (saved_next_ < saved_.size()) {
    SavedRecord& record = saved_[saved_next_++];
    saved_bytes_ -= record.first.size() + (record.second ? record.second->size() : 0);
    emit(std::move(record.first), std::move(record.second));
    if (!keep_going()) return !CutOpen();
  }
  for (auto it = closed_removed_.upper_bound(removed_next_); it != closed_removed_.end(); ++it) {
    const StoredRange& range = it->second;
    for (Sequence s = range.first; s < range.end; ++s) emit(ReplyKey(range.id, s), std::nullopt);
    emit(SessionKey(range.id), std::nullopt);
    removed_next_ = range.id;
    if (!keep_going()) return !CutOpen();
  }
  while (closed_next_ < closed_.size()) {
    Session* session = FindMutable(closed_[closed_next_++]);
    // Gone, or changed again since: then it was saved above, or removed before the cut.
    if (session == nullptr || session->changed_in_ != period_ - 1) continue;
    EmitSession(session, emit);
    if (!keep_going()) return !CutOpen();
  }
  return true;
}

void SessionTable::ReopenChanges() {
  auto note = [this](Session* session) {
    if (session->changed_in_ == period_) return;
    session->changed_in_ = period_;
    changed_.push_back(session->id_);
  };
  for (const StoredRange& before : written_) {
    if (Session* session = FindMutable(before.id)) {
      session->stored_first_ = before.first;
      session->stored_end_ = before.end;
      session->stored_ = before.stored;
      note(session);
    } else if (before.stored) {
      removed_[before.id] = before;
    } else {
      removed_.erase(before.id);  // the store never got to know it
    }
  }
  for (; closed_next_ < closed_.size(); ++closed_next_) {
    Session* session = FindMutable(closed_[closed_next_]);
    if (session != nullptr && session->changed_in_ == period_ - 1) note(session);
  }
  removed_.insert(closed_removed_.begin(), closed_removed_.end());
  ClearCut();
}

absl::Status SessionTable::LoadRecord(std::string_view key, std::string_view value) {
  bool reply = !key.empty() && key[0] == 'r';
  if (!IsKey(key) || key.size() != (reply ? 17u : 9u)) return absl::DataLossError("session record: malformed key");
  uint64_t id = ReadBigEndian(key.substr(1));
  if (id == 0 || id > static_cast<uint64_t>(INT64_MAX))
    return absl::DataLossError("session record: impossible session id");
  SessionId session(static_cast<int64_t>(id));
  return reply ? LoadReply(session, Sequence(ReadBigEndian(key.substr(9))), value) : LoadSession(session, value);
}

absl::Status SessionTable::LoadReply(SessionId id, Sequence sequence, std::string_view value) {
  if (sequence == Sequence(0) || sequence.value() >= UINT64_MAX - 1)
    return absl::DataLossError("reply record: impossible number");
  auto [it, inserted] = sessions_.try_emplace(id);
  if (inserted) {
    it->second = std::make_unique<Session>();
    it->second->id_ = id;
    it->second->loaded_ = false;
    it->second->replies_ = ReplyCache(sequence);
  }
  Session* session = it->second.get();
  if (session->loaded_ || session->replies_.end() != sequence) {
    return absl::DataLossError(
        absl::StrCat("reply record: session ", id.value(), ": number ", sequence.value(), " is out of order"));
  }
  reply_memory_ -= session->replies_.memory_bytes();
  session->replies_.Append(value);
  reply_memory_ += session->replies_.memory_bytes();
  digest_ += ReplyHash(id, sequence, value);
  return absl::OkStatus();
}

absl::Status SessionTable::LoadSession(SessionId id, std::string_view value) {
  ByteReader in(value);
  if (in.U8() != kRecordVersion) return absl::DataLossError("session record: unknown version");
  auto [it, inserted] = sessions_.try_emplace(id);
  if (inserted) it->second = std::make_unique<Session>();
  Session* session = it->second.get();
  if (!inserted && session->loaded_)
    return absl::DataLossError(absl::StrCat("session record: session ", id.value(), " comes twice"));
  session->id_ = id;
  session->password_ = std::string(in.Blob());
  uint64_t timeout = in.Varint();
  uint64_t grace = in.Varint();
  session->native_ = in.Bool();
  session->generation_ = OwnerGeneration(in.Varint());
  session->connection_ = in.U64();
  uint64_t identities = in.Varint();
  uint8_t closing = in.U8();
  uint64_t last_applied = in.Varint();
  if (timeout > UINT32_MAX || grace > UINT32_MAX || identities > UINT32_MAX || closing > 2 ||
      last_applied >= UINT64_MAX - 1)
    in.Fail();
  SYNOD_RETURN_IF_ERROR(in.Finish("session record"));
  session->timeout_ms_ = static_cast<uint32_t>(timeout);
  session->disconnect_grace_ms_ = static_cast<uint32_t>(grace);
  session->identities_ = IdentitySetId(static_cast<uint32_t>(identities));
  session->closing_ = static_cast<Closing>(closing);
  if (inserted) session->replies_ = ReplyCache(Sequence(last_applied + 1));
  if (session->last_applied().value() != last_applied) {
    return absl::DataLossError(absl::StrCat("session record: session ", id.value(), " applied up to ", last_applied,
                                            ", its replies end at ", session->last_applied().value()));
  }
  session->loaded_ = true;
  session->stored_ = true;
  session->stored_first_ = session->replies_.first();
  session->stored_end_ = session->replies_.end();
  session->fixed_hash_ = FixedHash(*session);
  digest_ += session->fixed_hash_ + NumberHash(*session);
  Index(*session);
  return absl::OkStatus();
}

absl::Status SessionTable::FinishLoading() {
  for (const auto& [id, session] : sessions_) {
    if (!session->loaded_)
      return absl::DataLossError(absl::StrCat("reply record: session ", id.value(), " is missing"));
  }
  return absl::OkStatus();
}

uint64_t SessionTable::ComputeDigest() const {
  uint64_t sum = 0;
  for (const auto& [id, session] : sessions_) {
    sum += FixedHash(*session) + NumberHash(*session);
    session->replies_.ForEach(Sequence(0),
                              [&, id = id](Sequence s, std::string_view reply) { sum += ReplyHash(id, s, reply); });
  }
  return sum;
}

size_t SessionTable::memory_bytes() const {
  return sessions_.size() * (sizeof(Session) + kSessionOverheadBytes) + reply_memory_ + saved_bytes_ +
         (changed_.capacity() + closed_.capacity()) * sizeof(SessionId) + written_.capacity() * sizeof(StoredRange);
}

}  // namespace synod::sessions
