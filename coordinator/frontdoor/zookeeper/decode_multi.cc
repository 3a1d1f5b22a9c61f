#include "coordinator/frontdoor/zookeeper/decode_records.h"
#include "coordinator/service/reads.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::frontdoor::zookeeper {
namespace {

using service::TreeOp;

struct MultiHeader {
  OpCode type = OpCode::kError;
  bool done = false;
};

// Of the end header nothing but `done` is looked at, of the others not the error.
MultiHeader ReadHeader(JuteReader* in) {
  MultiHeader header;
  header.type = static_cast<OpCode>(in->Int());
  header.done = in->Bool();
  in->Int();
  return header;
}

// Adds the operation whose record follows a header of that type. `answered_as`: its type in the reply.
ErrorNumber ReadPart(OpCode type, JuteReader* in, std::vector<TreeOp>* ops, OpCode* answered_as) {
  *answered_as = type;
  switch (type) {
    case OpCode::kCreate:
    case OpCode::kCreate2:
    case OpCode::kCreateContainer:
    case OpCode::kCreateTtl: {
      auto& create = std::get<service::CreateOp>(ops->emplace_back(std::in_place_type<service::CreateOp>));
      const ErrorNumber error = ReadCreate(type, /*in_multi=*/true, in, &create);
      // In a multi the flag alone makes a container of it (12.1).
      if (type == OpCode::kCreate && create.mode == service::CreateMode::kContainer)
        *answered_as = OpCode::kCreateContainer;
      return error;
    }
    case OpCode::kDelete:
      return ReadDelete(in, &std::get<service::DeleteOp>(ops->emplace_back(std::in_place_type<service::DeleteOp>)));
    case OpCode::kSetData:
      return ReadSetData(in, &std::get<service::SetDataOp>(ops->emplace_back(std::in_place_type<service::SetDataOp>)));
    case OpCode::kCheck:
      return ReadCheck(in, &std::get<service::CheckOp>(ops->emplace_back(std::in_place_type<service::CheckOp>)));
    default:
      return ErrorNumber::kMarshallingError;
  }
}

ErrorNumber ReadReadPart(OpCode type, JuteReader* in, std::vector<service::ReadOp>* ops) {
  if (type == OpCode::kGetData) {
    auto& read = std::get<service::GetData>(ops->emplace_back(std::in_place_type<service::GetData>));
    return ReadPathAndWatch(in, &read.path, &read.watch);
  }
  if (type == OpCode::kGetChildren) {
    auto& read = std::get<service::GetChildren>(ops->emplace_back(std::in_place_type<service::GetChildren>));
    return ReadPathAndWatch(in, &read.path, &read.watch);
  }
  return ErrorNumber::kMarshallingError;
}

}  // namespace

ErrorNumber ReadMulti(JuteReader* in, DecodedRequest* out) {
  std::vector<TreeOp>& ops = out->operation.emplace<service::MultiOp>().ops;
  std::vector<OpCode>& parts = (out->shape.more = std::make_unique<Shape::More>())->parts;
  for (;;) {
    const MultiHeader header = ReadHeader(in);
    if (!in->ok()) return ErrorNumber::kMarshallingError;
    if (header.done) return ErrorNumber::kOk;
    if (ops.size() == statemachine::kMaxMultiOps) return ErrorNumber::kBadArguments;
    const ErrorNumber error = ReadPart(header.type, in, &ops, &parts.emplace_back());
    if (error != ErrorNumber::kOk) return error;
  }
}

ErrorNumber ReadMultiRead(JuteReader* in, DecodedRequest* out) {
  std::vector<service::ReadOp>& ops = out->operation.emplace<service::MultiRead>().ops;
  std::vector<OpCode>& parts = (out->shape.more = std::make_unique<Shape::More>())->parts;
  for (;;) {
    const MultiHeader header = ReadHeader(in);
    if (!in->ok()) return ErrorNumber::kMarshallingError;
    if (header.done) return ErrorNumber::kOk;
    if (ops.size() == service::kMultiReadOpsMax) return ErrorNumber::kBadArguments;
    parts.push_back(header.type);
    const ErrorNumber error = ReadReadPart(header.type, in, &ops);
    if (error != ErrorNumber::kOk) return error;
  }
}

}  // namespace synod::frontdoor::zookeeper
