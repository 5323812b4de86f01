"""The results as text."""

import statistics
from collections.abc import Iterator

from benchmarks.clip import HEIGHT, WIDTH
from benchmarks.contenders import BITRATE_BPS
from benchmarks.results import Key, Results, machine
from benchmarks.session import Phase, Stream
from benchmarks.targets import BARE, FLOOR, OURS, targets

BITRATE_TOLERANCE = 0.15
"""Around the target; what lies outside is said below the table."""

COLUMNS = (
    f"{'':<44}{'decoded ms':>16}{'shown ms':>14}{'new':>6}{'hold':>7}"
    f"{'up':>15}{'down':>15}{'engine':>8}{'kernel':>8}{'browser':>8}{'machine':>8}\n"
    f"{'contender, phase':<44}{'p50':>8}{'p95':>8}{'p50':>7}{'p95':>7}{'fps':>6}{'ms':>7}"
    f"{'kbit/s':>15}{'kbit/s':>15}{'cores':>8}{'cores':>8}{'cores':>8}{'cores':>8}"
)

PEERS = (
    "age of the content behind callbacks, of others, measured separately at 30 fps without a network: "
    "streamlit-webrtc 0.79: 67 ms with 10 ms, 100 ms with 50 ms, 333 ms with 200 ms (in sync mode 3.9 s "
    "and rising); fastrtc 0.0.34: 5.06 s after 6 s with 200 ms"
)


def report(results: Results) -> Iterator[str]:
    """Lines for standard output."""
    yield machine()
    loads = ", ".join(f"{one.load_average:.2f}" for one in results.rounds)
    yield (
        f"{len(results.rounds)} rounds of {results.seconds:g} s a phase, {results.void_rounds} void; "
        f"load average at the start of each: {loads}; target of every encoder {BITRATE_BPS // 1000} kbit/s"
    )
    yield from (f"failed: {failure}" for failure in results.failures)
    yield ""
    yield COLUMNS
    for key in results.keys:
        yield _row(results, key)
    yield from _unequal(results)
    yield ""
    yield f"{'first returned picture, ms':<44}{'after the click':>18}{'after getUserMedia':>20}"
    for contender in dict.fromkeys(contender for contender, _ in results.keys):
        click_ms = results.median_start(contender, lambda session: session.click_to_picture_ms)
        camera_ms = results.median_start(contender, lambda session: session.camera_to_picture_ms)
        yield f"{contender:<44}{click_ms:18.0f}{camera_ms:20.0f}"
    yield ""
    yield from _distances(results)
    yield PEERS
    yield ""
    yield from map(str, targets(results))


def _row(results: Results, key: Key) -> str:
    def cores(name: str) -> float:
        return results.median(key, lambda phase: phase.cores.get(name, 0.0))

    columns = (
        f"{results.median(key, lambda phase: phase.latency.decoded_p50_ms):8.1f}",
        f"{results.median(key, lambda phase: phase.latency.decoded_p95_ms):8.1f}",
        f"{results.median(key, lambda phase: phase.latency.shown_p50_ms):7.1f}",
        f"{results.median(key, lambda phase: phase.latency.shown_p95_ms):7.1f}",
        f"{results.median(key, lambda phase: phase.latency.fps):6.1f}",
        f"{results.median(key, lambda phase: phase.latency.longest_hold_ms):7.0f}",
        f"{_size(results.phases(key)[-1], 'sent'):>9}",
        f"{results.median(key, lambda phase: phase.sent.bitrate_bps) / 1000:6.0f}",
        f"{_size(results.phases(key)[-1], 'received'):>9}",
        f"{results.median(key, lambda phase: phase.received.bitrate_bps) / 1000:6.0f}",
        *(f"{cores(name):8.3f}" for name in ("engine", "kernel", "browser", "machine")),
    )
    return f"{', '.join(key):<44}{''.join(columns)}"


def _unequal(results: Results) -> Iterator[str]:
    """A line for each phase that did not have the size and the bitrate of the others."""
    for key in results.keys:
        for direction in ("sent", "received"):
            rates_bps = [_stream(phase, direction).bitrate_bps for phase in results.phases(key)]
            rate_bps = statistics.median(rates_bps)
            size = _size(results.phases(key)[-1], direction)
            if size != f"{WIDTH}x{HEIGHT}" or abs(rate_bps / BITRATE_BPS - 1) > BITRATE_TOLERANCE:
                yield f"not equal: {', '.join(key)} {direction} {size} at {rate_bps / 1000:.0f} kbit/s"


def _size(phase: Phase, direction: str) -> str:
    stream = _stream(phase, direction)
    return f"{stream.width}x{stream.height}"


def _stream(phase: Phase, direction: str) -> Stream:
    return phase.sent if direction == "sent" else phase.received


def _distances(results: Results) -> Iterator[str]:
    """How far each is from what the browser alone needs."""
    floor_ms = results.median(FLOOR, lambda phase: phase.latency.decoded_p50_ms)
    for key in (BARE, OURS):
        p50_ms = results.median(key, lambda phase: phase.latency.decoded_p50_ms)
        yield f"{key[0]}: {p50_ms - floor_ms:.1f} ms above the floor of {floor_ms:.1f} ms"
