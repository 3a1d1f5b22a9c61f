#include "coordinator/cli/tenure.h"

#include <utility>

namespace synod::cli {
namespace {

class LockTenure final : public Tenure {
 public:
  LockTenure(recipes::Session* session, const std::string& path, std::string data, TenureNews* news)
      : news_(news), lock_(session, path, Options(std::move(data), news)) {}
  void Start() override {
    lock_.AcquireAsync([news = news_](client::Result<int64_t> token) { news->Granted(std::move(token)); });
  }
  void Release() override { lock_.Release(); }

 private:
  static recipes::LockOptions Options(std::string data, TenureNews* news) {
    recipes::LockOptions options;
    options.data = std::move(data);
    options.on_loss = [news](recipes::Loss loss) { news->Lost(loss); };
    return options;
  }
  TenureNews* const news_;
  recipes::Lock lock_;
};

class LeaderTenure final : public Tenure {
 public:
  LeaderTenure(recipes::Session* session, const std::string& path, std::string data, TenureNews* news)
      : latch_(session, path, Options(std::move(data), news)) {}
  void Start() override { latch_.Campaign(); }
  void Release() override { latch_.Resign(); }

 private:
  static recipes::LatchOptions Options(std::string data, TenureNews* news) {
    recipes::LatchOptions options;
    options.data = std::move(data);
    options.on_leader = [news](int64_t epoch) { news->Granted(epoch); };
    options.on_loss = [news](recipes::Loss loss) { news->Lost(loss); };
    options.on_failed = [news](const client::Error& error) { news->Granted(error); };
    return options;
  }
  recipes::LeaderLatch latch_;
};

}  // namespace

void TenureNews::Granted(client::Result<int64_t> token) {
  std::lock_guard lock(mutex_);
  if (!granted_.has_value()) granted_.emplace(std::move(token));
  interrupts_->Wake();
}
void TenureNews::Lost(recipes::Loss loss) {
  std::lock_guard lock(mutex_);
  if (!lost_.has_value()) lost_ = loss;
  interrupts_->Wake();
}
std::optional<client::Result<int64_t>> TenureNews::granted() const {
  std::lock_guard lock(mutex_);
  return granted_;
}
std::optional<recipes::Loss> TenureNews::lost() const {
  std::lock_guard lock(mutex_);
  return lost_;
}

std::unique_ptr<Tenure> MakeLockTenure(recipes::Session* session, const std::string& path, std::string data,
                                       TenureNews* news) {
  return std::make_unique<LockTenure>(session, path, std::move(data), news);
}
std::unique_ptr<Tenure> MakeLeaderTenure(recipes::Session* session, const std::string& path, std::string data,
                                         TenureNews* news) {
  return std::make_unique<LeaderTenure>(session, path, std::move(data), news);
}

}  // namespace synod::cli
