// Java's properties files, which zoo.cfg is one of (java.util.Properties.load).
//
// A line ends with \n, \r or \r\n. Blank lines, and lines whose first character that is no blank is # or !, are
// skipped. A line that ends with an odd number of backslashes goes on in the next one, whose leading blanks do not
// count. The key ends at the first = or : or blank that is not escaped; one = or :, and blanks around it, part it from
// the value. In both, \t \n \r \f are control characters, \uXXXX a UTF-16 unit, and any other escaped character stands
// for itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace synod::server {

struct Property {
  int line = 0;  // where it begins, from 1
  std::string key;
  std::string value;  // like the key without blanks at the ends, as ZooKeeper trims them
};

// In the order of the text, keys that stand several times included. InvalidArgument with the line: \u without four
// hexadecimal digits.
absl::StatusOr<std::vector<Property>> ParseProperties(std::string_view text);

// InvalidArgument "line N: KEY=VALUE: why".
absl::Status Wrong(const Property& property, absl::string_view why);

}  // namespace synod::server
