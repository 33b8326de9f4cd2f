// Counting: a case is one comparison.
import { isDeepStrictEqual } from 'node:util';

export class Check {
  constructor({ verbose = 30 } = {}) { this.cases = 0; this.mismatches = 0; this.by = new Map(); this.verbose = verbose; }

  wrong(path, what, got, want) {
    this.mismatches++;
    this.by.set(path, (this.by.get(path) ?? 0) + 1);
    if (this.by.get(path) <= this.verbose) {
      const short = (v) => { const s = JSON.stringify(v); return s && s.length > 600 ? `${s.slice(0, 600)}…` : s; };
      console.error(`MISMATCH ${path}: ${what}\n   got  ${short(got)}\n   want ${short(want)}`);
    }
  }
  equal(path, what, got, want) {
    this.cases++;
    if (!isDeepStrictEqual(got, want)) this.wrong(path, what, got, want);
  }
  ok(path, what, good, got) {
    this.cases++;
    if (!good) this.wrong(path, what, got, true);
  }
  /** A status, and for refusals the field that the problem names. */
  status(path, what, r, want, field) {
    this.cases++;
    const wants = [want].flat();
    if (!wants.includes(r.status)) return this.wrong(path, what, { status: r.status, body: r.body }, want);
    if (field && r.status >= 400 && !(r.body?.fields && Object.keys(r.body.fields).some((f) => f === field || f.startsWith(`${field}.`))))
      this.wrong(path, `${what}: the field is named`, r.body, field);
  }
}
