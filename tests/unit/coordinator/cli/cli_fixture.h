// Runs `synod` in this process against a fake ensemble of three.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/cli.h"
#include "tests/support/fake_coordination.h"

namespace synod::cli {

class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    for (uint32_t id = 1; id <= 3; ++id) servers_.push_back(std::make_unique<testing::FakeServer>(state_, id));
  }
  std::string List() const {
    return absl::StrCat(servers_[0]->address(), ",", servers_[1]->address(), ",", servers_[2]->address());
  }
  // Runs one command line; what it printed is in out_ and err_.
  int Synod(std::vector<std::string> arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    const int code = RunCommandLine(std::move(arguments), List(), false, {in, out, err});
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  // The same, as if a person sat at a terminal.
  int SynodOnTerminal(std::vector<std::string> arguments, const std::string& input) {
    std::istringstream in(input);
    std::ostringstream out, err;
    const int code = RunCommandLine(std::move(arguments), List(), true, {in, out, err, true, true});
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  std::shared_ptr<testing::FakeState> state_ = std::make_shared<testing::FakeState>();
  std::vector<std::unique_ptr<testing::FakeServer>> servers_;
  std::string out_, err_;
};

}  // namespace synod::cli
