#include "tests/bench/zookeeper/session.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tests/bench/zookeeper/measure.h"

namespace synod::bench {

void SessionOwner::OnEvent(Session& session, int64_t) {
  Fail(absl::StrCat("session ", session.number(), ": an event that nobody asked for"));
}
void SessionOwner::OnLost(Session& session, const std::string& why) {
  Fail(absl::StrCat("session ", session.number(), ": ", why));
}

Session::~Session() { Close(); }

void Session::Open(uint16_t port, int32_t timeout_ms) {
  Close();
  timeout_ms_ = timeout_ms;
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) Fail(absl::StrCat("no socket: ", std::strerror(errno)));
  const int yes = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  state_ = State::kConnecting;
  loop_.Add(*this);
  const int result = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  // A refusal is learned from the socket like one that comes later: callbacks come from the loop only.
  if (result != 0 && errno != EINPROGRESS && errno != ECONNREFUSED) {
    Fail(absl::StrCat("connect to port ", port, ": ", std::strerror(errno)));
  }
  loop_.WaitToWrite(*this, true);
}

void Session::Close() {
  if (fd_ >= 0) ::close(fd_);  // leaves the epoll set with it
  fd_ = -1;
  state_ = State::kClosed;
  ++epoch_;
  waits_to_write_ = false;
  out_.clear();
  sent_ = 0;
  partial_.clear();
  outstanding_.clear();
}

void Session::Lose(const std::string& why) {
  Close();
  owner_->OnLost(*this, why);
}

void Session::SendConnectRequest() {
  FrameBuilder(out_).Int(0).Long(last_zxid_).Int(timeout_ms_).Long(id_).Bytes(password_).Bool(false);
}

int32_t Session::Enqueue(OpCode op) {
  const int32_t xid = next_xid_;
  next_xid_ = next_xid_ == INT32_MAX ? 1 : next_xid_ + 1;
  outstanding_.push_back({xid, op, loop_.now()});
  return xid;
}
void Session::SetData(std::string_view path, std::string_view data) {
  const int32_t xid = Enqueue(OpCode::kSetData);
  FrameBuilder(out_).Int(xid).Int(static_cast<int32_t>(OpCode::kSetData)).Bytes(path).Bytes(data).Int(-1);
}
void Session::GetData(std::string_view path, bool watch) {
  const int32_t xid = Enqueue(OpCode::kGetData);
  FrameBuilder(out_).Int(xid).Int(static_cast<int32_t>(OpCode::kGetData)).Bytes(path).Bool(watch);
}
void Session::Create(std::string_view path, std::string_view data, int32_t flags) {
  constexpr int32_t kAllPermissions = 31;
  const int32_t xid = Enqueue(OpCode::kCreate);
  FrameBuilder frame(out_);
  frame.Int(xid).Int(static_cast<int32_t>(OpCode::kCreate)).Bytes(path).Bytes(data);
  frame.Int(1).Int(kAllPermissions).Bytes("world").Bytes("anyone").Int(flags);
}
void Session::Delete(std::string_view path) {
  const int32_t xid = Enqueue(OpCode::kDelete);
  FrameBuilder(out_).Int(xid).Int(static_cast<int32_t>(OpCode::kDelete)).Bytes(path).Int(-1);
}
void Session::Sync() {
  const int32_t xid = Enqueue(OpCode::kSync);
  FrameBuilder(out_).Int(xid).Int(static_cast<int32_t>(OpCode::kSync)).Bytes("/");
}
void Session::CloseSession() {
  const int32_t xid = Enqueue(OpCode::kCloseSession);
  FrameBuilder(out_).Int(xid).Int(static_cast<int32_t>(OpCode::kCloseSession));
}

void Session::Flush() {
  if (state_ != State::kOpen && state_ != State::kGreeting) return;
  while (sent_ < out_.size()) {
    const ssize_t n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (n > 0) {
      sent_ += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      return Lose(absl::StrCat("send: ", std::strerror(errno)));
    }
  }
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  }
  if (waits_to_write_ != !out_.empty()) loop_.WaitToWrite(*this, !out_.empty());
}

void Session::OnWritable() {
  if (state_ == State::kConnecting) {
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return Lose(absl::StrCat("connect: ", std::strerror(error)));
    state_ = State::kGreeting;
    SendConnectRequest();
  }
  Flush();
}

