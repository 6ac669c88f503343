/** Twin of assembly/stream/send-buffer.ts: the fate of every byte, one by one. */
type Fate = "unsent" | "sent" | "lost" | "acked";

export interface Chunk {
  readonly offset: number;
  readonly length: number;
  readonly isFin: boolean;
}

export class SendBufferTwin {
  readonly fates: Fate[] = [];
  fin: "none" | Fate = "none";

  write(length: number): void {
    for (let count = 0; count < length; count++) this.fates.push("unsent");
  }

  finish(): void {
    this.fin = "unsent";
  }

  get sent(): number {
    const unsent = this.fates.indexOf("unsent");
    return unsent < 0 ? this.fates.length : unsent;
  }

  get ackedTo(): number {
    const open = this.fates.findIndex((fate) => fate !== "acked");
    return open < 0 ? this.fates.length : open;
  }

  get hasLost(): boolean {
    return this.fates.includes("lost");
  }

  get isAcked(): boolean {
    return this.fin === "acked" && this.fates.every((fate) => fate === "acked");
  }

  onSent({ offset, length, isFin }: Chunk): void {
    this.#set(offset, length, (fate) => (fate === "acked" ? fate : "sent"));
    if (isFin && this.fin !== "acked") this.fin = "sent";
  }

  onAcked({ offset, length, isFin }: Chunk): void {
    this.#set(offset, length, () => "acked");
    if (isFin) this.fin = "acked";
  }

  onLost({ offset, length, isFin }: Chunk): void {
    this.#set(offset, length, (fate) => (fate === "acked" ? fate : "lost"));
    if (isFin && this.fin !== "acked") this.fin = "lost";
  }

  #set(offset: number, length: number, change: (fate: Fate) => Fate): void {
    for (let index = offset; index < offset + length; index++) {
      this.fates[index] = change(this.fates[index]!);
    }
  }
}
