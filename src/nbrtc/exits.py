"""How a process ended, in words."""

import signal


def worded_exit(code: int) -> str:
    """As `subprocess.Popen.returncode` has it: below 0 the number of the signal that killed it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # real-time signals have numbers only
        name = f"signal {-code}"
    return f"was killed by {name}"
