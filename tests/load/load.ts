/** Load on a running system: `k6 run -e PROFILE=ramp -e FORM=full tests/load/load.ts`; docs/load.md has the rest. */
import { sleep } from "k6";
import exec from "k6/execution";
import type { Options } from "k6/options";
import { command } from "./api.ts";
import { form, seconds, thresholds, usernames } from "./profile.ts";
import { listen } from "./sockets.ts";
import { password, thinking, User } from "./user.ts";

/** Seconds that a step may take when its user is to leave, and that listeners hear what was written last. */
const GRACE = 15;
const DRAIN = 2;

const limits = [`p(95)<${thresholds.p95_ms}`, `p(99)<${thresholds.p99_ms}`];
const users = { executor: "ramping-vus", exec: "user", startVUs: 0, stages: form.stages, gracefulRampDown: `${GRACE}s`, gracefulStop: `${GRACE}s` } as const;
const listeners = { executor: "per-vu-iterations", exec: "listener", vus: form.listeners ?? 0, maxDuration: `${seconds + DRAIN + GRACE}s` } as const;

export const options: Options = {
  scenarios: form.listeners ? { users, listeners } : { users },
  thresholds: { request: limits, delivery: limits, failed: [`rate<${thresholds.failed}`] },
  setupTimeout: "5m",
  systemTags: ["scenario"],
};

interface Account {
  username: string;
  /** For listeners, who are too many to log in at once. */
  token: string;
}

/** Registers the accounts, which is no part of the load. */
export function setup(): Account[] {
  return usernames().map((username) => {
    const body = { username, password };
    if (!command("post", "/v1/accounts", { body })) throw new Error(`${username} cannot be registered`);
    const token = form.listeners ? command("post", "/v1/tokens", { body })?.access_token : undefined;
    return { username, token: token ?? "" };
  });
}

let self: User | undefined;

/** One step of a user. */
export function user(accounts: Account[]): void {
  self ??= new User(mine(accounts).username, `${mine(accounts).username}-${exec.vu.idInTest}`);
  self.act();
  sleep(thinking());
}

/** A listener's whole life. */
export function listener(accounts: Account[]): void {
  const end = exec.scenario.startTime + (seconds + DRAIN) * 1000;
  listen(mine(accounts).token, end - Date.now());
}

/** The account of a VU; where there are fewer of them than VUs, these share them evenly. */
function mine(accounts: Account[]): Account {
  const account = accounts[exec.vu.idInTest % accounts.length];
  if (!account) throw new Error("there are no accounts");
  return account;
}
