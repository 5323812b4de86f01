"""One picture and one sound made of a recording's separate files, in a process of its own.

``python -m nbrtc.recordings.film <manifest.json> --layout pip --to lesson.mp4`` writes lines of JSON
(`progress.Progress`) to its standard output, and ends, removing what is unfinished, when its standard input
does. Everything here streams: memory does not grow with the length.
"""
