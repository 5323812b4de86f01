"""What goes wrong with a STUN or TURN server, as a code and a sentence. Never a credential."""

import socket
import ssl
import struct
from collections.abc import Sequence

from aioice.stun import TransactionError

from ..ice.standing import UNREACHABLE

ERRORS = (TransactionError, OSError, ValueError, KeyError, TypeError, EOFError, struct.error)
"""What aioice raises where a server is out of reach, refuses, or answers something that it stumbles over."""

WORDS = {
    400: "It finds the request malformed.",
    401: "It refuses the credential: username and credential do not belong together, or have expired.",
    403: "It forbids this.",
    437: "It does not know this allocation.",
    438: "It finds the request stale: are the clocks of both machines right?",
    441: "It finds that the credential belongs to another allocation.",
    442: "It does not relay UDP.",
    486: "It gives this user no further allocation: the quota is used up.",
    508: "It has no capacity left.",
}
"""RFC 8489, section 14.8; RFC 8656, section 19."""


def most_telling(errors: Sequence[BaseException]) -> BaseException:
    """Of what the addresses of one server said: an answer, else the first."""
    answers = (one for one in errors if isinstance(one, TransactionError) and one.response is not None)
    return next(answers, errors[0])


def explained(error: BaseException) -> tuple[int, str]:
    """STUN's code, or 701, and a sentence for a person."""
    if isinstance(error, TransactionError) and error.response is not None:
        code = error.response.error_code or 0
        return code, WORDS.get(code, f"It answers with error {code}.")
    if isinstance(error, TransactionError | TimeoutError):
        return UNREACHABLE, "It does not answer: check its address and port; a firewall may drop UDP."
    if isinstance(error, socket.gaierror | UnicodeError):  # a part of it is empty or too long
        return UNREACHABLE, "Its name is not known here: check how it is written."
    if isinstance(error, ssl.SSLCertVerificationError):
        return UNREACHABLE, f"Its certificate is not trusted here ({error.verify_message})."
    if isinstance(error, ssl.SSLError):
        return UNREACHABLE, "It does not speak TLS on this port."
    if isinstance(error, ConnectionRefusedError):
        return UNREACHABLE, "Nobody listens on this port."
    if isinstance(error, ConnectionError | EOFError):
        return UNREACHABLE, "It ended the connection, or answers with something else than STUN."
    if isinstance(error, OSError):
        return UNREACHABLE, f"It cannot be reached ({error.strerror or error or type(error).__name__})."
    return UNREACHABLE, f"It answers with something else than STUN ({type(error).__name__})."
