/**
 * Candidates of other participants, before the browser sends anything to them: one that names this very computer, its
 * neighbours on the cable, or a cloud's metadata service would make the browser knock there for a stranger. What is not
 * written exactly as the standard says is refused, too: browsers understand more than that, and each in its own way.
 */

/** Of one description with all that trickles after it (RFC 8838). */
export const MOST_CANDIDATES = 50;
/** Each costs a multicast question. */
export const MOST_NAMES = 5;

export interface Refusal {
  readonly address: string;
  readonly reason: string;
}

/** The candidates of one connection to one participant. */
export class Guard {
  readonly #own: () => readonly string[];
  readonly #onRefused: (refusal: Refusal) => void;
  #candidates = 0;
  #names = 0;

  /** `own`: addresses of this page's own candidates, as far as the browser shows them. */
  constructor(own: () => readonly string[], onRefused: (refusal: Refusal) => void) {
    this.#own = own;
    this.#onRefused = onRefused;
  }

  /** A trickled candidate may go to the browser; an empty one ends them and always may. */
  admits(candidate: string): boolean {
    if (candidate === "") return true;
    const reason = this.#reasonOf(candidate);
    if (reason === null) return true;
    this.#onRefused({ address: addressOf(candidate), reason });
    return false;
  }

  /** The description without the candidates that are refused. A new one brings new candidates. */
  clean(sdp: string): string {
    this.#candidates = this.#names = 0;
    return sdp
      .split("\n")
      .filter((line) => !/^\s*a\s*=\s*candidate/i.test(line) || this.admits(line.replace(/^a=|\r$/g, "")))
      .join("\n");
  }

  #reasonOf(candidate: string): string | null {
    const address = addressOf(candidate);
    this.#candidates += 1;
    if (this.#candidates > MOST_CANDIDATES) return `more than ${MOST_CANDIDATES} candidates came`;
    if (address === "") return "it is not written as RFC 8839 says";
    if (/\.local$/i.test(address)) {
      this.#names += 1;
      return this.#names > MOST_NAMES ? `more than ${MOST_NAMES} .local names came` : null;
    }
    return reasonAgainst(address, this.#isLocal(address));
  }

  #isLocal(address: string): boolean {
    const own = this.#own();
    return own.includes(address) || own.some((mine) => reach(mine) === "loopback");
  }
}

/** Why no packet goes to this address for a stranger, as a sentence; null where it may. */
export function reasonAgainst(address: string, isLocal: boolean): string | null {
  const where = reach(address);
  if (where === "name") return "host names other than .local are refused";
  if (where === "anywhere" || (isLocal && where !== "nowhere")) return null;
  return {
    loopback: "it is the computer's address for itself",
    "link-local": "it is valid on one cable only",
    metadata: "it is a cloud's metadata service",
    nowhere: "nobody has this address",
  }[where];
}

type Reach = "anywhere" | "loopback" | "link-local" | "metadata" | "nowhere" | "name";

function reach(address: string): Reach {
  const text = address.toLowerCase().replace(/^\[|\]$/g, "");
  if (/^\d+(\.\d+){3}$/.test(text)) return reach4(text.split(".").map(Number));
  if (!text.includes(":")) return "name";
  const words = expand(text);
  if (words === null) return "nowhere";
  const high = words.slice(0, 6);
  const low = words.slice(6);
  const [first = 0] = words;
  if (words.slice(0, 7).every((word) => word === 0) && (words[7] ?? 0) <= 1) {
    return words[7] === 1 ? "loopback" : "nowhere";
  }
  // an IPv4 address in IPv6's clothes (RFC 4291, section 2.5.5; RFC 6052, section 2.1)
  const isMapped = high.slice(0, 5).every((word) => word === 0) && (high[5] === 0xffff || high[5] === 0);
  const isTranslated = first === 0x64 && high[1] === 0xff9b && high.slice(2).every((word) => word === 0);
  if (isMapped || isTranslated) return reach4(low.flatMap((word) => [word >> 8, word & 0xff]));
  if ((first & 0xffc0) === 0xfe80) return "link-local";
  if (words.map((word) => word.toString(16)).join(":") === "fd00:ec2:0:0:0:0:0:254") return "metadata";
  return (first & 0xff00) === 0xff00 ? "nowhere" : "anywhere";
}

function reach4(bytes: readonly number[]): Reach {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  if (bytes.some((byte) => byte > 255)) return "nowhere";
  if (a === 169 && b === 254) return c === 169 && d === 254 ? "metadata" : "link-local";
  if (a === 100 && b === 100 && c === 100 && d === 200) return "metadata";
  if (a === 127) return "loopback";
  return a === 0 || a >= 224 ? "nowhere" : "anywhere";
}

/** Eight 16-bit words of an IPv6 address (RFC 4291, section 2.2); null where it is none. */
function expand(text: string): number[] | null {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted !== null) {
    const [, head = "", ...bytes] = dotted;
    const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number);
    if (Math.max(a, b, c, d) > 255) return null;
    return expand(`${head}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const halves = text.replace(/%.*$/, "").split("::");
  if (halves.length > 2) return null;
  const [front = [], back = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - front.length - back.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const words = [...front, ...Array<string>(halves.length === 1 ? 0 : missing).fill("0"), ...back];
  if (!words.every((word) => /^[0-9a-f]{1,4}$/.test(word))) return null;
  return words.map((word) => Number.parseInt(word, 16));
}

/** RFC 8839, section 5.1: foundation, component, transport, priority, address, port, "typ", type. */
function addressOf(candidate: string): string {
  return /^candidate:\S+ \d+ \S+ \d+ (\S+) \d+ typ \S+( [^\r\n]*)?$/.exec(candidate)?.[1] ?? "";
}