void Session::OnReadable(int64_t now) {
  char* const buffer = loop_.buffer_.data();
  const size_t kept = partial_.size();
  std::memcpy(buffer, partial_.data(), kept);
  const ssize_t n = ::recv(fd_, buffer + kept, Loop::kBufferBytes - kept, 0);
  if (n == 0) return Lose("the server closed the connection");
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return Lose(absl::StrCat("recv: ", std::strerror(errno)));
  }
  const uint32_t epoch = epoch_;
  std::string_view rest(buffer, kept + static_cast<size_t>(n));
  while (rest.size() >= 4) {
    const int32_t size = FrameReader(rest).Int();
    if (size < 0 || static_cast<size_t>(size) > Loop::kBufferBytes / 2) {
      Fail(absl::StrCat("session ", number_, ": a frame of ", size, " bytes"));
    }
    const size_t whole = 4 + static_cast<size_t>(size);
    if (rest.size() < whole) break;
    if (!OnFrame(rest.substr(4, static_cast<size_t>(size)), now) || epoch != epoch_) return;
    rest.remove_prefix(whole);
  }
  partial_.assign(rest);
  Flush();
}

bool Session::OnFrame(std::string_view frame, int64_t now) {
  if (state_ == State::kGreeting) return OnConnectResponse(frame);
  FrameReader reader(frame);
  const int32_t xid = reader.Int();
  const int64_t zxid = reader.Long();
  const int32_t error = reader.Int();
  if (!reader.ok()) Fail(absl::StrCat("session ", number_, ": a reply of ", frame.size(), " bytes"));
  if (xid == kNotificationXid) {
    owner_->OnEvent(*this, now);
    return true;
  }
  if (outstanding_.empty() || outstanding_.front().xid != xid) {
    const std::string due = outstanding_.empty() ? "none" : std::to_string(outstanding_.front().xid);
    Fail(absl::StrCat("session ", number_, ": a reply with xid ", xid, " where ", due, " is due"));
  }
  const Request request = outstanding_.front();
  outstanding_.pop_front();
  last_zxid_ = std::max(last_zxid_, zxid);
  owner_->OnReply(*this, {request.op, error, zxid, reader.rest(), request.sent, now});
  return true;
}

bool Session::OnConnectResponse(std::string_view frame) {
  FrameReader reader(frame);
  reader.Int();
  const int32_t timeout = reader.Int();
  const int64_t id = reader.Long();
  const std::string_view password = reader.Bytes();
  if (!reader.ok() || password.size() != kPasswordBytes) {
    Fail(absl::StrCat("session ", number_, ": a connect response of ", frame.size(), " bytes"));
  }
  if (timeout <= 0) Fail(absl::StrCat("session ", number_, ": the server says that it has expired"));
  if (id_ != 0 && id != id_) Fail(absl::StrCat("session ", number_, ": the server replaced it silently"));
  id_ = id;
  password_ = std::string(password);
  state_ = State::kOpen;
  owner_->OnOpen(*this);
  return true;
}

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes, '\0') { Advance(); }
Loop::~Loop() { ::close(epoll_); }

void Loop::Advance() { now_ = NowNanoseconds(); }

void Loop::Add(Session& session) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &session;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, session.fd_, &event);
}

void Loop::WaitToWrite(Session& session, bool wait) {
  session.waits_to_write_ = wait;
  epoll_event event{};
  event.events = wait ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.ptr = &session;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, session.fd_, &event);
}

int Loop::Poll(int64_t deadline) {
  constexpr int kEvents = 256;
  epoll_event events[kEvents];
  const int64_t left = deadline - NowNanoseconds();
  // Rounded up: a wait that ends before its deadline would be followed by another of 0 ms.
  const int wait_ms = left <= 0 ? 0
                                : static_cast<int>(std::min<int64_t>(
                                      (left + kNanosecondsPerMillisecond - 1) / kNanosecondsPerMillisecond, 60'000));
  const int n = ::epoll_wait(epoll_, events, kEvents, wait_ms);
  Advance();
  for (int i = 0; i < n; ++i) {
    Session& session = *static_cast<Session*>(events[i].data.ptr);
    const uint32_t epoch = session.epoch_;
    Advance();
    if ((events[i].events & EPOLLOUT) != 0 || session.state_ == Session::State::kConnecting) session.OnWritable();
    // A callback may have closed this session, or another one of this turn.
    if (session.epoch_ != epoch || session.fd_ < 0) continue;
    if ((events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) session.OnReadable(now_);
  }
  return std::max(n, 0);
}

}  // namespace synod::bench
