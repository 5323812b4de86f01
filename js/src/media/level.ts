/** How loud the microphone is, for the meter: 0 to 1, ten times a second. */

const INTERVAL_MS = 100;
const SILENCE_DB = -60;

/** Measure `track` until `signal` aborts. The audio context exists only while it does. */
export function measureLevel(
  track: MediaStreamTrack,
  report: (level: number) => void,
  signal: AbortSignal,
): void {
  if (typeof AudioContext === "undefined" || signal.aborted) return;
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    const level = 1 - (10 * Math.log10(power + 1e-9)) / SILENCE_DB;
    report(Math.round(100 * Math.min(1, Math.max(0, level))) / 100);
  }, INTERVAL_MS);
  signal.addEventListener(
    "abort",
    () => {
      clearInterval(timer);
      void context.close();
      report(0);
    },
    { once: true },
  );
}
