import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Sending } from "../src/contract";
import { Adapter, type Outlet } from "../src/media/adapt";
import type { Reading } from "../src/media/limits";
import { type Circumstances, type Order, Plan } from "../src/media/plan";
import { changeParameters } from "../src/media/sender";
import type { Quality } from "../src/messages";
import { FakeNetwork } from "./fake-network";

const AUTO: Quality = { width: 1280, height: 720, fps: 30, name: "auto", bitrateBps: 2_500_000 };
const HIGH: Quality = { width: 1920, height: 1080, fps: 30, name: "high", bitrateBps: 4_500_000 };

const circumstances = (change: Partial<Circumstances> = {}): Circumstances => ({
  quality: AUTO,
  isScreen: false,
  screenPixels: 1920 * 1080,
  others: 1,
  isModest: false,
  ...change,
});

/** A plan with one network for each other, second by second. */
class Call {
  readonly plan = new Plan();
  orders: Map<string, Order>;
  readonly heights: number[] = [];
  readonly sent_bps: number[] = [];
  change: (reading: Reading) => Reading = (reading) => reading;

  constructor(
    readonly networks: FakeNetwork[],
    public now = circumstances({ others: networks.length }),
    readonly ids: readonly string[] = networks.map((_, index) => `p${index}`),
  ) {
    this.orders = this.plan.next(now, this.#sights([]), false);
  }

  #sights(readings: readonly Reading[]) {
    return this.ids.map((id, rank) => ({ id, rank, reading: readings[rank] ?? null }));
  }

  order(index = 0): Order {
    const order = this.orders.get(this.ids[index] as string);
    if (order === undefined) throw new Error(`No order for ${this.ids[index]}.`);
    return order;
  }

