/**
 * The probe in the page, the same for every contender: it wraps getUserMedia and RTCPeerConnection before any other
 * script runs, reads clones of the camera's and the returned track in a worker, and keeps the connections for
 * getStats. `READER` (source of the worker) and `LAYOUT` are put in front of this file by `chromium.py`.
 */
(() => {
  if (!navigator.mediaDevices || window !== window.top) return;
  const now_ms = () => performance.timeOrigin + performance.now();
  const worker = new Worker(URL.createObjectURL(new Blob([READER], { type: "text/javascript" })));
  worker.postMessage({ layout: LAYOUT });
  const errors = [];
  worker.onerror = (event) => errors.push(event.message);

  const replies = new Map();
  worker.onmessage = ({ data }) => {
    replies.get(data.id)(data);
    replies.delete(data.id);
  };

  function readClone(track, side) {
    const processor = new MediaStreamTrackProcessor({ track: track.clone(), maxBufferSize: 10 });
    worker.postMessage({ readable: processor.readable, side }, [processor.readable]);
  }

  const marks = { clicked_ms: null, granted_ms: null };
  addEventListener("click", () => (marks.clicked_ms = now_ms()), { capture: true });

  const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await getUserMedia(constraints);
    marks.granted_ms = now_ms();
    for (const track of stream.getVideoTracks()) readClone(track, "captured");
    return stream;
  };

  const connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) {
      super(...args);
      connections.push(this);
      this.addEventListener("track", ({ track }) => track.kind === "video" && readClone(track, "returned"));
    }
  };

  const videoSenders = () =>
    connections
      .filter((connection) => connection.connectionState === "connected")
      .flatMap((connection) => connection.getSenders())
      .filter((sender) => sender.track?.kind === "video");

  let shown = [];

  window.nbrtcProbe = {
    marks,
    errors,
    connections,

    /** All that was seen since the last call; times are Unix time in ms. */
    async take() {
      const id = crypto.randomUUID();
      const batch = new Promise((resolve) => replies.set(id, resolve));
      worker.postMessage({ take: id });
      const { captured, returned, unreadable } = await batch;
      const times = shown;
      shown = [];
      return { captured, returned, unreadable, shown: times, errors, marks };
    },

    /** Note when each frame of this element reaches the display; the RTP timestamp says which frame it is. */
    watch(video) {
      const note = (_, { rtpTimestamp, expectedDisplayTime }) => {
        shown.push([rtpTimestamp, performance.timeOrigin + expectedDisplayTime]);
        video.requestVideoFrameCallback(note);
      };
      video.requestVideoFrameCallback(note);
    },

    /** The same settings for every contender's encoder. */
    async setEncoder(maxBitrate) {
      for (const sender of videoSenders()) {
        const parameters = sender.getParameters();
        parameters.degradationPreference = "maintain-resolution";
        for (const encoding of parameters.encodings) encoding.maxBitrate = maxBitrate;
        await sender.setParameters(parameters);
      }
    },

    /** The video entries of getStats of every connection that lives. */
    async stats() {
      const found = [];
      for (const connection of connections) {
        if (connection.connectionState !== "connected") continue;
        const report = await connection.getStats();
        for (const entry of report.values()) {
          if (entry.kind !== "video" || !/^(in|out)bound-rtp$/.test(entry.type)) continue;
          found.push({ ...entry, codec: report.get(entry.codecId)?.mimeType });
        }
      }
      return found;
    },
  };
})();
