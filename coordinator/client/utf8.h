// UTF-8, which paths must be: protocol buffers carry nothing else in a string field.
#pragma once

#include <cstddef>
#include <string_view>

namespace synod::client {

// Bytes of the UTF-8 character at the start of `text`; 0 if there is none.
size_t Utf8Length(std::string_view text);
bool IsUtf8(std::string_view text);

}  // namespace synod::client
