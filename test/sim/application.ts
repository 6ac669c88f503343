/**
 * The application at one end of one connection: opens the streams of the plan, answers those of the peer, reads,
 * writes, cuts, and checks every event. It is done when every task of the plan is done at this end.
 */
import type { EndpointEngine, EngineEvent } from "../../host/shared/engine/contract.ts";
import { contentBytes, mismatchIndex } from "./content.ts";
import { OracleFailure, require } from "./failure.ts";
import { type StreamPlace, ReceiveHalf, SendHalf, WOULD_BLOCK } from "./halves.ts";
import type { Cut, Side, TaskPlan, WorkPlan } from "./plan.ts";

/** What a cancelling opener gives as code for the half that it stops. */
const CANCEL_STOP_CODE = 7;
const OPEN_RETRY_US = 5000;

class TaskStream {
  readonly task: TaskPlan;
  readonly isOpener: boolean;
  readonly stream: bigint;
  readonly send: SendHalf;
  readonly receive: ReceiveHalf;
  isCutMade = false;

  constructor(task: TaskPlan, isOpener: boolean, place: StreamPlace) {
    const isMessages = task.streamKind === "messages";
    this.task = task;
    this.isOpener = isOpener;
    this.stream = place.stream;
    this.send = new SendHalf(isOpener ? task.forward : task.backward, place, isMessages);
    this.receive = new ReceiveHalf(isOpener ? task.backward : task.forward, place, isMessages);
    const { cut } = task;
    if (cut === null) return;
    // Whoever will be stopped keeps the end back, so that only the stop can end it.
    const isStopped = cut.kind === (isOpener ? "stop" : "cancel");
    if (isStopped) this.send.sendLimit = this.send.plan.size - 1;
    else if (isOpener) this.send.sendLimit = cut.atBytes;
    this.receive.mayBreak = true;
  }

  get isDone(): boolean {
    return this.send.isDone && this.receive.isDone;
  }
}

export interface ApplicationOptions {
  readonly engine: EndpointEngine;
  readonly connection: number;
  readonly side: Side;
  readonly plan: WorkPlan;
  /** Largest message payload that the peer takes. */
  readonly peerMessageBytesMax: number;
  /** Its engine breaks a rule on purpose: what it takes from the application is not judged. */
  readonly isViolator: boolean;
  readonly isRefusal: (status: number) => boolean;
  readonly label: string;
  /** Runs `action` after virtual time as a turn of its own of this endpoint. */
  readonly after: (delayUs: number, action: () => void) => void;
}

export class Application {
  readonly options: ApplicationOptions;
  readonly streams = new Map<bigint, TaskStream>();
  readonly #byTask = new Map<number, TaskStream>();
  readonly #datagramsDue = new Map<number, { readonly salt: number; readonly size: number }>();
  readonly #toOpen: TaskPlan[] = [];
  datagramsReceived = 0;
  isClosed = false;

  constructor(options: ApplicationOptions) {
    this.options = options;
    for (const [index, datagram] of options.plan.datagrams.entries()) {
      if (datagram.from !== options.side) this.#datagramsDue.set(index, datagram);
    }
  }

  /** Schedules everything that this side begins. */
  start(): void {
    const { plan, side, after } = this.options;
    for (const task of plan.tasks) {
      if (task.opener === side) after(task.startUs, () => this.#wantOpen(task));
    }
    for (const [index, datagram] of plan.datagrams.entries()) {
      if (datagram.from === side) after(datagram.atUs, () => this.#sendDatagram(index));
    }
  }

  get isDone(): boolean {
    return this.#undoneTasks().length === 0;
  }

  /** Tasks that keep the run from ending, in words. */
  describeUndone(): string {
    const undone = this.#undoneTasks();
    const open = undone.flatMap(({ index, streamKind }) => {
      const one = this.#byTask.get(index);
      if (one === undefined) return [];
      const { send, receive, stream } = one;
      return [`task ${index} ${streamKind} ${stream} ${send.describe()}, ${receive.describe()}`];
    });
    const closed = undone.length - open.length;
    return `${this.options.label}: ${open.slice(0, 5).join("; ")}; ${closed} tasks not open`;
  }

  #undoneTasks(): TaskPlan[] {
    return this.options.plan.tasks.filter((task) => {
      const open = this.#byTask.get(task.index);
      if (open !== undefined) return !open.isDone;
      // A stream that was given up before its first packet arrived need not become known to the acceptor.
      const isInvisible = task.opener !== this.options.side && task.cut?.isEarly === true;
      return !isInvisible;
    });
  }

  #place(stream: bigint, task: TaskPlan): StreamPlace {
    const { engine, connection, label, isRefusal } = this.options;
    return {
      engine,
      connection,
      isRefusal,
      stream,
      label: `${label} task ${task.index} stream ${stream}`,
    };
  }

