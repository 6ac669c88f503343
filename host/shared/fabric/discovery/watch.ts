/**
 * Scans again whenever something changes that a scan would see. Folders are watched, not files, because an editor
 * replaces a file by another one of its name; and only folders that the last scan has walked, so that a folder of
 * dependencies costs nothing.
 *
 *   change ── quiet for 100 ms, at most 1 s ──▶ scan ── as long a pause as the scan took ──▶ next
 *
 * A change between a scan and the watching of its folders would be missed, so a scan that finds new folders is followed
 * by another one.
 */
import { type Clock, sleep } from "../../ports/clock.ts";
import type { Files } from "../../ports/files.ts";
import { PROJECT_PLACES, USER_PLACES } from "./places.ts";
import type { Scan } from "./scan.ts";
import type { SourceBase } from "./sources.ts";

/** Something with this name changed in a folder; null: the system does not tell which. */
export type FolderChange = (folder: string, name: string | null) => void;

/** What a host has to offer: news of what changes in folders. */
export interface FolderWatcher {
  /** Watches these folders from now on and no others. */
  watch(folders: ReadonlySet<string>): Watched;
  close(): void;
}

export interface Watched {
  /** Folders that were not watched before, and are now. */
  readonly added: number;
  /** Folders that the system cannot watch. */
  readonly unwatched: number;
}

export interface WatchPorts {
  readonly clock: Clock;
  readonly files: Pick<Files, "info">;
  readonly openWatcher: (onChange: FolderChange) => FolderWatcher;
}

export interface WatchedScan extends Scan {
  readonly base: SourceBase;
}

export interface WatchOptions {
  readonly scan: () => Promise<WatchedScan>;
  /** Watching ends when this does. */
  readonly until: Promise<void>;
}

const QUIET_MS = 100;
const WAIT_MS_MAX = 1000;
/** Where the system cannot watch: how often to look. */
const LOOK_MS = 5000;

/** What decides about a scan besides tools' files. */
const OWN_FILES = new Set([".rtt/panel.yaml", ".rtt/generation.dsse.json"]);

/** Scans, and again after every change, until the end. A scan that fails ends it. */
export async function watchScans(ports: WatchPorts, options: WatchOptions): Promise<void> {
  const changes = new Changes(ports);
  const watcher = ports.openWatcher((folder, name) => changes.note(folder, name));
  void options.until.then(() => changes.end());
  try {
    while (!changes.isEnded) {
      const beganUs = ports.clock.nowUs();
      const scan = await options.scan();
      const tookMs = (ports.clock.nowUs() - beganUs) / 1000;
      const { added, unwatched } = watcher.watch(scan.folders);
      changes.look(scan, added > 0);
      await changes.next(tookMs, unwatched > 0 ? LOOK_MS : null);
    }
  } finally {
    watcher.close();
  }
}

/** Changes since the last scan that the next one would see. */
class Changes {
  readonly #ports: WatchPorts;
  #scan: WatchedScan | null = null;
  #isChanged = false;
  #lastUs = 0;
  #wake: () => void = () => {};
  isEnded = false;

  constructor(ports: WatchPorts) {
    this.#ports = ports;
  }

  end(): void {
    this.isEnded = true;
    this.#wake();
  }

  /** From now on changes are judged by what this scan has seen. */
  look(scan: WatchedScan, isChanged: boolean): void {
    this.#scan = scan;
    if (isChanged) this.#mark();
  }

  note(folder: string, name: string | null): void {
    void this.#isSeen(folder, name).then((isSeen) => {
      if (isSeen) this.#mark();
    });
  }

  #mark(): void {
    this.#isChanged = true;
    this.#lastUs = this.#ports.clock.nowUs();
    this.#wake();
  }

  /** Whether a scan would see it. */
  async #isSeen(folder: string, name: string | null): Promise<boolean> {
    const scan = this.#scan;
    // What changes during the first scan may have been read before or after.
    if (scan === null || name === null) return true;
    const path = `${folder}/${name}`;
    if (scan.paths.has(path) || scan.targets.has(path) || scan.folders.has(path)) return true;
    const { root, home } = scan.base;
    const names = namesFrom(root, path);
    if (OWN_FILES.has(names.join("/")) || PROJECT_PLACES.placeOf(names) !== null) return true;
    const personal = home === undefined ? [] : namesFrom(home, path);
    if (USER_PLACES.placeOf(personal) !== null) return true;
    // A new folder may hold anything, and so may what a link leads to.
    const isPassed = !PROJECT_PLACES.isWalkedInto(names) && !USER_PLACES.isWalkedInto(personal);
    const info = isPassed ? null : await this.#ports.files.info(path).catch(() => null);
    return info !== null && info.kind !== "file";
  }

  /** Waits for a change that has settled; with `lookMs`, at most that long. */
  async next(pauseMs: number, lookMs: number | null): Promise<void> {
    const { clock } = this.#ports;
    await this.#until(pauseMs, () => false);
    await this.#until(lookMs, () => this.#isChanged);
    const firstUs = clock.nowUs();
    while (this.#isChanged && !this.isEnded) {
      const nowUs = clock.nowUs();
      const quietUs = this.#lastUs + QUIET_MS * 1000;
      const untilUs = Math.min(quietUs, firstUs + WAIT_MS_MAX * 1000);
      if (nowUs >= untilUs) break;
      await sleep(clock, (untilUs - nowUs) / 1000);
    }
    this.#isChanged = false;
  }

  /** Waits until it is so, the time is over, or the end. */
  async #until(waitMs: number | null, isSo: () => boolean): Promise<void> {
    const { clock } = this.#ports;
    const endUs = waitMs === null ? null : clock.nowUs() + waitMs * 1000;
    const isOver = (): boolean => endUs !== null && clock.nowUs() >= endUs;
    while (!this.isEnded && !isSo() && !isOver()) {
      let cancel = (): void => {};
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (endUs !== null) cancel = clock.at(endUs, resolve);
      });
      cancel();
    }
  }
}

/** The names from a folder to a path in it; none when it lies elsewhere. */
function namesFrom(root: string, path: string): readonly string[] {
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1).split("/") : [];
}
