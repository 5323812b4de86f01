/** Camera and microphone: opening them, as far as they are there, and listing what could be chosen. */
import type { Devices, Preferences } from "../contract";
import type { Quality } from "../messages";
import { type DeviceProblem, describeDeviceError, whyNoDevices } from "./errors";

export interface Opened {
  readonly camera: MediaStreamTrack | null;
  readonly microphone: MediaStreamTrack | null;
  readonly problems: readonly DeviceProblem[];
}

export function videoConstraints(preferences: Preferences, quality: Quality): MediaTrackConstraints {
  return {
    ...(preferences.cameraId ? { deviceId: { ideal: preferences.cameraId } } : {}),
    width: { ideal: quality.width },
    height: { ideal: quality.height },
    frameRate: { ideal: quality.fps, max: quality.fps },
  };
}

export function audioConstraints(preferences: Preferences): MediaTrackConstraints {
  return {
    ...(preferences.microphoneId ? { deviceId: { ideal: preferences.microphoneId } } : {}),
    echoCancellation: preferences.echoCancellation,
    noiseSuppression: preferences.noiseSuppression,
    autoGainControl: preferences.autoGainControl,
  };
}

/** Open what is wanted; what is missing becomes a problem in words, and the rest is opened all the same. */
export async function openDevices(
  wanted: { readonly camera: boolean; readonly microphone: boolean },
  preferences: Preferences,
  quality: Quality,
): Promise<Opened> {
  if (!wanted.camera && !wanted.microphone) return { camera: null, microphone: null, problems: [] };
  const nowhere = whyNoDevices();
  if (nowhere !== null) return { camera: null, microphone: null, problems: [nowhere] };
  const video = wanted.camera ? { video: videoConstraints(preferences, quality) } : null;
  const audio = wanted.microphone ? { audio: audioConstraints(preferences) } : null;
  // together, so that the person is asked once
  const together = await attempt({ ...video, ...audio });
  if (together.stream !== null) return openedOf(together, together, []);
  if (audio === null) return openedOf(together, null, [describeDeviceError(together.error, "camera")]);
  if (video === null) return openedOf(null, together, [describeDeviceError(together.error, "microphone")]);
  // a missing camera must not take the microphone away, nor the other way round
  const [camera, microphone] = [await attempt(video), await attempt(audio)];
  return openedOf(camera, microphone, problemsOf(camera.error, microphone.error));
}

interface Attempt {
  readonly stream: MediaStream | null;
  readonly error: unknown;
}

const attempt = (constraints: MediaStreamConstraints): Promise<Attempt> =>
  navigator.mediaDevices.getUserMedia(constraints).then(
    (stream) => ({ stream, error: null }),
    (error: unknown) => ({ stream: null, error }),
  );

const openedOf = (
  camera: Attempt | null,
  microphone: Attempt | null,
  problems: readonly DeviceProblem[],
): Opened => ({
  camera: camera?.stream?.getVideoTracks()[0] ?? null,
  microphone: microphone?.stream?.getAudioTracks()[0] ?? null,
  problems,
});

/** One sentence where camera and microphone fail for the same reason. */
function problemsOf(camera: unknown, microphone: unknown): readonly DeviceProblem[] {
  const problems = [
    ...(camera === null ? [] : [describeDeviceError(camera, "camera")]),
    ...(microphone === null ? [] : [describeDeviceError(microphone, "microphone")]),
  ];
  const [first, second] = problems;
  return second !== undefined && first?.code === second.code
    ? [describeDeviceError(camera, "both")]
    : problems;
}

/** What is plugged in; labels exist only once the person has allowed a device. */
export async function listDevices(): Promise<Devices> {
  const found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const ofKind = (kind: MediaDeviceKind, name: string) =>
    found
      .filter((device) => device.kind === kind && device.deviceId !== "")
      .map((device, index) => ({ id: device.deviceId, label: device.label || `${name} ${index + 1}` }));
  return { cameras: ofKind("videoinput", "Camera"), microphones: ofKind("audioinput", "Microphone") };
}
