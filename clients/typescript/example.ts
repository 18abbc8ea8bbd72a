/**
 * What a program does with SyncBoard: log in, upload a text, read it as soon as it is visible, edit it, be refused, list, and
 * hear of all of it over NATS. Usage: node example.ts RUN_JSON, the file in which a running system says where it is.
 */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from '@nats-io/transport-node';
import { createClient as createCommandClient } from './commands/client/index.ts';
import { issueToken, type Problem, registerAccount, retitleDocument, uploadDocument } from './commands/index.ts';
import { createClient as createQueryClient } from './queries/client/index.ts';
import { getDocument, getDocumentContent, listDocuments } from './queries/index.ts';

/** A problem (RFC 9457); programs tell problems apart by their codes. */
class Refused extends Error {
  readonly code: string;

  constructor(problem: Problem) {
    super(`${problem.title} (${problem.code})`);
    this.code = problem.code;
  }
}

/** The answer, if it is what was asked for. */
function accepted<Answer>({ data, error }: { data?: Answer; error?: Problem }): Answer {
  if (data === undefined) throw error === undefined ? new Error('no answer') : new Refused(error);
  return data;
}

const facts: Record<'command_url' | 'query_url' | 'nats_url', string> = JSON.parse(readFileSync(process.argv[2]!, 'utf8'));
const anonymous = createCommandClient({ baseUrl: facts.command_url });
const credentials = { username: 'ada', password: 'correct horse battery' };
const registered = await registerAccount({ client: anonymous, body: credentials });
if (registered.error !== undefined && registered.error.code !== 'username_taken') throw new Refused(registered.error);
const token = accepted(await issueToken({ client: anonymous, body: credentials }));
const commands = createCommandClient({ baseUrl: facts.command_url, auth: token.access_token });
const queries = createQueryClient({ baseUrl: facts.query_url, auth: token.access_token });

// Programs of the operator hear every workspace; this one listens to one.
const server = new URL(facts.nats_url);
const connection = await connect({ servers: server.host, user: server.username, pass: server.password });
const events = connection.subscribe(`syncboard.live.${token.workspace_id}.>`);
await connection.flush();

// With a key of its own the upload can be sent again until it is answered: it makes one document.
const uploaded = accepted(
  await uploadDocument({
    client: commands,
    body: { title: 'Containers', text: 'A container shares the kernel of its host.', tags: ['ops'] },
    headers: { 'Idempotency-Key': randomUUID() },
  }),
);

// Waits until the read models show the upload.
const path = { id: uploaded.id };
const document = accepted(await getDocument({ client: queries, path, query: { min_sequence: uploaded.sequence } }));
const text = accepted(await getDocumentContent({ client: queries, path }));

// Only if nobody else has changed it; the second time somebody has.
const headers = { 'If-Match': `"${document.sequence}"` };
const retitled = accepted(await retitleDocument({ client: commands, path, headers, body: { title: 'Pods' } }));
const refusal = await retitleDocument({ client: commands, path, headers, body: { title: 'Too late' } });

const page = accepted(
  await listDocuments({ client: queries, query: { tag: ['ops'], min_sequence: retitled.sequence } }),
);

const heard: [type: string, sequence: number][] = [];
for await (const event of events) {
  const sequence = Number(event.headers?.get('Nats-Sequence'));
  heard.push([event.headers?.get('ce-type') ?? '', sequence]);
  if (sequence >= retitled.sequence) break;
}
await connection.close();

const said = {
  id: uploaded.id,
  title: document.title,
  text,
  retitled: retitled.sequence,
  refused: refusal.error?.code,
  listed: page.documents.map((listed) => listed.title),
  heard,
};
console.log(JSON.stringify(said, null, 2));
