"""Kernels for the tests: one that is shared by tests which leave it as it was, and fresh ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.kernel import Kernel, started_kernel


@pytest.fixture(scope="module")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel whose engine is up, so that no test of the module starts a process that outlives it."""
    with started_kernel(tmp_path_factory.mktemp("notebook")) as kernel:
        kernel.run("first = call = nbrtc.Call()")
        kernel.engine()
        yield kernel


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of the test's own, without a call."""
    with started_kernel(tmp_path) as started:
        yield started
