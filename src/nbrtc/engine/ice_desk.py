"""A call's ICE in the engine: which servers its connections are made with, and why. On the engine's loop."""

from collections.abc import Callable

from ..messages import IceConfiguration, IceDecision, IceOptions, IceServerEntry, IceServerSource


class IceDesk:
    """Servers of the user and of the room, and what is made of them.

    Parameters
    ----------
    sources, options
        What the user configured.
    on_change
        Told after the decision or the configuration changed.
    """

    def __init__(
        self,
        sources: tuple[IceServerSource, ...],
        options: IceOptions,
        *,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._sources = sources
        self._options = options
        self._on_change = on_change

    @property
    def decision(self) -> IceDecision:
        """What was decided, for `CallState`."""
        urls = tuple(url for source in self._sources for url in source.urls)
        return IceDecision(options=self._options, urls=urls)

    @property
    def configuration(self) -> IceConfiguration:
        """For the page's next connection, with credentials."""
        return IceConfiguration(ice_servers=self.servers)

    @property
    def servers(self) -> tuple[IceServerEntry, ...]:
        """For the engine's own next connection."""
        return tuple(
            IceServerEntry(urls=source.urls, username=source.username, credential=source.credential)
            for source in self._sources
        )
