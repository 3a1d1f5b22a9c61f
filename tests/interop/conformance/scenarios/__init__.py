"""The scenarios, by the sections of the protocol sheet. Importing a module registers its scenarios, in this order."""
# pylint: disable=unused-import
from scenarios import untouched, connecting, headers, creating, changing, reading, access, transactions  # noqa: F401
from scenarios import watches, rearming, removing, sessions, quotas, aging, special, malformed, words, admin, alone, quorum  # noqa: F401
