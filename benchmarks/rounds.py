"""The rounds: contenders take turns, and a turn on a busy machine is repeated."""

from dataclasses import dataclass

import psutil
from playwright.sync_api import Error as BrowserError

from benchmarks.chromium import Chromium
from benchmarks.contenders import BareEcho, Contender, Floor, RecordingEcho
from benchmarks.jupyterlab import JupyterLab
from benchmarks.ours import Ours, OursWithCallback
from benchmarks.results import Results, Round
from benchmarks.session import Session, measure

CONTENDERS: tuple[type[Contender], ...] = (Floor, BareEcho, Ours, OursWithCallback, RecordingEcho)


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    contenders: tuple[type[Contender], ...]
    rounds: int
    """That count; as many again may be void."""
    seconds: float
    """Of every phase."""
    floor_limit_ms: float
    """p50 of the floor in a round that counts: a slower one ran beside something else."""


def play(plan: Plan, results: Results, lab: JupyterLab, browser: Chromium) -> None:
    """Fill `results`. A contender that fails is said, and the others go on."""
    for number in range(1, 2 * plan.rounds + 1):
        if len(results.rounds) == plan.rounds:
            return
        one = Round(load_average=psutil.getloadavg()[0])
        for contender in plan.contenders:
            print(f"round {number}: {contender.name}", flush=True)
            try:
                session = measure(contender(), lab, browser, f"{contender.__name__}-{number}", plan.seconds)
            except (BrowserError, RuntimeError, TimeoutError) as error:
                results.failures.append(f"round {number}, {contender.name}: {error}")
                print(f"failed: {results.failures[-1]}", flush=True)
                continue
            one.sessions.append(session)
            if contender is Floor and (floor_ms := _p50_ms(session)) > plan.floor_limit_ms:
                print(f"round {number} is void: the floor's p50 is {floor_ms:.0f} ms", flush=True)
                results.void_rounds += 1
                break
        else:
            results.rounds.append(one)
    if len(results.rounds) < plan.rounds:
        print(f"only {len(results.rounds)} of {plan.rounds} rounds count: the machine is busy otherwise")


def _p50_ms(session: Session) -> float:
    (phase,) = session.phases.values()
    return phase.latency.decoded_p50_ms