  run(seconds: number): this {
    for (let second = 0; second < seconds; second += 1) {
      const readings = this.networks.map((network, index) => {
        const { bitrate_bps, fps } = this.order(index);
        return this.change(network.second(bitrate_bps, fps));
      });
      this.orders = this.plan.next(this.now, this.#sights(readings), true);
      this.heights.push(this.order().short);
      this.sent_bps.push(readings[0]?.sent_bps ?? 0);
    }
    return this;
  }
}

const changes = (values: readonly number[]) =>
  values.filter((value, index) => index > 0 && value !== values[index - 1]);

describe.each([1, 2, 3, 4, 5])("on a simulated network (seed %i)", (seed) => {
  const network = (capacity_bps: number) => new FakeNetwork(capacity_bps, seed);

  test("a good line gets 720p from the first second, and keeps it", () => {
    const call = new Call([network(8_000_000)]).run(600);
    expect(changes(call.heights)).toEqual([]);
    expect(call.order()).toMatchObject({ short: 720, fps: 30, bitrate_bps: 2_500_000, limitedBy: "" });
  });

  test("after a collapse to 150 kbit/s the video makes room for the sound within 5 s, never growing on the way", () => {
    const call = new Call([network(8_000_000)]).run(60);
    (call.networks[0] as FakeNetwork).capacity_bps = 150_000;
    call.run(5);
    expect(call.order().short).toBe(180);
    expect(call.order().bitrate_bps).toBeLessThanOrEqual(140_000);
    expect(call.order().limitedBy).toBe("the network");
    const falling = call.heights.slice(-5);
    expect(falling).toEqual([...falling].sort((one, other) => other - one));
  });

  test.each([10, 60, 180])(
    "a collapse of %i s is over 10 s after it heals, and it only grew then",
    (seconds) => {
      const call = new Call([network(8_000_000)]).run(60);
      const line = call.networks[0] as FakeNetwork;
      line.capacity_bps = 150_000;
      call.run(seconds);
      line.capacity_bps = 8_000_000;
      call.run(10);
      expect(call.order()).toMatchObject({ short: 720, limitedBy: "" });
      const rising = call.heights.slice(-10);
      expect(rising).toEqual([...rising].sort((one, other) => one - other));
    },
  );

  test.each([150, 300, 600, 1000, 1400, 2000])(
    "a steady line of %i kbit/s is used without flapping",
    (kbps) => {
      const call = new Call([network(1000 * kbps)]).run(600);
      expect(changes(call.heights.slice(10)).length).toBeLessThanOrEqual(4);
      expect(changes(call.heights.slice(300))).toEqual([]);
      const mean_bps = call.sent_bps.slice(60).reduce((sum, sent) => sum + sent, 0) / 540;
      expect(mean_bps).toBeGreaterThan(0.4 * (1000 * kbps - 48_000));
      expect(mean_bps).toBeLessThan(1000 * kbps);
    },
  );

  test("a path that lets bursts through, and so promises too much, is believed less and less", () => {
    const line = network(300_000);
    line.burst = 10;
    const call = new Call([line]).run(600);
    const [early, late] = [call.heights.slice(0, 300), call.heights.slice(300)].map(changes);
    expect(early?.length).toBeLessThanOrEqual(30);
    expect(late?.length).toBeLessThanOrEqual(15);
  });

  test("pictures in which little moves keep more of their size", () => {
    const line = network(400_000);
    line.content = 0.1;
    const call = new Call([line]).run(120);
    expect(Math.min(...call.heights.slice(60))).toBeGreaterThanOrEqual(360);
  });

  test("a browser that gives no estimate goes down and comes back, with few failed tries", () => {
    const call = new Call([network(8_000_000)]);
    const line = call.networks[0] as FakeNetwork;
    line.saysEstimate = false;
    call.run(30);
    line.capacity_bps = 150_000;
    call.run(20);
    expect(call.order().short).toBeLessThanOrEqual(270);
    line.capacity_bps = 8_000_000;
    call.run(90);
    expect(call.order().short).toBe(720);
    line.capacity_bps = 700_000;
    call.heights.length = 0;
    call.run(600);
    expect(changes(call.heights.slice(300)).length).toBeLessThanOrEqual(20);
  });
});

test("a longer way is not taken for a queue", () => {
  const call = new Call([new FakeNetwork(8_000_000)]).run(60);
  (call.networks[0] as FakeNetwork).idleRtt_s = 0.4;
  call.run(120);
  expect(call.order().short).toBe(720);
});

test("loss of a fifth steps down, loss of one in a hundred does not", () => {
  const call = new Call([new FakeNetwork(8_000_000)]).run(30);
  (call.networks[0] as FakeNetwork).lossFraction = 0.01;
  call.run(60);
  expect(call.order().short).toBe(720);
  (call.networks[0] as FakeNetwork).lossFraction = 0.2;
  call.run(30);
  expect(call.order().short).toBeLessThan(720);
});

test("each line is judged alone", () => {
  const call = new Call([new FakeNetwork(200_000), new FakeNetwork(8_000_000)]).run(60);
  expect(call.order(0).short).toBeLessThanOrEqual(180);
  expect(call.order(1).short).toBe(720);
});

describe("the number of people", () => {
  const sizes = (others: number) => {
    const call = new Call(Array.from({ length: others }, () => new FakeNetwork(20_000_000)));
    call.run(5);
    return Array.from({ length: others }, (_, index) => call.order(index));
  };

  test("up to four others get full size, within a home line's upload", () => {
    for (const others of [1, 2, 3, 4]) {
      const orders = sizes(others);
      expect(orders.map(({ short }) => short)).toEqual(Array(others).fill(720));
      expect(orders.reduce((sum, { bitrate_bps }) => sum + bitrate_bps, 0)).toBeLessThanOrEqual(5_000_000);
    }
    expect(sizes(4)[0]?.limitedBy).toBe("the number of people");
  });

  test("the fifth and all further ones get 320x180 at 10 frames a second, in a fixed quality too", () => {
    const small = { short: 180, fps: 10, bitrate_bps: 90_000, limitedBy: "the number of people" };
    expect(sizes(6).slice(4)).toEqual([expect.objectContaining(small), expect.objectContaining(small)]);
    const orders = new Plan().next(
      circumstances({ quality: HIGH, others: 5 }),
      [0, 1, 2, 3, 4].map((rank) => ({ id: `p${rank}`, rank, reading: null })),
      true,
    );
    expect(orders.get("p3")).toMatchObject({ short: 1080, fps: 30, bitrate_bps: 4_500_000, keepsSize: true });
    expect(orders.get("p4")).toMatchObject(small);
  });
});

describe("the CPU", () => {
  const busy =
    (isBusy: (order: Order) => boolean, call: Call) =>
    (reading: Reading): Reading =>
      isBusy(call.order()) ? { ...reading, limitation: "cpu", encode_s: 0.03 } : reading;

  test("is given less work on all connections, and tried again later each time", () => {
    const call = new Call([new FakeNetwork(20_000_000, 1), new FakeNetwork(20_000_000, 2)]);
    call.change = busy(({ short }) => short > 480, call);
    call.run(25);
    expect(call.order(0)).toMatchObject({ short: 480, limitedBy: "this computer's CPU" });
    expect(call.order(1)).toMatchObject({ short: 480, limitedBy: "this computer's CPU" });
    call.heights.length = 0;
    call.run(600);
    expect(changes(call.heights).length).toBeLessThanOrEqual(12);
    call.change = (reading) => reading;
    call.run(600);
    expect(call.order(1)).toMatchObject({ short: 720, fps: 30, limitedBy: "" });
  });

  test("Python's picture does not give way for the others' encoders", () => {
    const networks = [new FakeNetwork(20_000_000, 1), new FakeNetwork(20_000_000, 2)];
    const call = new Call(networks, circumstances(), ["python", "p1"]);
    let asked = 0;
    // the readings come in the order of the ids
    call.change = (reading) => (asked++ % 2 === 1 ? { ...reading, limitation: "cpu" } : reading);
    call.run(30);
    expect(call.order(0).short).toBe(720);
    expect(call.order(1).short).toBeLessThan(720);
  });
});

describe("a shared screen", () => {
  test("keeps its size and gives frame rate away", () => {
    const call = new Call([new FakeNetwork(8_000_000)], circumstances({ isScreen: true })).run(20);
    expect(call.order()).toMatchObject({ short: Number.POSITIVE_INFINITY, fps: 30, keepsSize: true });
    (call.networks[0] as FakeNetwork).capacity_bps = 500_000;
    call.run(10);
    expect(call.order()).toMatchObject({ short: Number.POSITIVE_INFINITY, fps: 5 });
  });

  test("goes to the fifth person at 5 frames a second, because 180 lines of text cannot be read", () => {
    const networks = [1, 2, 3, 4, 5].map((seed) => new FakeNetwork(20_000_000, seed));
    const call = new Call(networks, circumstances({ isScreen: true, others: 5 })).run(5);
    expect(call.order(4)).toMatchObject({ short: Number.POSITIVE_INFINITY, fps: 5 });
  });

  test("begins where the line was, and gives it back to the camera after", () => {
    const call = new Call([new FakeNetwork(300_000)]).run(60);
    const before = call.order();
    call.now = { ...call.now, isScreen: true };
    call.orders = call.plan.next(call.now, [{ id: "p0", rank: 0, reading: null }], false);
    expect(call.order().bitrate_bps).toBeLessThanOrEqual(before.bitrate_bps);
    call.run(10);
    call.now = { ...call.now, isScreen: false };
    call.run(10);
    expect(call.order().short).toBeLessThanOrEqual(360);
  });
});

test("a new connection to the same person may take its time to grow, once more", () => {
  const call = new Call([new FakeNetwork(8_000_000)]).run(30);
  const again = new FakeNetwork(8_000_000, 2);
  call.plan.restart("p0");
  call.networks.splice(0, 1, again);
  call.heights.length = 0;
  call.run(20);
  expect(changes(call.heights)).toEqual([]);
});

test("a phone starts at 480p, and grows from there", () => {
  const call = new Call([new FakeNetwork(8_000_000)], circumstances({ isModest: true }));
  expect(call.order()).toMatchObject({ short: 480, limitedBy: "" });
  call.run(30);
  expect(call.order().short).toBe(720);
});

/** A sender that is strict about what `setParameters` may be given, and says what it would send. */
class FakeSender {
  track: { getSettings: () => MediaTrackSettings } | null = {
    getSettings: () => ({ width: 1280, height: 720 }),
  };
  parameters: Record<string, unknown> & { encodings: Record<string, unknown>[] } = { encodings: [{}] };
  frames = 0;
  calls = 0;
  failures = 0;
  #open = false;

