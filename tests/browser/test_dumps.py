"""Dumps as Chromium's own page saves them, loaded and compared with what Chromium derived."""

import gzip
from pathlib import Path

from nbrtc.stats.dumps import load_dump
from tests.browser.conftest import NewPage
from tests.browser.internals import Internals
from tests.unit.chrome_oracle import by_object, by_stream, compare, said_in_internals, said_in_rtcstats

POLLS = 7


def test_a_call_is_saved_in_both_formats_and_loads(new_page: NewPage, tmp_path: Path) -> None:
    context = new_page("any-size").context
    internals = Internals(context, tmp_path)
    internals.begin()
    internals.until_polled(3)
    internals.restart_ice()
    internals.until_polled(POLLS)

    plain = internals.save("webrtc-internals", compressed=False)
    packed = internals.save("webrtc-internals")
    lines = internals.save("rtcstats")

    for name, data, said in (
        ("plain.txt", plain, said_in_internals(plain)),
        ("packed.gz", packed, said_in_internals(gzip.decompress(packed))),
        ("lines.gz", lines, said_in_rtcstats(gzip.decompress(lines))),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        stats = load_dump(path)

        polls = {peer: len(stats.source.samples(peer)) for peer in stats.source.participants()}
        assert len(polls) == 2
        assert min(polls.values()) >= POLLS
        streams = compare(said, by_stream(stats.raw()))
        objects = compare(said, by_object(stats.raw(), {point[3] for point in said}))
        assert not streams.differ, name
        assert not objects.differ, name
        # Two connections, each sends and receives sound and picture.
        assert streams.agree["[bytesSent_in_bits/s]"] >= 4 * (POLLS - 1), name
        assert streams.agree["[bytesReceived_in_bits/s]"] >= 4 * (POLLS - 1), name
        names = [event.name for event in stats.source.events()]
        assert names.count("createOffer") == 2, name
        assert names.count("getUserMediaOnFailure") == 1, name
        assert stats.to_frame("video").bitrate_bps.max() > 10_000, name
