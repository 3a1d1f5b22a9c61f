// `synod-coordinator --verify DIR`: is a data directory whole? Offline; changes nothing in it.
#pragma once

#include <string>

namespace synod::server {

struct VerifyResult {
  bool ok = false;
  std::string text;  // a line per finding, for people
};

// Hard state and log (storage/verify.h), and the snapshot: every record is read, decoded, and the digest computed anew
// and compared (D8, D13). The snapshot is opened in a copy of hard links beside it, snapshot.verify, which is removed
// again. Not ok as well if a server runs on it, or it is no data directory. `data_log_dir` empty: as `data_dir`.
VerifyResult VerifyData(const std::string& data_dir, const std::string& data_log_dir);

}  // namespace synod::server
