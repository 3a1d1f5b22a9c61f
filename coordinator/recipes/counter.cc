#include "coordinator/recipes/counter.h"

#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/recipes/paths.h"
#include "coordinator/recipes/waiting.h"

namespace synod::recipes {
namespace {

using client::Callback;
using client::Client;
using client::CreateMode;
using client::Effect;
using client::Error;
using client::ErrorCode;
using client::ReadStrength;
using client::Result;

std::optional<int64_t> Parse(const client::Data& data) {
  int64_t value = 0;
  if (!data || !absl::SimpleAtoi(*data, &value)) return std::nullopt;
  return value;
}
Error NoNumber(const std::string& path) {
  return {ErrorCode::kBadArguments, Effect::kNotDone, absl::StrCat(path, " does not hold a number")};
}

// One addition: read, write on condition, again if somebody was faster. Kept alive by the callback it waits for.
class Addition : public std::enable_shared_from_this<Addition> {
 public:
  Addition(Client* client, std::string path, int64_t delta, Callback<int64_t> done)
      : client_(client), path_(std::move(path)), delta_(delta), done_(std::move(done)) {}

  void Read() {
    client_->Get(path_, ReadStrength::kSession, nullptr,
                 [self = shared_from_this()](const Result<client::NodeValue>& value) {
                   if (value.ok()) return self->Write(*value);
                   if (value.error().code == ErrorCode::kNoNode) return self->CreateNode();
                   self->Answer(value.error());
                 });
  }

  // Answers now, if there was no answer yet. Any thread.
  void GiveUp(Error error) {
    Callback<int64_t> done;
    {
      std::lock_guard lock(mutex_);
      if (writing_) error.effect = Effect::kMayHaveBeenDone;
      done = std::exchange(done_, nullptr);
    }
    if (done != nullptr) done(std::move(error));
  }

 private:
  void Write(const client::NodeValue& old) {
    const std::optional<int64_t> value = Parse(old.data);
    if (!value) return Answer(NoNumber(path_));
    int64_t sum = 0;
    if (__builtin_add_overflow(*value, delta_, &sum)) {
      return Answer(Error{ErrorCode::kBadArguments, Effect::kNotDone, "the sum does not fit into 64 bits"});
    }
    if (!BeginWrite()) return;
    client_->Set(path_, absl::StrCat(sum), old.stat.version,
                 [self = shared_from_this(), sum](const Result<client::Written>& written) {
                   if (written.ok()) return self->Answer(sum);
                   const ErrorCode code = written.error().code;
                   if (code != ErrorCode::kBadVersion && code != ErrorCode::kNoNode)
                     return self->Answer(written.error());
                   self->EndWrite();
                 });
  }

  void CreateNode() {
    if (!BeginWrite()) return;
    client_->Create(path_, absl::StrCat(delta_), CreateMode::kPersistent,
                    [self = shared_from_this()](const Result<client::Created>& created) {
                      if (created.ok()) return self->Answer(self->delta_);
                      if (created.error().code == ErrorCode::kNodeExists) return self->EndWrite();
                      if (created.error().code != ErrorCode::kNoNode) return self->Answer(created.error());
                      const std::string parent = self->path_.substr(0, self->path_.rfind('/'));
                      if (parent.empty()) return self->Answer(created.error());
                      CreatePath(self->client_, parent, [self](const Error& error) {
                        if (!error.ok()) return self->Answer(error);
                        self->EndWrite();
                      });
                    });
  }

  // False: given up already; nothing is written then.
  bool BeginWrite() {
    std::lock_guard lock(mutex_);
    writing_ = true;
    return done_ != nullptr;
  }
  // It was not done.
  void EndWrite() {
    {
      std::lock_guard lock(mutex_);
      writing_ = false;
      if (done_ == nullptr) return;
    }
    Read();
  }

  void Answer(Result<int64_t> result) {
    Callback<int64_t> done;
    {
      std::lock_guard lock(mutex_);
      done = std::exchange(done_, nullptr);
    }
    if (done != nullptr) done(std::move(result));
  }

  Client* const client_;  // whose callbacks these are
  const std::string path_;
  const int64_t delta_;
  std::mutex mutex_;        // guards what follows
  Callback<int64_t> done_;  // null: answered
  bool writing_ = false;
};

}  // namespace

Result<int64_t> Counter::Get() {
  const ClientPtr client = session_->client();
  return Await<int64_t>(
      *session_, absl::InfiniteDuration(),
      [&](Callback<int64_t> done) {
        client->Get(path_, ReadStrength::kLinearizable, nullptr,
                    [path = path_, done = std::move(done)](const Result<client::NodeValue>& value) mutable {
                      if (!value.ok()) {
                        if (value.error().code == ErrorCode::kNoNode) return done(0);
                        return done(value.error());
                      }
                      const std::optional<int64_t> number = Parse(value->data);
                      if (!number) return done(NoNumber(path));
                      done(*number);
                    });
      },
      nullptr);
}

Result<int64_t> Counter::Add(int64_t delta, absl::Duration timeout) {
  const ClientPtr client = session_->client();
  std::shared_ptr<Addition> addition;
  return Await<int64_t>(
      *session_, timeout,
      [&](Callback<int64_t> done) {
        addition = std::make_shared<Addition>(client.get(), path_, delta, std::move(done));
        addition->Read();
      },
      [&](Error late) { addition->GiveUp(std::move(late)); });
}

void Counter::AddAsync(int64_t delta, Callback<int64_t> done) {
  const ClientPtr client = session_->client();
  std::make_shared<Addition>(client.get(), path_, delta, std::move(done))->Read();
}

}  // namespace synod::recipes
