"""The base of everything that the page sees or says."""

from msgspec import Struct


class Wire(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Base of everything that the page sees or says."""
