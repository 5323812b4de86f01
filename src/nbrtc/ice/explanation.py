"""Why connections are made as they are, to be read in a notebook."""

from html import escape
from typing import TYPE_CHECKING

from ..messages import IceDecision

if TYPE_CHECKING:
    import pandas as pd


class Explanation:
    """A decision with its reasons, shown as text or as a table. It has no credentials.

    Attributes
    ----------
    decision
        The `nbrtc.messages.IceDecision`.
    """

    def __init__(self, decision: IceDecision) -> None:
        self.decision = decision

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each choice."""
        return self.decision.reasons

    def to_frame(self) -> "pd.DataFrame":
        """The servers, those that are used first.

        Returns
        -------
        pandas.DataFrame
            Index ``url``; columns ``used`` (bool), ``place`` (1 for the best; NaN if it is left out) and
            ``reason`` (the sentence, empty if there is none).
        """
        import pandas as pd

        urls = [*self.decision.urls, *self.decision.left_out]
        used = len(self.decision.urls)
        return pd.DataFrame(
            {
                "used": [number < used for number in range(len(urls))],
                "place": [
                    float(number + 1) if number < used else float("nan") for number in range(len(urls))
                ],
                "reason": [self._why(url) for url in urls],
            },
            index=pd.Index(urls, name="url", dtype=object),
        )

    def _why(self, url: str) -> str:
        return next((reason for reason in self.reasons if reason.startswith(f"{url} ")), "")

    @property
    def _settings(self) -> list[tuple[str, str]]:
        decision = self.decision
        options = decision.options
        asked = [
            name
            for name in ("privacy", "low_latency", "max_reliability", "force_turn")
            if getattr(options, name)
        ]
        limit = decision.max_bitrate_bps
        return [
            ("asked for", ", ".join(asked) or "nothing special"),
            ("iceTransportPolicy", decision.ice_transport_policy),
            ("bundlePolicy", decision.bundle_policy),
            ("iceCandidatePoolSize", str(decision.ice_candidate_pool_size)),
            ("limit per peer", "none" if limit is None else f"{limit / 1000:g} kbit/s"),
            ("servers", ", ".join(decision.urls) or "none"),
            ("left out", ", ".join(decision.left_out) or "none"),
        ]

    def __repr__(self) -> str:
        lines = [f"  {name}: {value}" for name, value in self._settings]
        lines += [f"  - {reason}" for reason in self.reasons]
        return "\n".join(["<IcePolicy decision", *lines]) + ">"

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
            f'<td style="text-align:left">{escape(value)}</td></tr>'
            for name, value in self._settings
        )
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in self.reasons)
        return f"<table><tbody>{rows}</tbody></table><ul>{reasons}</ul>"
