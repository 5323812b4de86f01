"""What encodes in these tests leaves the scheduling of the machine as it is."""

import os
import sys

import pytest

from tests.unit import recorded_media, staged_recordings, test_gallery


@pytest.mark.skipif(sys.platform != "linux", reason="no real-time threads without being asked")
def test_nothing_that_is_started_after_a_picture_in_av1_is_a_real_time_thread() -> None:
    recorded_media.pictures((20, 200), codec="libsvtav1")
    test_gallery.encoded("AV1", [1])
    staged_recordings._encode("AV1", (64, 64), "grey", 0, (False,), (True,), False)

    assert os.sched_getscheduler(0) == os.SCHED_OTHER
