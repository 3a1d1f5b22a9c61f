#include "coordinator/client/stream_loop.h"

#include <grpcpp/alarm.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "coordinator/base/check.h"

namespace synod::client {
namespace {

constexpr int kMaxMessageBytes = 64 * 1024 * 1024;
constexpr char kSessionMethod[] = "/synod.v1.Coordination/Session";

// What the completion queue hands back. Deletes itself or not, as its owner decides.
struct Tag {
  virtual ~Tag() = default;
  virtual void Done(bool ok) = 0;
};

// A tag that forwards to a member.
template <typename T, void (T::*kMember)(bool)>
struct MemberTag : Tag {
  explicit MemberTag(T* owner) : owner(owner) {}
  void Done(bool ok) override { (owner->*kMember)(ok); }
  T* owner;
};

absl::Status ToAbsl(const grpc::Status& status) {
  std::string message = status.error_message();
  // gRPC tells the whole way down to the socket, each step with the address; people want the last of it.
  if (message.starts_with("failed to connect to all addresses")) {
    const size_t last = message.rfind(": ");
    if (last != std::string::npos) message.erase(0, last + 2);
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), message);
}

grpc::ByteBuffer ToBuffer(std::string bytes) {
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToString(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.DumpToSingleSlice(&slice).ok()) return "";
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, absl::Duration connect_timeout) {
  grpc::ChannelArguments args;
  // Subchannels of their own: the global pool would share the back-off of an earlier attempt with this one.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  // In spite of its name the limit of one attempt to connect.
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(absl::ToInt64Milliseconds(connect_timeout)));
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  args.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // Bandwidth probes cost a ping per burst; a fixed window of this size does.
  args.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  args.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 4 * 1024 * 1024);
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  args.SetMaxSendMessageSize(kMaxMessageBytes);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), args);
}

gpr_timespec GprTime(absl::Duration monotonic) {
  if (monotonic == absl::InfiniteDuration()) return gpr_inf_future(GPR_CLOCK_REALTIME);
  const absl::Duration wait = monotonic - MonotonicNow();
  if (wait <= absl::ZeroDuration()) return gpr_time_0(GPR_CLOCK_MONOTONIC);
  // Rounded up: waking just before the time would make the loop spin until it has come.
  const int64_t ns = std::min<int64_t>(absl::ToInt64Nanoseconds(wait), int64_t{3'600'000'000'000}) + 50'000;
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(ns, GPR_TIMESPAN));
}

}  // namespace

absl::Duration MonotonicNow() {
  timespec now{};
  SYNOD_CHECK_EQ(clock_gettime(CLOCK_BOOTTIME, &now), 0);
  return absl::DurationFromTimespec(now);
}

uint64_t DrawSeed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

// Members are the loop thread's but for the inbox.
struct StreamLoop::Impl : Tag {
  explicit Impl(Step step) : step(std::move(step)) {}

  // The alarm rang: tasks were posted, or the loop is to end.
  void Done(bool) override {
    std::vector<absl::AnyInvocable<void()>> tasks;
    {
      std::lock_guard lock(mutex);
      tasks.swap(inbox);
      alarm_set = false;
    }
    begun = true;
    for (auto& task : tasks) task();
  }

  void Post(absl::AnyInvocable<void()> task) {
    std::lock_guard lock(mutex);
    inbox.push_back(std::move(task));
    if (alarm_set) return;
    alarm_set = true;
    alarm.Set(&queue, gpr_time_0(GPR_CLOCK_MONOTONIC), static_cast<Tag*>(this));
  }

  void Run() {
    thread_id.store(std::this_thread::get_id());
    while (!stopping || live > 0) {
      // Not before the first task: until then the owner may still be under construction.
      const absl::Duration wake = stopping || !begun ? absl::InfiniteDuration() : step();
      void* tag = nullptr;
      bool ok = false;
      // One wait, then whatever else is there: `step` runs once for all of it, which is what makes batches.
      auto next = queue.AsyncNext(&tag, &ok, GprTime(wake));
      for (int n = 0; next == grpc::CompletionQueue::GOT_EVENT; ++n) {
        static_cast<Tag*>(tag)->Done(ok);
        if (n >= 256) break;
        next = queue.AsyncNext(&tag, &ok, gpr_time_0(GPR_CLOCK_MONOTONIC));
      }
    }
  }

  struct Stream;
  struct UnaryCall;
  struct Kept {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<grpc::GenericStub> stub;
  };

  Step step;
  grpc::CompletionQueue queue;
  std::map<std::string, Kept> kept;         // for unary calls
  std::set<grpc::ClientContext*> contexts;  // of what is under way, for the end
  int live = 0;                             // streams and calls with tags in the queue
  bool begun = false;
  bool stopping = false;
  std::thread thread;
  std::atomic<std::thread::id> thread_id;

