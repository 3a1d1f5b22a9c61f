#include "coordinator/consensus/read_index.h"

#include <utility>

#include "coordinator/base/check.h"

namespace synod::consensus {

void ReadRounds::Start(uint64_t id, LogIndex index) {
  SYNOD_CHECK(WantsRound());
  current_ = id;
  index_ = index;
  in_round_ = std::exchange(waiting_, {});
}

std::vector<ReadRounds::Read> ReadRounds::Finish() {
  current_ = 0;
  return std::exchange(in_round_, {});
}

std::vector<ReadRounds::Read> ReadRounds::Abandon() {
  std::vector<Read> reads = Finish();
  reads.insert(reads.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  return reads;
}

std::vector<uint64_t> ReadQuestions::Finish(uint64_t question) {
  auto at = asked_.find(question);
  if (at == asked_.end()) return {};
  std::vector<uint64_t> reads = std::move(at->second);
  asked_.erase(at);
  return reads;
}

std::vector<uint64_t> ReadQuestions::Abandon() {
  std::vector<uint64_t> all;
  for (auto& [question, reads] : asked_) all.insert(all.end(), reads.begin(), reads.end());
  all.insert(all.end(), waiting_.begin(), waiting_.end());
  asked_.clear();
  waiting_.clear();
  return all;
}

std::vector<uint64_t> ReadQuestions::Open() const {
  std::vector<uint64_t> questions;
  for (const auto& [question, reads] : asked_) questions.push_back(question);
  return questions;
}

}  // namespace synod::consensus
