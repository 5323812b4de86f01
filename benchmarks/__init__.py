"""Benchmarks in a real JupyterLab and Chromium: ``python -m benchmarks`` from the repository's root."""
