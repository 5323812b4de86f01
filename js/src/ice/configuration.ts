/** ``RTCConfiguration`` (webrtc-pc, section 4.2.1) of what the engine decided. */
import type { IceConfiguration, IceDecision } from "../messages";

/** Only addresses of this machine and direct paths: no server is asked. */
export const DIRECT: IceConfiguration = {
  iceServers: [],
  iceTransportPolicy: "all",
  bundlePolicy: "max-bundle",
  iceCandidatePoolSize: 0,
  maxBitrateBps: null,
  leftS: null,
};

/** What `CallState.ice` says where nobody has decided anything. */
export const UNDECIDED: IceDecision = {
  options: { privacy: false, lowLatency: false, maxReliability: false, limitBps: null, forceTurn: false },
  iceTransportPolicy: "all",
  bundlePolicy: "max-bundle",
  iceCandidatePoolSize: 0,
  maxBitrateBps: null,
  urls: [],
  leftOut: [],
  reasons: [],
};

export const turnUrls = ({ iceServers }: IceConfiguration): readonly string[] =>
  iceServers.flatMap(({ urls }) => urls.filter((url) => /^turns?:/i.test(url)));

export const hasTurn = (ice: IceConfiguration): boolean => turnUrls(ice).length > 0;

/** What the sound of a peer takes of a limit, with its packets' headers. */
const SOUND_BPS = 40_000;
/** Less is no picture. */
const LEAST_BPS = 30_000;

/** What the picture for one peer may use at most; null for no limit. */
export function pictureCapOf({ maxBitrateBps }: IceConfiguration): number | null {
  return maxBitrateBps === null ? null : Math.max(LEAST_BPS, maxBitrateBps - SOUND_BPS);
}

export function configurationOf(ice: IceConfiguration, relayOnly = false): RTCConfiguration {
  return {
    bundlePolicy: ice.bundlePolicy,
    iceTransportPolicy: relayOnly ? "relay" : ice.iceTransportPolicy,
    iceCandidatePoolSize: ice.iceCandidatePoolSize,
    iceServers: ice.iceServers.map(({ urls, username, credential }) => ({
      urls: [...urls],
      ...(username === null ? {} : { username }),
      ...(credential === null ? {} : { credential }),
    })),
  };
}
