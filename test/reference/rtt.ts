/** Twin of assembly/recovery/rtt.ts: RFC 9002 §5.3 in whole microseconds, rounded down. */
export class RttTwin {
  smoothed: number;
  variance: number;
  minimum = 0;
  latest = 0;
  hasSample = false;

  constructor(initialRtt: number) {
    this.smoothed = initialRtt;
    this.variance = Math.floor(initialRtt / 2);
  }

  update(sample: number, ackDelay: number, maxAckDelay: number): void {
    this.latest = sample;
    if (!this.hasSample) {
      this.hasSample = true;
      this.minimum = sample;
      this.smoothed = sample;
      this.variance = Math.floor(sample / 2);
      return;
    }
    this.minimum = Math.min(this.minimum, sample);
    const delay = Math.min(ackDelay, maxAckDelay);
    const adjusted = sample >= this.minimum + delay ? sample - delay : sample;
    this.variance = Math.floor((3 * this.variance + Math.abs(this.smoothed - adjusted)) / 4);
    this.smoothed = Math.floor((7 * this.smoothed + adjusted) / 8);
  }
}
