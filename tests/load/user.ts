/** A user: logs in, and takes one step after the other, each chosen by the weights of the mix. */
import { command, query } from "./api.ts";
import { type Act, habits, mix } from "./profile.ts";
import { subscribe } from "./sockets.ts";

interface Known {
  id: string;
  sequence: number;
}

export const password = "correct horse battery";

export class User {
  private token = "";
  private stepsLeft = 0;
  private written = 0;
  private known: Known[] = [];

  /** The user of an account, whose titles begin with a name. */
  constructor(
    private readonly username: string,
    private readonly name: string,
  ) {}

  /** Takes a step, after logging in if it is time to. */
  act(): void {
    if (this.stepsLeft === 0) this.logIn();
    if (this.stepsLeft === 0) return;
    this.stepsLeft -= 1;
    const known = oneOf(this.known);
    if (!known) return this.upload();
    const acts: Record<Act, () => void> = {
      upload: () => this.upload(),
      edit: () => this.edit(known),
      read: () => this.read(known),
      list: () => this.list(),
      subscribe: () => subscribe(this.token, known.id, known.sequence),
    };
    acts[chosen()]();
  }

  private logIn(): void {
    const body = { username: this.username, password };
    const token = command("post", "/v1/tokens", { body }, { step: "log_in" });
    if (!token) return;
    this.token = token.access_token;
    this.stepsLeft = habits.steps_per_login;
  }

  /** Uploads a text, and reads it as soon as it can be seen. */
  private upload(): void {
    const body = { title: this.title(), text: text(), tags: ["load"] };
    const header = { "Idempotency-Key": body.title };
    const uploaded = command("post", "/v1/documents", { body, header }, { token: this.token, step: "upload" });
    if (!uploaded) return;
    const { id, sequence } = uploaded;
    this.known = [...this.known, { id, sequence }].slice(-habits.documents);
    const parts = { path: { id }, query: { min_sequence: sequence } };
    query("get", "/v1/documents/{id}", parts, { token: this.token, step: "visible", holds: (document) => document.title === body.title });
  }

  private edit(known: Known): void {
    const parts = { path: { id: known.id }, header: { "If-Match": `"${known.sequence}"` }, body: { title: this.title() } };
    const edited = command("put", "/v1/documents/{id}/title", parts, { token: this.token, step: "edit" });
    if (edited) known.sequence = edited.sequence;
    // Whether it happened all the same, nobody has said.
    else this.known = this.known.filter((other) => other !== known);
  }

  private read(known: Known): void {
    const parts = { path: { id: known.id }, query: { min_sequence: known.sequence } };
    query("get", "/v1/documents/{id}", parts, { token: this.token, step: "read", holds: (document) => document.sequence === known.sequence });
  }

  private list(): void {
    const parts = { query: { limit: habits.page } };
    query("get", "/v1/documents", parts, { token: this.token, step: "list", holds: (list) => list.documents.length > 0 });
  }

  /** A title that is like no other. */
  private title(): string {
    this.written += 1;
    return `${this.name}-${this.written}`;
  }
}

/** Seconds between a step and the next. */
export function thinking(): number {
  const [least = 0, most = 0] = habits.think_ms;
  return (least + Math.random() * (most - least)) / 1000;
}

function text(): string {
  return Array.from({ length: habits.text_words }, () => oneOf(habits.words)).join(" ");
}

function chosen(): Act {
  let left = Math.random() * mix.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [act, weight] of mix) {
    left -= weight;
    if (left < 0) return act;
  }
  return "read";
}

function oneOf<T>(things: T[]): T | undefined {
  return things[Math.floor(Math.random() * things.length)];
}
