#include "coordinator/transport/dialer.h"

#include <asio/connect.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"

namespace synod::transport {
namespace {

using asio::ip::tcp;

struct Attempt {
  explicit Attempt(asio::io_context* context) : socket(*context), resolver(*context), timer(*context) {}
  tcp::socket socket;
  tcp::resolver resolver;
  asio::steady_timer timer;
  absl::AnyInvocable<void(absl::StatusOr<tcp::socket>)> done;
  bool ended = false;

  void End(absl::StatusOr<tcp::socket> result) {
    if (ended) return;
    ended = true;
    timer.cancel();
    done(std::move(result));
  }
};

absl::Status Failed(const asio::error_code& error) { return absl::UnavailableError(error.message()); }

template <typename Endpoints>
void Connect(const std::shared_ptr<Attempt>& attempt, const Endpoints& endpoints) {
  asio::async_connect(attempt->socket, endpoints, [attempt](const asio::error_code& error, const tcp::endpoint&) {
    if (attempt->ended) return;
    if (error) return attempt->End(Failed(error));
    attempt->End(std::move(attempt->socket));
  });
}

absl::StatusOr<tcp::endpoint> Numeric(const std::string& host, const std::string& port) {
  asio::error_code error;
  asio::ip::address address = asio::ip::make_address(host, error);
  if (error) return absl::NotFoundError("a name");
  uint32_t number = 0;
  if (!absl::SimpleAtoi(port, &number) || number > 65535)
    return absl::InvalidArgumentError(absl::StrCat("bad port ", port));
  return tcp::endpoint(address, static_cast<uint16_t>(number));
}

}  // namespace

absl::StatusOr<std::pair<std::string, std::string>> SplitAddress(const std::string& address) {
  size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() || colon + 1 >= address.size()) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' is not host:port"));
  }
  return std::pair(host, address.substr(colon + 1));
}

void Dial(asio::io_context* context, const std::string& address, absl::Duration timeout,
          absl::AnyInvocable<void(absl::StatusOr<tcp::socket>)> done) {
  auto attempt = std::make_shared<Attempt>(context);
  attempt->done = std::move(done);
  auto parts = SplitAddress(address);
  absl::StatusOr<tcp::endpoint> numeric = parts.ok() ? Numeric(parts->first, parts->second) : parts.status();
  if (!numeric.ok() && !absl::IsNotFound(numeric.status())) {
    asio::post(*context, [attempt, status = numeric.status()] { attempt->End(status); });
    return;
  }
  attempt->timer.expires_after(absl::ToChronoNanoseconds(timeout));
  attempt->timer.async_wait([attempt](const asio::error_code& error) {
    if (error || attempt->ended) return;
    asio::error_code ignored;
    attempt->resolver.cancel();
    attempt->socket.close(ignored);
    attempt->End(absl::DeadlineExceededError("no connection in time"));
  });
  if (numeric.ok()) return Connect(attempt, std::vector<tcp::endpoint>{*numeric});
  attempt->resolver.async_resolve(parts->first, parts->second,
                                  [attempt](const asio::error_code& error, const tcp::resolver::results_type& results) {
                                    if (attempt->ended) return;
                                    if (error) return attempt->End(Failed(error));
                                    Connect(attempt, results);
                                  });
}

absl::StatusOr<tcp::acceptor> Listen(asio::io_context* context, const std::string& address) {
  SYNOD_ASSIGN_OR_RETURN(auto parts, SplitAddress(address));
  absl::StatusOr<tcp::endpoint> endpoint = Numeric(parts.first, parts.second);
  asio::error_code error;
  if (absl::IsNotFound(endpoint.status())) {
    tcp::resolver resolver(*context);
    auto results = resolver.resolve(parts.first, parts.second, tcp::resolver::passive, error);
    if (error || results.empty())
      return absl::UnavailableError(absl::StrCat("cannot resolve ", address, ": ", error.message()));
    endpoint = results.begin()->endpoint();
  }
  SYNOD_RETURN_IF_ERROR(endpoint.status());
  tcp::acceptor acceptor(*context);
  acceptor.open(endpoint->protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(*endpoint, error);
  if (!error) acceptor.listen(64, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot listen at ", address, ": ", error.message()));
  return acceptor;
}

}  // namespace synod::transport
