/** Media without devices for pages of the tests: a camera of one colour, a tone, and what a picture shows. */

const shown = new Map<MediaStream, HTMLVideoElement>();

export function camera(colour: string): MediaStreamTrack {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser draws no canvas.");
  let frame = 0;
  setInterval(() => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 320, 240);
    context.fillStyle = "black"; // something moves, so that every frame is a new one
    context.fillRect(frame++ % 320, 0, 4, 4);
  }, 50);
  const [track] = canvas.captureStream(20).getVideoTracks();
  if (track === undefined) throw new Error("The canvas has no video.");
  return track;
}

export function tone(): MediaStreamTrack {
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency: 440 });
  const out = new MediaStreamAudioDestinationNode(context);
  oscillator.connect(out);
  oscillator.start();
  const [track] = out.stream.getAudioTracks();
  if (track === undefined) throw new Error("There is no sound.");
  return track;
}

/** The middle pixel of a stream's picture; null while there is none. */
export function pixel(stream: MediaStream | null): readonly number[] | null {
  if (stream === null) return null;
  const video = shown.get(stream) ?? document.createElement("video");
  if (!shown.has(stream)) {
    shown.set(stream, video);
    video.muted = true;
    video.srcObject = stream;
    void video.play();
  }
  if (video.videoWidth === 0) return null;
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  context?.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
  return [...(context?.getImageData(0, 0, 1, 1).data ?? [])].slice(0, 3);
}
