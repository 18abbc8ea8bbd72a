//! What a person sees when everything is ready.

use crate::facts::Facts;

/// The screen, at most 80 columns wide for usual addresses.
pub(crate) fn ready(facts: &Facts) -> String {
    let Facts { command_url, query_url, projector_url, nats_url, nats_subject, data, logs, durability, .. } = facts;
    format!(
        "\nSyncBoard Knowledge Bank is ready.\n\n\
         \x20 write   {command_url}/docs\n\
         \x20 read    {query_url}/docs\n\
         \x20 health  {command_url}/health   {query_url}/health\n\
         \x20 metrics {command_url}/metrics  {query_url}/metrics\n\
         \x20         {projector_url}/metrics\n\
         \x20 events  {nats_subject} on\n\
         \x20         {nats_url}\n\
         \x20 data    {}\n\
         \x20 logs    {}\n\
         \x20 log     {durability}\n\n\
         Try next, in another terminal:\n\n\
         \x20 cargo run --release -- upload README.md docs\n\
         \x20 curl {query_url}/health\n\n\
         Ctrl-C stops everything; the data stays.\n",
        data.display(),
        logs.display(),
    )
}
