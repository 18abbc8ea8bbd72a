/** What is measured, under the names that the report reads. */
import { Rate, Trend } from "k6/metrics";

export type Step = "log_in" | "upload" | "visible" | "edit" | "read" | "list" | "ticket" | "subscribe";

const request = new Trend("request", true);
const delivery = new Trend("delivery", true);
const failed = new Rate("failed");

/** Tells of a step that took some milliseconds, and why it failed if it did. */
export function tell(step: Step, took: number, failure = ""): void {
  request.add(took, { step, failure });
  failed.add(failure !== "");
}

/** Tells of an event that came so many milliseconds after its time. */
export function delivered(took: number): void {
  delivery.add(Math.max(took, 0), { failure: "" });
  failed.add(false);
}

/** Tells of a subscription that ended by itself. */
export function undelivered(failure: string): void {
  delivery.add(0, { failure });
  failed.add(true);
}
