/** What is said of a recording, in sentences. */
import type { RecordingStatus } from "../messages";
import { bytesText, elapsedText, listText, percentText } from "./format";

const lastOf = (path: string): string => path.split(/[/\\]/).findLast((part) => part !== "") ?? path;

/** A file for each person was asked for. */
export const isFolder = ({ path }: RecordingStatus): boolean => !/\.(mkv|webm|mp4)$/i.test(path);

/** The file's name, or the folder's; what it became where that is not what was asked for. */
export function nameOf(recording: RecordingStatus): string {
  const { files, path, state } = recording;
  const asked = lastOf(path);
  if (isFolder(recording) || state !== "stopped") return asked; // until then the files are those it is made of
  return (files.find(({ person }) => person === "") ?? files[0])?.name ?? asked;
}

/** "3:20, 48 MB". */
const factsOf = ({ durationS, sizeBytes }: RecordingStatus): string =>
  `${elapsedText(durationS)}, ${bytesText(sizeBytes)}`;

export function saidOf(recording: RecordingStatus): string {
  const { files } = recording;
  const name = nameOf(recording);
  switch (recording.state) {
    case "recording":
      return recording.sizeBytes === 0 ? `Recording ${name}` : `Recording ${name}, ${factsOf(recording)}`;
    case "composing":
      return `Putting ${name} together: ${percentText(Math.floor(recording.composedFraction * 100))}`;
    case "stopped":
      if (files.length === 0 && recording.sizeBytes === 0) return "Nobody was recorded: there is no file.";
      return isFolder(recording) && files.length > 0
        ? `Saved ${files.length === 1 ? "1 file" : `${files.length} files`} in ${name}, ${factsOf(recording)}`
        : `Saved ${name}, ${factsOf(recording)}`;
    case "failed": {
      const why = recording.error ?? "The recording failed.";
      return why.startsWith(name) ? why : `${name}: ${why}`;
    }
  }
}

/** As `saidOf`, without what changes every second: for a screen reader, which says it once. */
export function announcedOf(recording: RecordingStatus): string {
  switch (recording.state) {
    case "recording":
      return recording.note; // such as a disk that is nearly full
    case "composing":
      return `Putting ${nameOf(recording)} together.`;
    case "stopped":
    case "failed":
      return saidOf(recording);
  }
}

/** Of one that ran when this page was told something last. */
export const leftWhereOf = (recording: RecordingStatus): string =>
  `${nameOf(recording)}: what was recorded is in ${recording.folder || recording.path}.`;

/** Who is not in it, and why; empty where everybody is. */
export function leftOutOf({ people, state }: RecordingStatus): string {
  const names = people.filter((person) => person.state === "left-out").map(({ name }) => name);
  if (names.length === 0) return "";
  return state === "recording"
    ? `Left out until the red badge is seen there: ${listText(names)}.`
    : `Left out, because the red badge was not seen there: ${listText(names)}.`;
}
