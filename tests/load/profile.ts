/** What is asked for: a profile of profiles.json in one of its forms, and where the services are. */
import type { Stage } from "k6/options";
import type json from "./profiles.json";

export type Act = "upload" | "edit" | "read" | "list" | "subscribe";

export interface Form {
  stages: Stage[];
  /** Accounts, each with a workspace, that the users share; one for each user if absent. */
  accounts?: number;
  /** Subscribers that stay for the whole time. */
  listeners?: number;
}

interface Profile {
  name: string;
  mix: string;
  full: Form;
  short: Form;
}

interface Profiles {
  thresholds: { p95_ms: number; p99_ms: number; failed: number };
  habits: {
    think_ms: number[];
    timeout_ms: number;
    steps_per_login: number;
    documents: number;
    page: number;
    text_words: number;
    words: string[];
  };
  mixes: Record<string, Partial<Record<Act, number>>>;
  profiles: Profile[];
}

const read: typeof json = JSON.parse(open("./profiles.json"));
// The compiler holds the file against what is made of it here.
const profiles: Profiles = read;

export const { habits, thresholds } = profiles;
const profile = named(__ENV.PROFILE ?? "smoke");
export const form: Form = __ENV.FORM === "full" ? profile.full : profile.short;
export const mix = Object.entries(profiles.mixes[profile.mix] ?? {}) as [Act, number][];
export const commandUrl = address(__ENV.COMMAND_URL ?? "http://127.0.0.1:8080");
export const queryUrl = address(__ENV.QUERY_URL ?? "http://127.0.0.1:8081");

/** User names of the accounts of one run, and of no other; to be asked once, as each VU has a clock of its own. */
export function usernames(): string[] {
  const run = __ENV.RUN ?? Date.now().toString(16);
  const users = Math.max(...form.stages.map((stage) => stage.target));
  return Array.from({ length: form.accounts ?? users }, (_, n) => `load-${run}-${n}`);
}

/** How long the stages take. */
export const seconds = form.stages.map((stage) => inSeconds(stage.duration)).reduce((sum, more) => sum + more);

function named(name: string): Profile {
  const profile = profiles.profiles.find((profile) => profile.name === name);
  if (profile) return profile;
  throw new Error(`${name} is none of ${profiles.profiles.map((profile) => profile.name).join(", ")}`);
}

function inSeconds(duration: string): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(duration) ?? [];
  if (!count) throw new Error(`${duration} is not a duration such as 90s or 2m`);
  return Number(count) * (unit === "h" ? 3600 : unit === "m" ? 60 : 1);
}

function address(url: string): string {
  const isLoopback = /^http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(url);
  if (isLoopback || __ENV.ANY_HOST === "1") return url;
  throw new Error(`${url} is not on this machine; ANY_HOST=1 allows it`);
}
