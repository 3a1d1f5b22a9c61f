// The reads of DataTree.
#include <algorithm>

#include "coordinator/tree/data_tree.h"
#include "coordinator/base/check.h"
#include "coordinator/tree/data_tree_impl.h"
#include "coordinator/tree/path.h"

namespace synod::tree {

Handle DataTree::Impl::Behind(const access::Caller& caller, Handle top, std::string_view below_top) const {
  Handle node = top;
  while (!below_top.empty()) {
    if (!Allows(caller, node, access::kRead)) return store.NextInOrder(node, top, true);
    below_top.remove_prefix(1);  // the slash
    std::string_view name = below_top.substr(0, below_top.find('/'));
    below_top.remove_prefix(name.size());
    Handle child = FindChild(node, name);
    if (child == kNoHandle) {
      child = store.FirstChildNotBefore(node, name);
      return child != kNoHandle ? child : store.NextInOrder(node, top, true);
    }
    node = child;
  }
  return store.NextInOrder(node, top, !Allows(caller, node, access::kRead));
}

bool DataTree::Has(std::string_view path) const { return impl_->Find(path) != kNoHandle; }

Error DataTree::Check(const access::Caller& caller, std::string_view path, int32_t version, Stat* stat) const {
  Handle handle;
  if (Error error = impl_->LookupAllowed(caller, path, access::kRead, &handle); error != Error::kOk) return error;
  if (version != -1 && version != impl_->store.at(handle).version) return Error::kBadVersion;
  if (stat != nullptr) *stat = impl_->ShownStat(handle);
  return Error::kOk;
}

Error DataTree::Exists(const access::Caller& caller, std::string_view path, Stat* stat) const {
  return Check(caller, path, -1, stat);
}

Error DataTree::GetData(const access::Caller& caller, std::string_view path, std::optional<std::string_view>* data,
                        Stat* stat) const {
  Handle handle;
  if (Error error = impl_->LookupAllowed(caller, path, access::kRead, &handle); error != Error::kOk) return error;
  *data = impl_->ShownData(handle);
  if (stat != nullptr) *stat = impl_->ShownStat(handle);
  return Error::kOk;
}

Error DataTree::GetChildren(const access::Caller& caller, std::string_view path, std::vector<std::string>* names,
                            Stat* stat) const {
  Handle handle;
  if (Error error = impl_->LookupAllowed(caller, path, access::kRead, &handle); error != Error::kOk) return error;
  NodeStore& store = impl_->store;
  names->clear();
  names->reserve(store.child_count(handle));
  store.VisitSiblings(store.FirstChild(handle), [&](Handle child) {
    names->emplace_back(store.name(child));
    return true;
  });
  if (stat != nullptr) *stat = impl_->ShownStat(handle);
  return Error::kOk;
}

Error DataTree::ListPage(const access::Caller& caller, const PageArgs& args, std::vector<PageEntry>* entries,
                         bool* more, Stat* stat) const {
  Handle handle;
  if (Error error = impl_->LookupAllowed(caller, args.path, access::kRead, &handle); error != Error::kOk) return error;
  NodeStore& store = impl_->store;
  entries->clear();
  *more = false;
  if (stat != nullptr) *stat = impl_->ShownStat(handle);
  Handle child = store.FirstChildNotBefore(handle, std::max(args.after, args.prefix));
  if (child != kNoHandle && !args.after.empty() && store.name(child) == args.after) child = store.NextSibling(child);
  size_t bytes = 0;
  store.VisitSiblings(child, [&](Handle next) {
    std::string_view name = store.name(next);
    if (!name.starts_with(args.prefix)) return false;
    PageEntry entry;
    entry.name = name;
    if (args.with_stat || args.with_data) {
      entry.denied = !impl_->Allows(caller, next, access::kRead);
      if (args.with_stat && !entry.denied) entry.stat = impl_->ShownStat(next);
      if (args.with_data && !entry.denied) entry.data = impl_->ShownData(next);
    }
    bytes += name.size() + entry.data.value_or(std::string_view()).size();
    *more = entries->size() >= args.limit || (bytes > args.bytes_max && !entries->empty());
    if (!*more) entries->push_back(std::move(entry));
    return !*more;
  });
  return Error::kOk;
}

Error DataTree::CountDescendants(const access::Caller& caller, std::string_view path, uint64_t* count) const {
  Handle handle;
  if (Error error = impl_->LookupAllowed(caller, path, access::kRead, &handle); error != Error::kOk) return error;
  *count = impl_->store.descendants(handle);
  return Error::kOk;
}

Error DataTree::GetAcl(const access::Caller& caller, std::string_view path, AclId* acl, bool* admin, Stat* stat) const {
  Handle handle;
  Error error = impl_->LookupAllowed(caller, path, access::kRead | access::kAdmin, &handle);
  if (error != Error::kOk) return error;
  *acl = impl_->store.acl(handle);
  if (admin != nullptr) *admin = impl_->Allows(caller, handle, access::kAdmin);
  if (stat != nullptr) *stat = impl_->ShownStat(handle);
  return Error::kOk;
}

Lifetime DataTree::LifetimeOf(std::string_view path) const {
  Handle handle = impl_->Find(path);
  SYNOD_CHECK(handle != kNoHandle);
  const Znode& node = impl_->store.at(handle);
  return {node.kind == NodeKind::kContainer, node.kind == NodeKind::kTtl ? NodeStore::Fields(node).ttl_ms : 0};
}

std::vector<std::string> DataTree::EphemeralsPage(const access::Caller& caller, SessionId owner,
                                                  std::string_view prefix, std::string_view after, size_t limit,
                                                  size_t bytes_max, bool* more) const {
  std::vector<std::string> paths;
  if (more != nullptr) *more = false;
  size_t bytes = 0;
  impl_->ephemerals.VisitByPath(owner, std::max(prefix, after), [&](Handle handle) {
    // First, as it is cheap: of a session whose nodes are all hidden, all are looked at.
    if (!impl_->Allows(caller, impl_->store.at(handle).parent, access::kRead)) return true;
    std::string path = impl_->store.Path(handle);
    if (!after.empty() && path <= after) return true;
    if (!path.starts_with(prefix)) return false;
    if (paths.size() >= limit || bytes >= bytes_max) {
      if (more != nullptr) *more = true;
      return false;
    }
    bytes += path.size();
    paths.push_back(std::move(path));
    return more != nullptr || paths.size() < limit;
  });
  return paths;
}

Error DataTree::EphemeralsBelow(const access::Caller& caller, std::string_view path, std::string_view after,
                                size_t limit, size_t visit_max, std::vector<std::string>* paths,
                                std::string* next) const {
  paths->clear();
  next->clear();
  Handle top;
  if (Error error = impl_->LookupAllowed(caller, path, access::kRead, &top); error != Error::kOk) return error;
  NodeStore& store = impl_->store;
  Handle node = top;
  if (!after.empty()) {
    std::string_view above = path == "/" ? std::string_view() : path;
    if (!IsValidPath(after) || !after.starts_with(above)) return Error::kBadArguments;
    std::string_view rest = after == "/" ? std::string_view() : after.substr(above.size());
    if (!rest.empty() && rest[0] != '/') return Error::kBadArguments;
    node = impl_->Behind(caller, top, rest);
  }
  Handle last = kNoHandle;
  size_t bytes = 0;
  for (size_t visited = 0; node != kNoHandle; ++visited) {
    // One step at least, so that who goes on comes to an end.
    if (last != kNoHandle && (visited >= visit_max || paths->size() >= limit || bytes >= kEphemeralPageBytes)) {
      *next = store.Path(last);
      return Error::kOk;
    }
    const Znode& znode = store.at(node);
    bool ephemeral = znode.kind == NodeKind::kEphemeral;
    // What is below `top` is only come to through directories that the caller may list.
    if (ephemeral && (node != top || impl_->Allows(caller, znode.parent, access::kRead))) {
      paths->push_back(store.Path(node));
      bytes += paths->back().size();
    }
    last = node;
    node = store.NextInOrder(node, top, !impl_->Allows(caller, node, access::kRead));
  }
  return Error::kOk;
}

}  // namespace synod::tree
