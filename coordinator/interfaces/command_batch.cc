#include "coordinator/interfaces/command_batch.h"

#include "coordinator/base/bytes.h"
#include "coordinator/base/status_macros.h"

namespace synod::interfaces {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

std::string EncodeBatch(const BatchTimes& times, absl::Span<const std::string> commands) {
  ByteWriter out;
  out.U8(kVersion);
  out.Varint(times.log_clock_us);
  out.SignedVarint(times.wall_ms);
  out.Varint(commands.size());
  for (const std::string& command : commands) out.Blob(command);
  return out.Take();
}

absl::StatusOr<CommandBatch> DecodeBatch(std::string_view payload) {
  ByteReader in(payload);
  CommandBatch batch;
  if (in.U8() != kVersion) return absl::DataLossError("command batch: unknown version");
  batch.times.log_clock_us = in.Varint();
  batch.times.wall_ms = in.SignedVarint();
  uint64_t count = in.Varint();
  if (count > in.remaining()) in.Fail();  // a command takes a byte at least
  for (uint64_t i = 0; i < count && in.ok(); ++i) batch.commands.push_back(in.Blob());
  SYNOD_RETURN_IF_ERROR(in.Finish("command batch"));
  return batch;
}

}  // namespace synod::interfaces
