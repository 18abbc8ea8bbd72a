/** Subscriptions over WebSocket, each with a ticket of its own. */
import ws from "k6/ws";
import { query, type Subscription, socketUrl } from "./api.ts";
import { delivered, tell, undelivered } from "./measures.ts";
import { habits } from "./profile.ts";

interface Message {
  type: string;
  sequence: number;
  time: string;
}

/** Asks for an event that there is, and waits until it comes. */
export function subscribe(token: string, id: string, sequence: number): void {
  const ticket = query("post", "/v1/tickets", {}, { token, step: "ticket" });
  if (!ticket) return;
  const begun = Date.now();
  let failure = "no event";
  const status = follow(ticket.ticket, { after: sequence - 1, id }, habits.timeout_ms, (message) => {
    failure = message.sequence === sequence ? "" : "another event";
    return false;
  });
  tell("subscribe", Date.now() - begun, status === 101 ? failure : String(status));
}

/** Listens to a workspace for a time. */
export function listen(token: string, milliseconds: number): void {
  const ticket = query("post", "/v1/tickets", {}, { token, step: "ticket" });
  if (!ticket) return;
  const until = Date.now() + milliseconds;
  const status = follow(ticket.ticket, {}, milliseconds, (message) => {
    delivered(Date.now() - Date.parse(message.time));
    return true;
  });
  if (status !== 101) undelivered(String(status));
  else if (Date.now() < until - 100) undelivered("closed");
}

/** Hands over each event until one is the last, or the time is over; answers the status. */
function follow(ticket: string, wanted: Subscription, milliseconds: number, goesOn: (message: Message) => boolean): number {
  const answered = ws.connect(socketUrl(ticket, wanted), {}, (socket) => {
    socket.setTimeout(() => socket.close(), milliseconds);
    socket.on("message", (text) => {
      const message: Message = JSON.parse(text);
      if (message.type !== "position" && !goesOn(message)) socket.close();
    });
  });
  return answered.status;
}
