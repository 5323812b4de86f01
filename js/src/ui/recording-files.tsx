/** The files of a recording, each with a way to this person's own disk. */

import { useRef } from "preact/hooks";
import type { Download, SessionView } from "../contract";
import type { RecordedFile, RecordingStatus } from "../messages";
import { bytesText } from "./format";
import { Icon } from "./icons";
import { isOver } from "./phases";

interface FileProps {
  readonly session: SessionView;
  readonly recording: string;
  readonly file: RecordedFile;
}

/** Its files, the one that holds all of it first; where that is one person's own under another name, it alone. */
export function filesOf({ files }: RecordingStatus): readonly RecordedFile[] {
  const [first, second] = files;
  const isTwice = files.length === 2 && first?.person === "" && first.sizeBytes === second?.sizeBytes;
  return isTwice ? files.slice(0, 1) : files;
}

/** A file of the guest page has no path: its browser has saved it already. */
export const canDownload = ({ path }: RecordedFile): boolean => path !== "";

/** One button all the time, so that it keeps the focus: it saves the file, and stops that. */
export function DownloadButton({ session, recording, file }: FileProps) {
  const { name } = file;
  const download = session.downloads.value.find((each) => each.recording === recording && each.file === name);
  const last = useRef<Download | undefined>(undefined);
  if (download !== undefined) last.current = download;
  if (!canDownload(file) || isOver(session)) return null; // nobody would send it
  const isSaving = download !== undefined;
  const isSaved = last.current !== undefined && last.current.receivedBytes === last.current.sizeBytes;
  const tip = isSaving
    ? `Stop saving: ${bytesText(download.receivedBytes)} of ${bytesText(download.sizeBytes)} are there`
    : isSaved
      ? "Saved. Download it again"
      : "Save it to this computer";
  const onClick = ({ detail }: MouseEvent) => {
    if (!isSaving) void session.download(recording, name);
    else if (detail < 2) session.cancelDownload(recording, name); // a double click has only asked for it
  };
  return (
    <span class="nbrtc-saving">
      {isSaving && (
        <progress
          class="nbrtc-progress"
          aria-label={`Saving ${name}`}
          max={Math.max(1, download.sizeBytes)}
          value={download.receivedBytes}
        />
      )}
      <button
        type="button"
        class={`nbrtc-button ${isSaving ? "nbrtc-button--bare" : "nbrtc-download"}`}
        aria-label={`${isSaving ? "Stop saving" : "Download"} ${name}`}
        title={tip}
        onClick={onClick}
      >
        <Icon name={isSaving ? "stop" : isSaved ? "check" : "download"} size={isSaving ? 14 : 16} />
        {!isSaving && <span class="nbrtc-download-text">{isSaved ? "Saved" : "Download"}</span>}
      </button>
    </span>
  );
}

interface FilesProps {
  readonly session: SessionView;
  readonly recording: RecordingStatus;
  readonly files: readonly RecordedFile[];
}

export function RecordingFiles({ session, recording, files }: FilesProps) {
  return (
    <ul class="nbrtc-files">
      {files.map((file) => (
        <li key={file.name} class="nbrtc-file">
          <span class="nbrtc-file-name" title={file.path}>
            <bdi>{file.name}</bdi>
          </span>
          <span class="nbrtc-file-size">{bytesText(file.sizeBytes)}</span>
          <DownloadButton session={session} recording={recording.id} file={file} />
        </li>
      ))}
    </ul>
  );
}
