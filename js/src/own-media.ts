/** The person's own camera, microphone and screen, and where they go. What is done for privacy acts here at once. */
import type { ReadonlySignal } from "@preact/signals";
import type { Assets } from "./assets";
import { CameraEffects } from "./effects/camera-effects";
import { Capture } from "./media/capture";
import { Screen } from "./media/screen";
import type { Mesh } from "./mesh";
import type { Effect, MediaStatus, Quality, SwitchMedia } from "./messages";
import { OutgoingMedia, type Scene } from "./outgoing";
import type { DeviceTracks } from "./stats/device-events";

export interface Trouble {
  readonly key: string;
  readonly code: string;
  readonly text: string;
}

export interface OwnMediaOptions {
  readonly quality: ReadonlySignal<Quality>;
  readonly mesh: Mesh;
  readonly scene: () => Scene;
  readonly assets: Assets;
  /** The person chose an effect. */
  readonly onEffect: (effect: Effect) => Promise<void>;
  /** After every change of a track. */
  readonly onChange: () => void;
  /** A device or the browser refused; the call goes on with what there is. */
  readonly onTrouble: (trouble: Trouble) => void;
}

export class OwnMedia {
  readonly effects: CameraEffects;
  readonly capture: Capture;
  readonly screen: Screen;
  readonly outgoing: OutgoingMedia;

  constructor({ quality, mesh, scene, assets, onEffect, onChange, onTrouble }: OwnMediaOptions) {
    const changed = () => {
      this.outgoing.refresh();
      onChange();
    };
    this.effects = new CameraEffects({
      assets,
      onChange: () => this.capture.refresh(),
      onTrouble: (text) => onTrouble({ key: "effect", code: "effect", text }),
      onChosen: onEffect,
    });
    this.capture = new Capture(
      quality,
      changed,
      ({ kind, code, text }) => onTrouble({ key: `device:${kind}`, code, text }),
      (camera) => this.effects.lead(camera),
    );
    this.screen = new Screen(changed, ({ code, text }) => onTrouble({ key: "screen", code, text }));
    this.outgoing = new OutgoingMedia({
      capture: this.capture,
      screen: this.screen,
      mesh,
      scene,
      onProblem: (text) => onTrouble({ key: "tracks", code: "tracks", text }),
    });
  }

  /** What is open. */
  get tracks(): DeviceTracks {
    return {
      camera: this.capture.camera,
      microphone: this.capture.microphone,
      screen: this.screen.video,
    };
  }

  get status(): MediaStatus {
    return {
      type: "media",
      microphoneOn: this.capture.microphoneOn.value,
      cameraOn: this.capture.cameraOn.value,
      camera: this.capture.size,
      screenSharing: this.screen.isOn.value,
    };
  }

  /** Python may switch off at once, and switch on again only what it has switched off itself. */
  switch(wish: SwitchMedia): void {
    if (wish.cameraOn === false) void this.capture.setCamera(false);
    if (wish.microphoneOn === false) void this.capture.setMicrophone(false, "python");
    if (wish.microphoneOn === true && this.capture.mayPythonUnmute) {
      void this.capture.setMicrophone(true, "python");
    }
    if (wish.screenOn === false) this.screen.stop();
  }

  /** Devices off, nothing sent; idempotent. */
  stop(): void {
    this.capture.close();
    this.effects.close();
    this.screen.stop();
    this.outgoing.stop();
  }
}
