/** What goes over the link compressed is what was measured, in fewer bytes. */
import { expect, it } from "vitest";
import loopback from "../../tests/data/stats/loopback.json";
import type { StatsSample } from "../src/messages";
import { canPack, pack } from "../src/stats/pack";

it("is the sample again, in less than half the bytes", async () => {
  const sample = { ...loopback.cases[0]?.samples.at(-1), type: "stats" } as unknown as StatsSample;
  expect(canPack()).toBe(true);
  const packed = await pack(sample);
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const text = await new Response(unpacked).text();
  expect(JSON.parse(text)).toEqual(sample);
  expect(packed.byteLength).toBeLessThan(text.length / 2);
});
