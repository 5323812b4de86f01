/**
 * The contenders that need no widget: the browser's floor and a page for the bare echo server. Both show the camera
 * and what returns in the same two elements, and start on a click like a call does.
 */
(() => {
  const MEDIA = {
    audio: true,
    video: { width: 640, height: 480, frameRate: 30 },
  };

  /** Two peer connections in one page, looped back. */
  async function floor(stream, returned) {
    const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
    near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
    far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate);
    far.ontrack = ({ streams }) => (returned.srcObject = streams[0]);
    addTracks(near, stream);
    await near.setLocalDescription();
    await far.setRemoteDescription(near.localDescription);
    await far.setLocalDescription();
    await near.setRemoteDescription(far.localDescription);
  }

  /** As in aiortc's own server example: one offer with all candidates, one answer. */
  async function echo(stream, returned, { url, bitrate_bps }) {
    const connection = new RTCPeerConnection();
    connection.ontrack = ({ streams }) => (returned.srcObject = streams[0]);
    addTracks(connection, stream);
    await connection.setLocalDescription();
    if (connection.iceGatheringState !== "complete") {
      await new Promise((resolve) => {
        connection.onicegatheringstatechange = () => connection.iceGatheringState === "complete" && resolve();
      });
    }
    const reply = await fetch(`${url}/offer`, { method: "POST", body: connection.localDescription.sdp });
    await connection.setRemoteDescription({
      type: "answer",
      sdp: atBitrate(await reply.text(), bitrate_bps),
    });
  }

  /** Hold the encoder at its target, whatever aiortc's bandwidth estimate says: contenders are compared at one rate. */
  function atBitrate(sdp, bitrate_bps) {
    const kbps = bitrate_bps / 1000;
    const rates = `x-google-start-bitrate=${kbps};x-google-min-bitrate=${kbps}`;
    return sdp.replace(/^a=rtpmap:(\d+) VP8\/90000\r\n/gm, `$&a=fmtp:$1 ${rates}\r\n`);
  }

  function addTracks(connection, stream) {
    for (const track of stream.getTracks()) connection.addTrack(track, stream);
    const video = connection.getTransceivers().find(({ sender }) => sender.track.kind === "video");
    const { codecs } = RTCRtpReceiver.getCapabilities("video");
    const isVp8 = ({ mimeType }) => mimeType === "video/VP8";
    video.setCodecPreferences([...codecs.filter(isVp8), ...codecs.filter((codec) => !isVp8(codec))]);
  }

  function element(kind, name, stage) {
    const made = document.createElement(kind);
    made.dataset.bench = name;
    stage.append(made);
    return made;
  }

  window.nbrtcLoops = (name, options) => {
    const stage = document.createElement("div");
    stage.style.cssText = "position: fixed; inset: 100px auto auto 100px; z-index: 9999; background: black";
    document.body.append(stage);
    const start = element("button", "start", stage);
    start.textContent = "Start camera";
    const [own, returned] = [element("video", "own", stage), element("video", "returned", stage)];
    for (const video of [own, returned]) {
      video.autoplay = video.muted = video.playsInline = true;
      video.width = 480;
    }
    start.onclick = async () => {
      const stream = await navigator.mediaDevices.getUserMedia(MEDIA);
      own.srcObject = stream;
      await { floor, echo }[name](stream, returned, options);
    };
  };
})();
