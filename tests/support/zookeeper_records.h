// ZooKeeper's wire format for tests, written down apart from the codec that they judge: bytes from fields, from
// hexadecimal text, and one example of every request.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace synod::testing {

// Builds a record field by field.
class Record {
 public:
  Record& Int(int64_t value) { return Number(value, 4); }
  Record& Long(int64_t value) { return Number(value, 8); }
  Record& Bool(bool value) { return Number(value ? 1 : 0, 1); }
  Record& Text(std::string_view value) { return Int(static_cast<int64_t>(value.size())).Raw(value); }
  Record& Null() { return Int(-1); }
  Record& Raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  // A list of one entry.
  Record& OpenAcl() { return Int(1).Int(31).Text("world").Text("anyone"); }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& Number(int64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) bytes_.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i)));
    return *this;
  }
  std::string bytes_;
};

// The payload of a request's frame.
inline std::string RequestPayload(int32_t xid, int32_t op, std::string_view record) {
  return Record().Int(xid).Int(op).Raw(record).bytes();
}

// "0000002d 00" and so on; blanks and line ends do not count.
inline std::string FromHex(std::string_view hex) {
  std::string digits;
  std::copy_if(hex.begin(), hex.end(), std::back_inserter(digits), [](unsigned char c) { return std::isxdigit(c); });
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

// A copy of exactly that size on the heap: the address sanitizer sees a read beyond it.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view bytes) : bytes_(new char[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

struct RequestExample {
  std::string name;
  int32_t op = 0;
  std::string record;  // well-formed, and nothing behind it
};

inline Record CreateRecord(std::string_view path, std::string_view data, int32_t flags) {
  return Record().Text(path).Text(data).OpenAcl().Int(flags);
}

inline std::string MultiRecord(const std::vector<RequestExample>& parts) {
  Record record;
  for (const RequestExample& part : parts) record.Int(part.op).Bool(false).Int(-1).Raw(part.record);
  return record.Int(-1).Bool(true).Int(-1).bytes();
}

inline std::vector<RequestExample> RequestExamples() {
  const std::string path_and_watch = Record().Text("/a").Bool(true).bytes();
  const std::string path = Record().Text("/a").bytes();
  const auto strings = [](std::vector<std::string> list) {
    Record record;
    record.Int(static_cast<int64_t>(list.size()));
    for (const std::string& text : list) record.Text(text);
    return record.bytes();
  };
  const std::string three_lists = Record().Long(7).bytes() + strings({"/a", "/b"}) + strings({}) + strings({"/c"});
  const RequestExample create = {"create", 1, CreateRecord("/a", "x", 0).bytes()};
  const RequestExample remove = {"delete", 2, Record().Text("/a").Int(3).bytes()};
  const RequestExample get = {"getData", 4, path_and_watch};
  const RequestExample set = {"setData", 5, Record().Text("/a").Text("value").Int(-1).bytes()};
  const RequestExample list = {"getChildren", 8, path_and_watch};
  const RequestExample check = {"check", 13, Record().Text("/a").Int(5).bytes()};
  const RequestExample create2 = {"create2", 15, CreateRecord("/b", "", 3).bytes()};
  const RequestExample container = {"createContainer", 19, CreateRecord("/c", "", 4).bytes()};
  const RequestExample ttl = {"createTtl", 21, CreateRecord("/t", "y", 5).Long(100).bytes()};
  return {
      create,
      remove,
      {"exists", 3, path_and_watch},
      get,
      set,
      {"getAcl", 6, path},
      {"setAcl", 7, Record().Text("/a").OpenAcl().Int(-1).bytes()},
      list,
      {"sync", 9, path},
      {"ping", 11, ""},
      {"getChildren2", 12, path_and_watch},
      {"multi", 14, MultiRecord({check, create, remove, set, create2, container, ttl})},
      create2,
      {"reconfig", 16, Record().Text("server.4=h:1:2;3").Null().Null().Long(-1).bytes()},
      {"checkWatches", 17, Record().Text("/a").Int(3).bytes()},
      {"removeWatches", 18, Record().Text("/a").Int(5).bytes()},
      container,
      ttl,
      {"multiRead", 22, MultiRecord({get, list, get})},
      {"auth", 100, Record().Int(0).Text("digest").Text("bob:secret").bytes()},
      {"setWatches", 101, three_lists},
      {"sasl", 102, Record().Text("token").bytes()},
      {"getEphemerals", 103, path},
      {"getAllChildrenNumber", 104, path},
      {"setWatches2", 105, three_lists + strings({"/p"}) + strings({"/r"})},
      {"addWatch", 106, Record().Text("/a").Int(1).bytes()},
      {"whoAmI", 107, ""},
      {"closeSession", -11, ""},
  };
}

}  // namespace synod::testing