  #wantOpen(task: TaskPlan): void {
    this.#toOpen.push(task);
    if (this.#toOpen.length === 1) this.#openWaiting();
  }

  /** Opens in order; what the peer's limit holds back is tried again later. */
  #openWaiting(): void {
    for (let task = this.#toOpen[0]; task !== undefined; task = this.#toOpen[0]) {
      if (this.isClosed) return;
      if (!this.#open(task)) {
        this.options.after(OPEN_RETRY_US, () => this.#openWaiting());
        return;
      }
      this.#toOpen.shift();
    }
  }

  /** False when the peer allows no further stream now. */
  #open(task: TaskPlan): boolean {
    const { engine, connection, peerMessageBytesMax, isViolator } = this.options;
    const stream = engine.openStream(connection, {
      kind: task.streamKind,
      band: task.band,
      protocol: `task/${task.index}`,
    });
    if (stream < 0n) {
      require(Number(stream) === WOULD_BLOCK, "open-stream", () => `openStream answered ${stream}`);
      return false;
    }
    const open = this.#remember(new TaskStream(task, true, this.#place(stream, task)));
    if (task.triesTooLarge) open.send.tryTooLarge(peerMessageBytesMax + 1, isViolator);
    this.#advance(open);
    return true;
  }

  #remember(open: TaskStream): TaskStream {
    const { label } = this.options;
    const isNew = !this.streams.has(open.stream) && !this.#byTask.has(open.task.index);
    require(isNew, "stream-opened", () => `${label}: stream ${open.stream} opened twice`);
    this.streams.set(open.stream, open);
    this.#byTask.set(open.task.index, open);
    return open;
  }

  #sendDatagram(index: number): void {
    if (this.isClosed) return;
    const { engine, connection, plan } = this.options;
    const datagram = plan.datagrams[index];
    if (datagram === undefined) return;
    const payload = contentBytes(datagram.salt, datagram.size);
    // The first bytes name the datagram, so that the receiver finds what it must equal.
    new DataView(payload.buffer).setUint32(0, index, true);
    const result = engine.sendDatagram(connection, payload);
    require(result === 0, "datagram", () => `sendDatagram answered ${result}`);
  }

  /** Sends and cuts as far as it goes now. */
  #advance(open: TaskStream): void {
    const { task, isOpener } = open;
    if (isOpener || task.isBackwardAtOnce || open.receive.isDone) this.#pump(open.send);
    if (task.cut !== null) this.#cut(open, task.cut);
  }

  #pump(send: SendHalf): void {
    if (!send.pump()) return;
    this.options.after(send.plan.endDelayUs, () => {
      if (!this.isClosed) send.writeEnd();
    });
  }

  #cut(open: TaskStream, cut: Cut): void {
    if (open.isCutMade) return;
    const { engine, connection } = this.options;
    if (open.isOpener && cut.kind !== "stop") {
      const isSeen = cut.isEarly || open.receive.received > 0;
      if (open.send.taken < cut.atBytes || !isSeen) return;
      open.isCutMade = true;
      open.send.isGivenUp = true;
      engine.reset(connection, open.stream, cut.code);
      if (cut.kind === "cancel" && !open.receive.isDone) {
        open.receive.isGivenUp = true;
        engine.stop(connection, open.stream, CANCEL_STOP_CODE);
      }
    } else if (!open.isOpener && cut.kind === "stop" && open.receive.received >= cut.atBytes) {
      open.isCutMade = true;
      if (open.receive.isDone) return;
      open.receive.isGivenUp = true;
      engine.stop(connection, open.stream, cut.code);
    }
  }

  #read(open: TaskStream): void {
    if (this.isClosed || open.receive.isPaced) return;
    const { pace } = open.receive.plan;
    if (open.receive.read() && pace !== null) {
      open.receive.isPaced = true;
      this.options.after(pace.intervalUs, () => {
        open.receive.isPaced = false;
        this.#read(open);
      });
    }
    this.#advance(open);
  }

  /** Takes one event of this connection. */
  handle(event: EngineEvent): void {
    const { label } = this.options;
    require(!this.isClosed, "after-close", () => `${label}: ${event.kind} after closed`);
    switch (event.kind) {
      case "stream-opened":
        return this.#accept(event);
      case "datagram":
        return this.#receiveDatagram(event.payload);
      case "readable":
        return this.#read(this.#find(event.stream));
      case "writable":
        return this.#advance(this.#find(event.stream));
      case "stream-acknowledged":
        return this.#find(event.stream).send.acknowledged();
      case "stream-reset":
        return this.#peerReset(this.#find(event.stream), event.code);
      case "stream-stopped":
        return this.#peerStopped(this.#find(event.stream), event.code);
      case "streams-available":
        return this.#openWaiting();
      case "closed":
        this.isClosed = true;
        return;
      default:
        throw new OracleFailure("event", `${label}: ${event.kind} was not expected`);
    }
  }

  #find(stream: bigint): TaskStream {
    const open = this.streams.get(stream);
    if (open === undefined) {
      throw new OracleFailure("event", `${this.options.label}: stream ${stream} is not known`);
    }
    return open;
  }

  #accept(event: EngineEvent & { readonly kind: "stream-opened" }): void {
    const { plan, side, label } = this.options;
    const task = plan.tasks[Number(event.protocol.replace("task/", ""))];
    const isRight =
      task !== undefined &&
      task.opener !== side &&
      task.streamKind === event.streamKind &&
      task.band === event.band;
    if (!isRight) {
      throw new OracleFailure("stream-opened", `${label}: ${event.stream} is ${event.protocol}?`);
    }
    const open = this.#remember(new TaskStream(task, false, this.#place(event.stream, task)));
    this.#advance(open);
  }

  #receiveDatagram(payload: Uint8Array): void {
    const { label } = this.options;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    const index = view.getUint32(0, true);
    const due = this.#datagramsDue.get(index);
    const isEqual =
      due !== undefined &&
      payload.length === due.size &&
      mismatchIndex(due.salt, 4, payload.subarray(4)) < 0;
    require(isEqual, "datagram", () => `${label}: datagram ${index} is wrong or came twice`);
    this.#datagramsDue.delete(index);
    this.datagramsReceived++;
  }

  #peerReset(open: TaskStream, code: number): void {
    const { label } = this.options;
    const { cut, index } = open.task;
    const { receive } = open;
    const where = `${label} task ${index}`;
    const isFirst = !receive.isReset && !receive.isEnded;
    require(isFirst && receive.mayBreak, "stream-reset", () => `${where}: reset was not expected`);
    const isByCut = !open.isOpener && cut !== null && cut.kind !== "stop";
    require(!isByCut || code === cut.code, "stream-reset", () =>
      `${where}: code ${code} instead of ${cut?.code}`);
    // Where nobody cut on purpose, only an answer to our own stop may reset.
    require(isByCut || receive.isGivenUp, "stream-reset", () => `${where}: nobody reset it`);
    receive.isReset = true;
    this.#advance(open);
  }

  #peerStopped(open: TaskStream, code: number): void {
    const { engine, connection, label } = this.options;
    const { cut, index } = open.task;
    const { send } = open;
    const expected = open.isOpener ? cut?.code : CANCEL_STOP_CODE;
    const isStopTask = cut !== null && cut.kind === (open.isOpener ? "stop" : "cancel");
    require(isStopTask && !send.isStopped && code === expected, "stream-stopped", () =>
      `${label} task ${index}: stop with code ${code} was not expected`);
    send.isStopped = true;
    if (send.isAcknowledged) return;
    send.isGivenUp = true;
    engine.reset(connection, open.stream, code);
  }
}