  getParameters() {
    this.#open = true;
    return structuredClone(this.parameters);
  }
  async setParameters(parameters: FakeSender["parameters"]) {
    if (!this.#open) throw new DOMException("", "InvalidStateError");
    this.#open = false;
    this.calls += 1;
    await Promise.resolve();
    if (this.failures > 0) {
      this.failures -= 1;
      throw new DOMException("", "OperationError");
    }
    this.parameters = parameters;
  }
  async getStats() {
    this.frames += 30;
    const timestamp = performance.now();
    const stream = { type: "outbound-rtp", id: "o", ssrc: 1, active: true, transportId: "t", timestamp };
    const sent = {
      framesEncoded: this.frames,
      bytesSent: 1000 * this.frames,
      totalEncodeTime: this.frames / 100,
    };
    const size = { frameWidth: 1280, frameHeight: 720, qualityLimitationReason: "none" };
    return new Map<string, unknown>([
      ["o", { ...stream, ...sent, ...size }],
      ["t", { type: "transport", id: "t", selectedCandidatePairId: "c" }],
      ["c", { type: "candidate-pair", id: "c", availableOutgoingBitrate: 5_000_000 }],
    ]);
  }
}

describe("what is set at the senders", () => {
  const audio = new FakeSender();
  let video: FakeSender;
  let quality: Quality;
  let outlets: readonly Outlet[];
  let said: (Sending | null)[];
  let adapter: Adapter;
  beforeEach(() => {
    vi.useFakeTimers();
    video = new FakeSender();
    quality = AUTO;
    said = [];
    const connection = {
      getTransceivers: () => [
        { sender: audio, receiver: { track: { kind: "audio" } } },
        { sender: video, receiver: { track: { kind: "video" } } },
      ],
    };
    outlets = [{ id: "ada", rank: 0, connection, video } as unknown as Outlet];
    adapter = new Adapter({
      outlets: () => outlets,
      quality: () => quality,
      isScreen: () => false,
      people: () => 2,
      onSending: (sending) => said.push(sending),
    });
  });
  afterEach(() => {
    adapter.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
  const encoding = () => video.parameters.encodings[0];

  test("size, frame rate and bitrate at once, and again only when they change", async () => {
    adapter.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(encoding()).toEqual({ scaleResolutionDownBy: 1, maxFramerate: 30, maxBitrate: 2_500_000 });
    expect(video.parameters.degradationPreference).toBe("balanced");
    expect(audio.parameters.encodings[0]).toEqual({ priority: "high", networkPriority: "high" });
    expect(video.calls).toBe(1);
    quality = { width: 640, height: 360, fps: 15, name: null, bitrateBps: 400_000 };
    adapter.refresh();
    await vi.advanceTimersByTimeAsync(0);
    expect(encoding()).toEqual({ scaleResolutionDownBy: 2, maxFramerate: 15, maxBitrate: 400_000 });
    expect(video.parameters.degradationPreference).toBe("maintain-resolution");
  });

  test("a picture held upright is made smaller by its shorter side", async () => {
    video.track = { getSettings: () => ({ width: 720, height: 1280 }) };
    quality = { width: 640, height: 360, fps: 15, name: null, bitrateBps: 400_000 };
    adapter.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(encoding()?.scaleResolutionDownBy).toBe(2);
  });

  test("what the browser refuses is tried again, and changes of others are not lost", async () => {
    video.failures = 2;
    adapter.start();
    const other = changeParameters(video as unknown as RTCRtpSender, (parameters) => {
      const first = parameters.encodings[0];
      if (first !== undefined) first.active = false;
      return true;
    });
    await expect(other).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(encoding()).toEqual({ scaleResolutionDownBy: 1, maxFramerate: 30, maxBitrate: 2_500_000 });
  });

  test("says what is sent, once, and nothing after the end", async () => {
    adapter.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(said).toEqual([{ width: 1280, height: 720, fps: 30, limitedBy: "" }]);
    adapter.stop();
    expect(said.at(-1)).toBeNull();
  });
});
