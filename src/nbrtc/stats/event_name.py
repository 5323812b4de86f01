"""What an event is called, whoever wrote it down."""

STATES = ("connectionstatechange", "iceconnectionstatechange")
"""Events that tell how a connection stands, the telling one first."""

_ENDINGS = ("onsuccess", "onfailure")


def plain_name(name: str) -> str:
    """The name as webrtc-pc has it, in small letters, whichever of three ways it is written.

    Chrome's dumps and rtcstats name events after their handlers (``onicecandidate``), Chrome's methods have
    an ending (``setLocalDescriptionOnSuccess``), a live call has the event's own name.
    """
    small = name.lower()
    for ending in _ENDINGS:
        small = small.removesuffix(ending)
    return small.removeprefix("on")
