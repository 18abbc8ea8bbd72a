/** Requests to both services. The OpenAPI documents are their types: a path, parameter or field that is not there does not compile. */
import http from "k6/http";
import type { FilterKeys, HttpMethod, PathsWithMethod, SuccessResponse } from "openapi-typescript-helpers";
import type { paths as Commands } from "./generated/command-service";
import type { paths as Queries } from "./generated/query-service";
import { type Step, tell } from "./measures.ts";
import { commandUrl, habits, queryUrl } from "./profile.ts";

type Values = Record<string, string | number>;
type Json = `application/json${string}`;

/** What an operation takes. */
type Request<O> = Omit<FilterKeys<O, "parameters">, "cookie"> &
  (O extends { requestBody: { content: { "application/json": infer Body } } } ? { body: Body } : unknown);

/** What it answers where it succeeds. */
type Answer<O> = O extends { responses: infer Responses extends Record<number, any> } ? SuccessResponse<Responses, Json> : never;

/** What is given, with nothing in it that is not taken; a variable may otherwise hold more than its type says. */
type Exact<Given, Taken> = {
  [K in keyof Given]: K extends keyof Taken
    ? Given[K] extends readonly unknown[] | string | number
      ? Given[K]
      : Exact<Given[K], NonNullable<Taken[K]>>
    : never;
};

interface Caller<Answer> {
  token?: string;
  /** The step that this is, if it is measured. */
  step?: Step;
  /** What must hold of the answer beside its status. */
  holds?: (answer: Answer) => boolean;
}

export type Token = Answer<Commands["/v1/tokens"]["post"]>;
export type Subscription = NonNullable<Queries["/v1/events/socket"]["get"]["parameters"]["query"]>;
export const command = service<Commands>(commandUrl);
export const query = service<Queries>(queryUrl);

/** The address of a socket. */
export function socketUrl(ticket: string, wanted: Subscription): string {
  const path: PathsWithMethod<Queries, "get"> = "/v1/events/socket";
  return queryUrl.replace(/^http/, "ws") + path + search({ ...(wanted as Values), ticket });
}

function service<Paths extends {}>(url: string) {
  return function send<
    M extends HttpMethod,
    P extends PathsWithMethod<Paths, M> & string,
    R extends Request<FilterKeys<Paths[P], M>>,
  >(
    method: M,
    path: P,
    request: R & Exact<R, Request<FilterKeys<Paths[P], M>>>,
    caller: Caller<Answer<FilterKeys<Paths[P], M>>> = {},
  ): Answer<FilterKeys<Paths[P], M>> | undefined {
    const { path: parts = {}, query = {}, header = {}, body } = request as {
      path?: Values;
      query?: Values;
      header?: Record<string, string>;
      body?: unknown;
    };
    const filled = path.replace(/{(\w+)}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ""));
    const headers: Record<string, string> = { ...header };
    if (body) headers["Content-Type"] = "application/json";
    if (caller.token) headers.Authorization = `Bearer ${caller.token}`;
    const begun = Date.now();
    const answered = http.request(method.toUpperCase(), url + filled + search(query), body ? JSON.stringify(body) : null, {
      headers,
      timeout: habits.timeout_ms,
      tags: { name: path },
    });
    const isOk = answered.status >= 200 && answered.status < 300;
    const answer = isOk ? (answered.json() as Answer<FilterKeys<Paths[P], M>>) : undefined;
    let failure = "";
    if (answer === undefined) failure = answered.status ? String(answered.status) : "no answer";
    else if (caller.holds && !caller.holds(answer)) failure = "not what was asked for";
    if (caller.step) tell(caller.step, answered.status ? answered.timings.duration : Date.now() - begun, failure);
    return failure ? undefined : answer;
  };
}

function search(values: Values): string {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length ? `?${pairs.join("&")}` : "";
}
