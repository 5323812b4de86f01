/**
 * One getStats of one peer connection as it leaves the page: verbatim, flat, and without anything that tells where
 * somebody is. Addresses, ICE credentials and servers stay in the browser, so that whatever the kernel stores or a person
 * exports cannot give them away.
 */
import type { StatsSample } from "../messages";

export type StatsReport = StatsSample["reports"][number];
export type StatsBody = Pick<StatsSample, "timeS" | "reports">;

const KEPT_TYPES: ReadonlySet<string> = new Set([
  "inbound-rtp",
  "outbound-rtp",
  "remote-inbound-rtp",
  "remote-outbound-rtp",
  "candidate-pair",
  "local-candidate",
  "remote-candidate",
  "certificate",
  "transport",
  "media-source",
  "media-playout",
  "codec",
  "peer-connection",
]);

const CANDIDATE = ["candidateType", "protocol", "relayProtocol", "tcpType", "networkType"];

/** Of these types nothing else is kept, whatever a browser may add to them. */
const KEPT_MEMBERS: Readonly<Record<string, ReadonlySet<string>>> = {
  "local-candidate": new Set(["id", "type", "timestamp", ...CANDIDATE]),
  "remote-candidate": new Set(["id", "type", "timestamp", ...CANDIDATE]),
  certificate: new Set(["id", "type", "timestamp", "fingerprint", "fingerprintAlgorithm"]),
};

/** Members of the other types that say where somebody is or how to reach them. */
const SECRET_MEMBERS: ReadonlySet<string> = new Set([
  "address",
  "ip",
  "ipAddress",
  "port",
  "relatedAddress",
  "relatedPort",
  "url",
  "usernameFragment",
  "iceLocalUsernameFragment",
  "iceRemoteUsernameFragment",
]);

/** One poll, ready for the wire: the reports that matter, values verbatim, nothing nested. */
export async function pollStats(connection: Pick<RTCPeerConnection, "getStats">): Promise<StatsBody> {
  const timeS = Date.now() / 1000;
  const reports: StatsReport[] = [];
  (await connection.getStats()).forEach((report: Readonly<Record<string, unknown>>) => {
    if (KEPT_TYPES.has(String(report.type))) reports.push(flatten(report));
  });
  const pairs = selectedPairs(reports);
  const named = new Set<unknown>(pairs.flatMap((pair) => [pair.localCandidateId, pair.remoteCandidateId]));
  return {
    timeS,
    reports: reports.filter((report) => {
      if (report.type === "candidate-pair") return pairs.includes(report);
      return !isCandidate(report) || named.has(report.id);
    }),
  };
}

/** The pairs that carry media: those the transports name, else (Firefox has no transports) by their own flags. */
export function selectedPairs(reports: readonly StatsReport[]): StatsReport[] {
  const pairs = reports.filter((report) => report.type === "candidate-pair");
  const named = new Set(
    reports.filter((report) => report.type === "transport").map((report) => report.selectedCandidatePairId),
  );
  const ways = [
    (pair: StatsReport) => named.has(pair.id),
    (pair: StatsReport) => pair.selected === true,
    (pair: StatsReport) => pair.nominated === true && pair.state === "succeeded",
  ];
  return ways.map((way) => pairs.filter(way)).find((found) => found.length > 0) ?? [];
}

/** `qualityLimitationDurations` becomes one dotted key a reason; other nested values are dropped. */
function flatten(report: Readonly<Record<string, unknown>>): StatsReport {
  const kept = KEPT_MEMBERS[String(report.type)];
  const flat: Record<string, string | number | boolean | null> = {};
  for (const [key, value] of Object.entries(report)) {
    if (SECRET_MEMBERS.has(key) || kept?.has(key) === false) continue;
    if (isScalar(value)) {
      flat[key] = value;
    } else if (key === "qualityLimitationDurations" && typeof value === "object") {
      for (const [reason, seconds] of Object.entries(value ?? {})) {
        if (isScalar(seconds)) flat[`${key}.${reason}`] = seconds;
      }
    }
  }
  return flat;
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function isCandidate({ type }: StatsReport): boolean {
  return type === "local-candidate" || type === "remote-candidate";
}
