"""What a program does with SyncBoard: log in, upload a text, read it as soon as it is visible, edit it, be refused, list, and
hear of all of it over NATS. Usage: example.py RUN_JSON, the file in which a running system says where it is."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import nats
import syncboard_commands
import syncboard_queries
from syncboard_commands.api.accounts import issue_token, register_account
from syncboard_commands.api.documents import retitle_document, upload_document
from syncboard_commands.models import Credentials, RetitleBody, UploadBody
from syncboard_commands.models import Problem as CommandProblem
from syncboard_queries.api.documents import get_document, get_document_content, list_documents
from syncboard_queries.models import Problem as QueryProblem

Answer = TypeVar("Answer")


class Refused(Exception):
    """A problem (RFC 9457); programs tell problems apart by their codes."""

    def __init__(self, problem: CommandProblem | QueryProblem) -> None:
        super().__init__(f"{problem.title} ({problem.code})")
        self.code = problem.code


def accepted(answer: Answer | CommandProblem | QueryProblem | None) -> Answer:
    """The answer, if it is what was asked for."""
    assert answer is not None, "every answer is described"
    if isinstance(answer, CommandProblem | QueryProblem):
        raise Refused(answer)
    return answer


async def main(facts: dict[str, str]) -> None:
    credentials = Credentials(username="ada", password="correct horse battery")
    anonymous = syncboard_commands.Client(base_url=facts["command_url"])
    try:
        accepted(await register_account.asyncio(client=anonymous, body=credentials))
    except Refused as refused:
        if refused.code != "username_taken":
            raise
    token = accepted(await issue_token.asyncio(client=anonymous, body=credentials))
    commands = syncboard_commands.AuthenticatedClient(base_url=facts["command_url"], token=token.access_token)
    queries = syncboard_queries.AuthenticatedClient(base_url=facts["query_url"], token=token.access_token)

    # Programs of the operator hear every workspace; this one listens to one.
    connection = await nats.connect(facts["nats_url"])
    events = await connection.subscribe(f"syncboard.live.{token.workspace_id}.>")
    await connection.flush()

    # With a key of its own the upload can be sent again until it is answered: it makes one document.
    upload = UploadBody(title="Containers", text="A container shares the kernel of its host.", tags=["ops"])
    uploaded = accepted(await upload_document.asyncio(client=commands, body=upload, idempotency_key=str(uuid4())))

    # Waits until the read models show the upload.
    document = accepted(await get_document.asyncio(uploaded.id, client=queries, min_sequence=uploaded.sequence))
    text = accepted(await get_document_content.asyncio(uploaded.id, client=queries))

    # Only if nobody else has changed it; the second time somebody has.
    unchanged, new = f'"{document.sequence}"', RetitleBody(title="Pods")
    retitled = accepted(await retitle_document.asyncio(uploaded.id, client=commands, body=new, if_match=unchanged))
    late = RetitleBody(title="Too late")
    refusal = await retitle_document.asyncio(uploaded.id, client=commands, body=late, if_match=unchanged)

    page = accepted(await list_documents.asyncio(client=queries, tag=["ops"], min_sequence=retitled.sequence))

    heard: list[tuple[str, int]] = []
    while not heard or heard[-1][1] < retitled.sequence:
        event = await events.next_msg(timeout=30)
        headers = event.headers or {}
        heard.append((headers["ce-type"], int(headers["Nats-Sequence"])))
    await connection.close()

    said = {
        "id": str(uploaded.id),
        "title": document.title,
        "text": text,
        "retitled": retitled.sequence,
        "refused": refusal.code if isinstance(refusal, CommandProblem) else None,
        "listed": [listed.title for listed in page.documents],
        "heard": heard,
    }
    print(json.dumps(said, indent=2))


asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
