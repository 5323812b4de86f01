/** What a person is told beside the picture: one line for each key, the newest last. */
import { type Signal, signal } from "@preact/signals";
import type { Level, NoticeItem } from "./contract";

export class Notices {
  readonly items: Signal<readonly NoticeItem[]> = signal([]);

  /** The same key replaces an earlier line. */
  tell(key: string, level: Level, text: string): void {
    this.items.value = [...this.items.value.filter((notice) => notice.key !== key), { key, level, text }];
  }

  dismiss(key: string): void {
    this.items.value = this.items.value.filter((notice) => notice.key !== key);
  }

  clear(): void {
    this.items.value = [];
  }
}