  std::mutex mutex;  // guards inbox, alarm_set, alarm
  std::vector<absl::AnyInvocable<void()>> inbox;
  bool alarm_set = false;
  grpc::Alarm alarm;
};

// A stream outlives its ByteStream until its last tag has come back, then deletes itself.
struct StreamLoop::Impl::Stream {
  // `only_request`: nothing is written after it.
  Stream(Impl* loop, const std::string& address, const std::string& method, std::optional<std::string> only_request,
         absl::Duration connect_timeout, StreamHandler* handler)
      : loop(loop),
        handler(handler),
        channel(MakeChannel(address, connect_timeout)),
        stub(channel),
        only_request(std::move(only_request)) {
    ++loop->live;
    loop->contexts.insert(&context);
    call = stub.PrepareCall(&context, method, &loop->queue);
    ++tags;
    call->StartCall(static_cast<Tag*>(&started_tag));
  }
  ~Stream() {
    loop->contexts.erase(&context);
    --loop->live;
  }

  void Started(bool ok) {
    --tags;
    if (!ok) return End();
    if (handler != nullptr) handler->OnStarted();
    if (only_request.has_value()) {
      ++tags;
      call->WriteLast(ToBuffer(*std::exchange(only_request, std::nullopt)), grpc::WriteOptions(),
                      static_cast<Tag*>(&written_tag));
    }
    ++tags;
    call->Read(&incoming, static_cast<Tag*>(&read_tag));
  }
  void Read(bool ok) {
    --tags;
    if (!ok) return End();
    if (handler != nullptr) {
      grpc::Slice slice;
      if (incoming.TrySingleSlice(&slice).ok() || incoming.DumpToSingleSlice(&slice).ok()) {
        handler->OnMessage({reinterpret_cast<const char*>(slice.begin()), slice.size()});
      }
    }
    ++tags;
    call->Read(&incoming, static_cast<Tag*>(&read_tag));
  }
  void Written(bool ok) {
    --tags;
    if (!ok) return End();
    if (handler != nullptr) handler->OnWritten();
    Settle();  // a write that succeeded may be told of after the end
  }
  void End() {
    if (!finishing) {
      finishing = true;
      ++tags;
      call->Finish(&status, static_cast<Tag*>(&finished_tag));
    }
    Settle();
  }
  void Finished(bool) {
    --tags;
    finished = true;
    if (handler != nullptr) std::exchange(handler, nullptr)->OnEnded(ToAbsl(status));
    Settle();
  }
  void Settle() {
    if (finished && tags == 0) delete this;
  }

  Impl* loop;
  StreamHandler* handler;  // null: abandoned
  std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
  std::optional<std::string> only_request;
  grpc::ClientContext context;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
  grpc::ByteBuffer incoming;
  grpc::Status status;
  int tags = 0;
  bool finishing = false;
  bool finished = false;
  MemberTag<Stream, &Stream::Started> started_tag{this};
  MemberTag<Stream, &Stream::Read> read_tag{this};
  MemberTag<Stream, &Stream::Written> written_tag{this};
  MemberTag<Stream, &Stream::Finished> finished_tag{this};

  // The owner's end. `stream` dangles once the stream has ended, and is not touched then.
  struct Handle : ByteStream, StreamHandler {
    void Write(std::string bytes) override {
      if (stream == nullptr || stream->finishing) return;
      ++stream->tags;
      stream->call->Write(ToBuffer(std::move(bytes)), static_cast<Tag*>(&stream->written_tag));
    }
    ~Handle() override {
      if (stream == nullptr) return;
      stream->handler = nullptr;
      stream->context.TryCancel();
    }
    void OnStarted() override { owner->OnStarted(); }
    void OnMessage(std::string_view bytes) override { owner->OnMessage(bytes); }
    void OnWritten() override { owner->OnWritten(); }
    void OnEnded(const absl::Status& status) override {
      stream = nullptr;
      owner->OnEnded(status);
    }
    Stream* stream = nullptr;
    StreamHandler* owner = nullptr;
  };
};

struct StreamLoop::Impl::UnaryCall {
  UnaryCall(Impl* loop, Kept* kept, absl::AnyInvocable<void(CallOutcome)> done)
      : loop(loop), kept(kept), done(std::move(done)) {
    ++loop->live;
    loop->contexts.insert(&context);
  }
  ~UnaryCall() {
    loop->contexts.erase(&context);
    --loop->live;
  }

