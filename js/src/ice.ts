/** ICE servers as the browser wants them. */
import type { IceServerEntry } from "./messages";

export function hasTurn(servers: readonly IceServerEntry[]): boolean {
  return servers.some(({ urls }) => urls.some((url) => /^turns?:/i.test(url)));
}

/** ``RTCConfiguration`` (webrtc-pc, section 4.2.1). */
export function configurationOf(servers: readonly IceServerEntry[], relayOnly = false): RTCConfiguration {
  return {
    bundlePolicy: "max-bundle",
    iceTransportPolicy: relayOnly ? "relay" : "all",
    iceServers: servers.map(({ urls, username, credential }) => ({
      urls: [...urls],
      ...(username === null ? {} : { username }),
      ...(credential === null ? {} : { credential }),
    })),
  };
}
