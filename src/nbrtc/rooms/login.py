"""How somebody is called who gave no name."""

import getpass
import os

NOBODY = "Guest"


def own_name() -> str:
    """How the person at this notebook is called in a room who gave no name: the login name.

    A hub's user counts more than the container's, which is the same for everybody. Nobody knows: Guest.
    """
    try:
        login = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (OSError, KeyError, ImportError):
        return NOBODY
    name = login.partition("@")[0].strip()
    return name[:1].upper() + name[1:64] if name.isprintable() and name else NOBODY