  void Begin() {
    const grpc_connectivity_state state = kept->channel->GetState(true);
    if (state == GRPC_CHANNEL_READY) return Send();
    if (loop->stopping) return Fail("the client was closed");
    if (state == GRPC_CHANNEL_SHUTDOWN || (state == GRPC_CHANNEL_TRANSIENT_FAILURE && was_connecting))
      return Fail("connection refused");
    was_connecting = was_connecting || state == GRPC_CHANNEL_CONNECTING;
    const absl::Duration until = std::min(connect_until, MonotonicNow() + absl::Milliseconds(200));
    kept->channel->NotifyOnStateChange(state, GprTime(until), &loop->queue, static_cast<Tag*>(&state_tag));
  }
  void StateChanged(bool) {
    if (MonotonicNow() >= connect_until && kept->channel->GetState(false) != GRPC_CHANNEL_READY)
      return Fail("no connection in time");
    Begin();
  }
  void Send() {
    outcome.sent = true;
    const int64_t ms = std::max<int64_t>(1, absl::ToInt64Milliseconds(timeout));
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN)));
    call = kept->stub->PrepareUnaryCall(&context, method, request, &loop->queue);
    call->StartCall();
    call->Finish(&reply, &status, static_cast<Tag*>(&finished_tag));
  }
  void Finished(bool) {
    outcome.status = ToAbsl(status);
    outcome.details = status.error_details();
    if (status.ok()) outcome.reply = ToString(reply);
    Deliver();
  }
  void Fail(const char* why) {
    outcome.status = absl::UnavailableError(why);
    Deliver();
  }
  void Deliver() {
    done(std::move(outcome));
    delete this;
  }

  Impl* loop;
  Kept* kept;
  absl::AnyInvocable<void(CallOutcome)> done;
  std::string method;
  grpc::ByteBuffer request;
  absl::Duration connect_until;
  absl::Duration timeout;
  bool was_connecting = false;
  grpc::ClientContext context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call;
  grpc::ByteBuffer reply;
  grpc::Status status;
  CallOutcome outcome;
  MemberTag<UnaryCall, &UnaryCall::StateChanged> state_tag{this};
  MemberTag<UnaryCall, &UnaryCall::Finished> finished_tag{this};
};

StreamLoop::StreamLoop(Step step) : impl_(std::make_unique<Impl>(std::move(step))) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

StreamLoop::~StreamLoop() {
  SYNOD_CHECK(!OnLoopThread()) << "a client was destroyed inside one of its own callbacks";
  impl_->Post([impl = impl_.get()] {
    impl->stopping = true;
    for (grpc::ClientContext* context : impl->contexts) context->TryCancel();
  });
  impl_->thread.join();
  impl_->queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (impl_->queue.Next(&tag, &ok)) {
  }
}

void StreamLoop::Post(absl::AnyInvocable<void()> task) { impl_->Post(std::move(task)); }

bool StreamLoop::OnLoopThread() const { return std::this_thread::get_id() == impl_->thread_id.load(); }

std::unique_ptr<ByteStream> StreamLoop::Open(const std::string& address, absl::Duration connect_timeout,
                                             StreamHandler* handler) {
  auto handle = std::make_unique<Impl::Stream::Handle>();
  handle->owner = handler;
  handle->stream = new Impl::Stream(impl_.get(), address, kSessionMethod, std::nullopt, connect_timeout,
                                    handle.get());  // deletes itself
  return handle;
}

std::unique_ptr<ByteStream> StreamLoop::OpenAnswers(const std::string& address, const std::string& method,
                                                    std::string request, absl::Duration connect_timeout,
                                                    StreamHandler* handler) {
  auto handle = std::make_unique<Impl::Stream::Handle>();
  handle->owner = handler;
  handle->stream = new Impl::Stream(impl_.get(), address, method, std::move(request), connect_timeout,
                                    handle.get());  // deletes itself
  return handle;
}

void StreamLoop::Call(const std::string& address, const std::string& method, const std::string& request,
                      absl::Duration connect_timeout, absl::Duration timeout,
                      absl::AnyInvocable<void(CallOutcome)> done) {
  Impl::Kept& kept = impl_->kept[address];
  if (kept.channel == nullptr) {
    kept.channel = MakeChannel(address, connect_timeout);
    kept.stub = std::make_unique<grpc::GenericStub>(kept.channel);
  }
  auto* call = new Impl::UnaryCall(impl_.get(), &kept, std::move(done));  // deletes itself
  call->method = method;
  call->request = ToBuffer(request);
  call->connect_until = MonotonicNow() + connect_timeout;
  call->timeout = timeout;
  call->Begin();
}

}  // namespace synod::client
