// What a door implements for each client connection. Called on the loop.
#pragma once

#include <string>
#include <string_view>

#include "coordinator/service/request.h"

namespace synod::service {

// The service calls these from inside the door's own calls of it (a read is often answered before Submit returns), from
// apply and from timers.
//
// Rules for the implementation: it does not call the service back from inside a callback (it may post to the loop
// instead); it keeps the order of OnConnected, OnReply, OnNotification and OnPong on the wire, since an event stands
// before any reply that shows its change (W2); it gathers what one turn of the loop brings into one write. The object
// must live until OnClose returned, or until Service::ConnectionClosed was called for it, whichever comes first.
class Connection {
 public:
  virtual ~Connection() = default;
  // The answer to Connect; before anything else but OnClose.
  virtual void OnConnected(const ConnectResult& result) = 0;
  // In the order of the requests.
  virtual void OnReply(Reply reply) = 0;
  virtual void OnNotification(const Notification& notification) = 0;
  // The answer to Ping; `zxid` as in a read's reply.
  virtual void OnPong(uint64_t ping, Zxid zxid) = 0;
  // Send what was given before, then close. The last call; the service has forgotten the connection already.
  virtual void OnClose(CloseReason reason, std::string_view message) = 0;
  // L11, S3: stop reading this client. What was read already may still be submitted. Pings and further requests of a
  // client that is not read are not missed: its session counts as heard while the connection stands.
  virtual void OnFlowPause() = 0;
  virtual void OnFlowResume() = 0;
};

}  // namespace synod::service
