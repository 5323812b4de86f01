import { describe, expect, test } from "vitest";
import { Guard, MOST_CANDIDATES, MOST_NAMES, type Refusal, reasonAgainst } from "../src/ice/guard";

const line = (address: string, type = "host") => `candidate:1 1 udp 2122260223 ${address} 50000 typ ${type}`;

function guard(own: readonly string[] = ["192.168.1.7"]) {
  const refused: Refusal[] = [];
  return {
    refused,
    guard: new Guard(
      () => own,
      (refusal) => refused.push(refusal),
    ),
  };
}

describe("an address of a stranger's", () => {
  test.each([
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "169.254.1.1",
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "ff02::1",
    "localhost",
    "metadata.google.internal",
    "router.lan",
    "1.2.3.999",
    "1:2",
    ":::",
  ])("%s is refused", (address) => {
    expect(reasonAgainst(address, false)).not.toBeNull();
  });

  test.each([
    "192.168.1.20",
    "10.0.0.1",
    "203.0.113.9",
    "100.64.0.1",
    "2001:db8::1",
    "fd12:3456::1",
    "::ffff:203.0.113.9",
    "fec0::1",
  ])("%s is taken", (address) => {
    expect(reasonAgainst(address, false)).toBeNull();
  });

  test("is taken where both are on one computer, but never a name or what nobody has", () => {
    for (const address of ["127.0.0.1", "::1", "169.254.7.7"])
      expect(reasonAgainst(address, true)).toBeNull();
    for (const address of ["localhost", "0.0.0.0", "224.0.0.1"]) {
      expect(reasonAgainst(address, true)).not.toBeNull();
    }
  });
});

describe("the guard", () => {
  test("tells what it refuses, and why", () => {
    const { guard: one, refused } = guard();
    expect(one.admits(line("127.0.0.1"))).toBe(false);
    expect(one.admits(line("10.1.2.3"))).toBe(true);
    expect(one.admits("")).toBe(true);
    expect(refused).toEqual([{ address: "127.0.0.1", reason: "it is the computer's address for itself" }]);
  });

  test("believes that both are here if the browser itself calls over loopback, or the address is our own", () => {
    expect(guard(["127.0.0.1"]).guard.admits(line("127.0.0.1"))).toBe(true);
    expect(guard(["169.254.3.3"]).guard.admits(line("169.254.3.3"))).toBe(true);
    expect(guard(["169.254.3.3"]).guard.admits(line("169.254.3.4"))).toBe(false);
  });

  test("takes refused lines out of a description and leaves all else as it is", () => {
    const { guard: one, refused } = guard();
    const sdp = `v=0\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\na=${line("::1")}\r\nm=audio 9 X 0\r\n`;
    expect(one.clean(sdp)).toBe("v=0\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\nm=audio 9 X 0\r\n");
    expect(refused.length).toBe(1);
  });

  // Chromium takes the first four of these, and knocks at this computer
  test.each([
    "a=candidate:1 1 udp 5 127.0.0.1 9 typ host",
    "candidate:1 1 udp -0 127.0.0.1 9 typ host",
    "candidate: 1 udp 5 127.0.0.1 9 typ host",
    "candidate:1 1 udp 5 127.0.0.1 9 typ host\r\na=candidate:2 1 udp 5 127.0.0.1 9 typ host",
    "candidate:1 1 udp 5 10.0.0.1 9 typ host\na=candidate:2 1 udp 5 127.0.0.1 9 typ host",
    "CANDIDATE:1 1 udp 5 10.0.0.1 9 typ host",
    "candidate:1 1 udp 5 10.0.0.1 typ host",
    " candidate:1 1 udp 5 10.0.0.1 9 typ host",
    "candidate:1  1 udp 5 10.0.0.1 9 typ host",
    "nonsense",
  ])("refuses what is not written as the standard says: %j", (text) => {
    const { guard: one, refused } = guard();
    expect(one.admits(text)).toBe(false);
    expect(refused).toEqual([{ address: "", reason: "it is not written as RFC 8839 says" }]);
  });

  test.each([
    "a=candidate:1 1 udp -0 127.0.0.1 9 typ host",
    "a=candidate: 1 udp 5 127.0.0.1 9 typ host",
    " a=candidate:1 1 udp 5 127.0.0.1 9 typ host",
    "a= candidate:1 1 udp 5 127.0.0.1 9 typ host",
    "A=Candidate:1 1 udp 5 127.0.0.1 9 typ host",
  ])("takes such lines out of a description: %j", (text) => {
    expect(guard().guard.clean(`v=0\r\n${text}\r\na=end-of-candidates\r\n`)).toBe(
      "v=0\r\na=end-of-candidates\r\n",
    );
  });

  test.each([
    "candidate:842163049 1 udp 1677729535 203.0.113.9 46154 typ srflx raddr 10.0.0.1 rport 46154 generation 0 ufrag Ab+/ network-cost 999",
    "candidate:2 1 TCP 2105524479 192.168.1.20 9 typ host tcptype active",
    "candidate:0 2 UDP 2122252542 5e4e2f0a-7a0e-4b8e-8d54-6f2a5f9c9d11.local 54321 typ host",
    "candidate:6815297761 1 udp 659136 2001:db8::9 31102 typ relay raddr :: rport 0",
  ])("takes what browsers say: %s", (text) => {
    expect(guard().guard.admits(text)).toBe(true);
  });

  test("takes so many candidates and no more, until a new description comes", () => {
    const { guard: one, refused } = guard();
    const taken = Array.from({ length: 80 }, (_, n) => one.admits(line(`10.0.0.${n}`))).filter(
      Boolean,
    ).length;
    expect(taken).toBe(MOST_CANDIDATES);
    expect(refused.at(-1)?.reason).toBe(`more than ${MOST_CANDIDATES} candidates came`);
    one.clean("v=0\r\n");
    expect(one.admits(line("10.0.0.1"))).toBe(true);
  });

  test("takes so many names", () => {
    const { guard: one } = guard();
    const taken = Array.from({ length: 9 }, (_, n) => one.admits(line(`${n}a-b.local`))).filter(
      Boolean,
    ).length;
    expect(taken).toBe(MOST_NAMES);
  });
});
