/** What the page keeps on this device: embeddings and settings, and never sound. */
import type { LearnedLabel, WindowEmbeddings } from "../../src/index.js";

const PREFIX = "tinyalm-";
const TABLES = ["recordings", "learned", "settings"] as const;
type Table = (typeof TABLES)[number];

/** A recording as it is kept. */
export interface Kept {
  id: string;
  name: string;
  added: number;
  windows: WindowEmbeddings;
}

/** A database of one bundle, since embeddings of two models cannot be compared. */
export class Store {
  private constructor(private readonly database: IDBDatabase | undefined) {}

  /** Opens it; where nothing may be kept, as in some private windows, nothing is. */
  static async open(bundle: string): Promise<Store> {
    const opening = indexedDB.open(PREFIX + bundle, 1);
    opening.onupgradeneeded = () => {
      for (const name of TABLES) opening.result.createObjectStore(name);
    };
    try {
      return new Store(await done(opening));
    } catch {
      return new Store(undefined);
    }
  }

  get works(): boolean {
    return this.database !== undefined;
  }

  async recordings(): Promise<Kept[]> {
    const kept = await this.all<Kept>("recordings");
    return kept.sort((one, other) => one.added - other.added);
  }

  learned(): Promise<LearnedLabel[]> {
    return this.all<LearnedLabel>("learned");
  }

  async labels(): Promise<string[] | undefined> {
    const request = this.table("settings", "readonly")?.get("labels");
    return request ? ((await done(request)) as string[] | undefined) : undefined;
  }

  keepRecording(one: Kept): Promise<void> {
    return this.put("recordings", one.id, one);
  }

  keepLearned(one: LearnedLabel): Promise<void> {
    return this.put("learned", one.label, one);
  }

  keepLabels(labels: string[]): Promise<void> {
    return this.put("settings", "labels", labels);
  }

  async remove(table: Table, key: string): Promise<void> {
    const request = this.table(table, "readwrite")?.delete(key);
    if (request) await done(request);
  }

  /** Deletes what is kept, of this bundle and of any other. */
  async forget(): Promise<void> {
    for (const name of TABLES) {
      const request = this.table(name, "readwrite")?.clear();
      if (request) await done(request);
    }
    const databases = (await indexedDB.databases?.()) ?? [];
    for (const { name } of databases) {
      if (name?.startsWith(PREFIX) && name !== this.database?.name) indexedDB.deleteDatabase(name);
    }
  }

  private async all<T>(name: Table): Promise<T[]> {
    const request = this.table(name, "readonly")?.getAll();
    return request ? ((await done(request)) as T[]) : [];
  }

  private async put(name: Table, key: string, value: unknown): Promise<void> {
    const table = this.table(name, "readwrite");
    if (!table) return;
    table.put(value, key);
    await new Promise<void>((resolve, reject) => {
      table.transaction.oncomplete = () => resolve();
      table.transaction.onabort = () => reject(table.transaction.error);
    });
  }

  private table(name: Table, mode: IDBTransactionMode): IDBObjectStore | undefined {
    return this.database?.transaction(name, mode).objectStore(name);
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
