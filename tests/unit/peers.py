"""Two peers of aiortc, connected over this machine."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver


class Peers:
    """An answerer whose seams are used, and the offerer at the other end."""

    def __init__(self) -> None:
        self.offerer, self.answerer = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
        self.ends = [
            peer.createDataChannel("control", negotiated=True, id=0) for peer in (self.offerer, self.answerer)
        ]
        for peer in (self.offerer, self.answerer):
            for kind, wanted in (("audio", "audio/opus"), ("video", "video/vp8")):
                transceiver = peer.addTransceiver(kind, direction="sendrecv")
                capabilities = RTCRtpReceiver.getCapabilities(kind)
                assert capabilities is not None
                names = (wanted, "video/rtx")
                transceiver.setCodecPreferences(
                    [c for c in capabilities.codecs if c.mimeType.lower() in names]
                )

    async def connect(self) -> None:
        opened = asyncio.Event()
        self.ends[1].on("open", opened.set)
        await self.offerer.setLocalDescription(await self.offerer.createOffer())
        await self.answerer.setRemoteDescription(self.offerer.localDescription)
        await self.answerer.setLocalDescription(await self.answerer.createAnswer())
        await self.offerer.setRemoteDescription(self.answerer.localDescription)
        async with asyncio.timeout(20):
            await opened.wait()

    def receiver(self, kind: str = "video") -> Any:
        return next(t.receiver for t in self.answerer.getTransceivers() if t.kind == kind)

    def sender(self, kind: str = "video") -> Any:
        return next(t.sender for t in self.answerer.getTransceivers() if t.kind == kind)

    async def heard_by_offerer(self, say: Callable[[], Awaitable[None]], kind: type[Any], fmt: int) -> Any:
        """The RTCP packet of this kind that arrives at the offerer's video sender."""
        sender: Any = next(t.sender for t in self.offerer.getTransceivers() if t.kind == "video")
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        original = sender._handle_rtcp_packet

        async def handle(packet: Any) -> None:
            if isinstance(packet, kind) and packet.fmt == fmt:
                arrived.put_nowait(packet)
            await original(packet)

        sender._handle_rtcp_packet = handle
        await say()
        return await asyncio.wait_for(arrived.get(), 20)

    @property
    def offered_ssrc(self) -> int:
        sender: Any = next(t.sender for t in self.offerer.getTransceivers() if t.kind == "video")
        ssrc: int = sender._ssrc
        return ssrc
