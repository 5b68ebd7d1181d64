// How figures are told: with the machine, its load, and whether each keeps its budget.

import { cpus, loadavg } from "node:os";
import type { Page } from "@playwright/test";

/** Where and on what it was measured. Under load only processor times mean anything. */
export function conditions(page: Page): string {
  const load = loadavg().map((it) => it.toFixed(1)).join(" ");
  const server = process.env["SHEAF_BIN"] ?? "target/release/sheaf";
  return `${cpus().length} × ${cpus()[0]?.model}, load ${load}, Chromium ${page.context().browser()?.version()}, server ${server}`;
}

/** The figure below which `share` of `took` lies. */
export function at(took: readonly number[], share: number): number {
  const sorted = [...took].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** What may be at most: a share of all times, and milliseconds. */
export type Budget = { share: number; ms: number };

export function told(what: string, took: readonly number[], ...budgets: Budget[]): string {
  const figures = [0.5, 0.95, 0.99, 1].map((share) => `${share === 1 ? "most" : `p${share * 100}`} ${at(took, share).toFixed(1)}`).join(", ");
  const verdicts = budgets.map(({ share, ms }) => `${at(took, share) <= ms ? "keeps" : "MISSES"} p${share * 100} ≤ ${ms} ms`);
  return [`${what}: ${figures} ms (${took.length} times)`, ...verdicts].join("; ");
}
