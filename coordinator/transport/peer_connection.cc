#include "coordinator/transport/peer_connection.h"

#include <algorithm>
#include <asio/post.hpp>
#include <asio/write.hpp>
#include <cstring>
#include <utility>

#include "coordinator/base/check.h"

namespace synod::transport {
namespace {

constexpr size_t kFirstBufferBytes = 64 << 10;  // all that a stranger can make us hold
constexpr size_t kKeptBufferBytes = 4 << 20;    // a buffer that grew beyond is given back when it is empty
constexpr size_t kUrgentWriteBytes = 1 << 20;
// What the lower lanes may put in front of the next urgent frame in one write.
constexpr size_t kBulkWriteBytes = 256 << 10;

absl::string_view View(const std::string& v) { return absl::string_view(v.data(), v.size()); }

// asio's own condition cuts every write into system calls of 64 KB.
size_t WriteAll(const asio::error_code& error, size_t) { return error ? 0 : kMaxFrameBytes; }

}  // namespace

PeerConnection::PeerConnection(asio::ip::tcp::socket socket, const ConnectionLimits& limits, Owner* owner)
    : socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      keep_alive_(socket_.get_executor()),
      limits_(limits),
      owner_(owner) {
  asio::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  in_.resize(kFirstBufferBytes);
}

PeerConnection::~PeerConnection() = default;

void PeerConnection::Start() {
  deadline_.expires_after(absl::ToChronoNanoseconds(limits_.handshake_timeout));
  deadline_.async_wait([self = shared_from_this()](const asio::error_code& error) {
    if (error || !self->open_ || self->established_) return;
    self->Fail(absl::DeadlineExceededError("no handshake in time"));
  });
  Read();
}

void PeerConnection::Establish() {
  established_ = true;
  deadline_.cancel();
  KeepAlive();
}

void PeerConnection::KeepAlive() {
  keep_alive_.expires_after(absl::ToChronoNanoseconds(limits_.keep_alive_interval));
  keep_alive_.async_wait([self = shared_from_this()](const asio::error_code& error) {
    if (error || !self->open_) return;
    if (++self->silent_intervals_ > self->limits_.silent_intervals_max) {
      return self->Fail(absl::DeadlineExceededError("nothing heard from it for too long"));
    }
    if (!std::exchange(self->sent_in_interval_, false)) {
      EncodeEmpty(FrameKind::kKeepAlive, self->lane(Lane::kUrgent));
      self->Flush();
      self->sent_in_interval_ = false;
    }
    self->KeepAlive();
  });
}

void PeerConnection::Read() {
  socket_.async_read_some(
      asio::buffer(in_.data() + end_, in_.size() - end_),
      [self = shared_from_this()](const asio::error_code& error, size_t bytes) { self->OnRead(error, bytes); });
}

void PeerConnection::OnRead(const asio::error_code& error, size_t bytes) {
  if (!open_ || draining_) return;
  if (error) {
    return Fail(
        absl::UnavailableError(error == asio::error::eof ? std::string("closed by the peer") : error.message()));
  }
  silent_intervals_ = 0;
  end_ += bytes;
  Parse();
  if (open_ && !draining_) Read();
}

void PeerConnection::Parse() {
  while (open_ && !draining_) {
    size_t limit = established_ ? kMaxFrameBytes : kMaxHandshakeFrameBytes;
    absl::StatusOr<Frame> frame = ReadFrame(std::string_view(in_).substr(begin_, end_ - begin_), limit);
    if (!frame.ok()) return Fail(frame.status());
    if (frame->bytes == 0) return MakeRoom(frame->needed);
    begin_ += frame->bytes;
    owner_->OnFrame(this, *frame);
  }
}

// Grows with what has come, not with what a frame's header claims.
void PeerConnection::MakeRoom(size_t needed) {
  if (begin_ > 0) {
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == 0 && in_.size() > kKeptBufferBytes && needed <= kFirstBufferBytes) {
    in_ = std::string(kFirstBufferBytes, '\0');
  } else if (end_ == in_.size()) {
    in_.resize(std::min(needed, 2 * in_.size()));
  }
}

size_t PeerConnection::queued_bytes() const {
  size_t bytes = writing_bytes_;
  for (const FrameQueue& lane : lanes_) bytes += lane.bytes();
  return bytes;
}

void PeerConnection::Flush() {
  if (!open_ || !writing_.empty()) return;
  for (size_t i = 0; i < kLanes; ++i) {
    size_t bound = i == 0 ? kUrgentWriteBytes : kBulkWriteBytes;
    if (writing_bytes_ < bound) writing_bytes_ += lanes_[i].TakeInto(&writing_, bound - writing_bytes_);
  }
  if (writing_.empty()) {
    if (draining_) {
      // What the peer sent meanwhile is not read: a close with it unread would reset the connection and lose our last
      // words.
      asio::error_code ignored;
      socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    }
    return;
  }
  sent_in_interval_ = true;
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(writing_.size());
  for (const FrameQueue::Piece& piece : writing_) buffers.emplace_back(piece.view().data(), piece.view().size());
  asio::async_write(socket_, std::move(buffers), WriteAll,
                    [self = shared_from_this()](const asio::error_code& error, size_t) { self->OnWritten(error); });
}

void PeerConnection::OnWritten(const asio::error_code& error) {
  writing_.clear();
  writing_bytes_ = 0;
  if (!open_) return;
  if (error) return Fail(absl::UnavailableError(View(error.message())));
  Flush();
}

void PeerConnection::CloseAfterFlush() {
  owner_ = nullptr;
  draining_ = true;
  // The peer closes when it has read the reason; if it does not, the handle goes at a deadline.
  deadline_.expires_after(absl::ToChronoNanoseconds(std::min(limits_.handshake_timeout, absl::Seconds(1))));
  deadline_.async_wait([self = shared_from_this()](const asio::error_code&) { self->Close(); });
  Flush();
}

void PeerConnection::Close() {
  if (!std::exchange(open_, false)) return;
  owner_ = nullptr;
  asio::error_code ignored;
  socket_.close(ignored);
  deadline_.cancel();
  keep_alive_.cancel();
  for (FrameQueue& lane : lanes_) lane = FrameQueue();
}

void PeerConnection::Fail(const absl::Status& why) {
  if (!open_) return;
  Owner* owner = owner_;
  Close();
  if (owner != nullptr) owner->OnClosed(this, why);
}

void PeerConnection::FailLater(absl::Status why) {
  if (std::exchange(failing_, true)) return;
  asio::post(socket_.get_executor(), [self = shared_from_this(), why = std::move(why)] { self->Fail(why); });
}

}  // namespace synod::transport
