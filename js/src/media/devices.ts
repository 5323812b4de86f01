/** Camera and microphone: opening them, as far as they are there, and listing what could be chosen. */
import type { Devices, Preferences } from "../contract";
import type { Quality } from "../messages";
import { type DeviceKind, type DeviceProblem, describeDeviceError, whyNoDevices } from "./errors";

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
  const nowhere = whyNoDevices();
  if (nowhere !== null) return { camera: null, microphone: null, problems: [nowhere] };
  if (!wanted.camera && !wanted.microphone) return { camera: null, microphone: null, problems: [] };
  const constraints = {
    ...(wanted.camera ? { video: videoConstraints(preferences, quality) } : {}),
    ...(wanted.microphone ? { audio: audioConstraints(preferences) } : {}),
  };
  try {
    // together, so that the person is asked once
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    return {
      camera: stream.getVideoTracks()[0] ?? null,
      microphone: stream.getAudioTracks()[0] ?? null,
      problems: [],
    };
  } catch (error) {
    if (!(wanted.camera && wanted.microphone)) {
      const kind: DeviceKind = wanted.camera ? "camera" : "microphone";
      return { camera: null, microphone: null, problems: [describeDeviceError(error, kind)] };
    }
  }
  // together they failed: a missing camera must not take the microphone away
  const camera = await openDevices({ camera: true, microphone: false }, preferences, quality);
  const microphone = await openDevices({ camera: false, microphone: true }, preferences, quality);
  return {
    camera: camera.camera,
    microphone: microphone.microphone,
    problems: [...camera.problems, ...microphone.problems],
  };
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
