"""``python -m nbrtc`` is the command ``nbrtc``."""

from .cli import main

main()
