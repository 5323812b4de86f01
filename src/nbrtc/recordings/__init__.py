"""Recordings on disk: their files, manifests, what reads them, mends them, and makes films of them.

Shared by the engine, which writes recordings, and by the kernel, which reads them. Nothing here knows a
running call. PyAV is imported only by the modules that decode or copy media, and those are imported lazily
by everybody whom a kernel loads.
"""
