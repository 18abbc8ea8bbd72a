//! What the log's server says of the stream, as metrics of whoever asked for its head.

use crate::metrics::{
    LOG_BYTES, LOG_CONSUMERS, LOG_EVENTS, LOG_HAS_LEADER, LOG_LAST_APPEND, LOG_LAST_SEQUENCE, LOG_REPLICAS,
};
use async_nats::jetstream::stream::{ClusterInfo, Info};
use metrics::gauge;

/// A question to the server. Whoever asks may stop waiting before the server has said anything: then too it has not answered.
#[derive(Default)]
pub(super) struct Asked {
    is_answered: bool,
}

impl Asked {
    /// The server has answered.
    pub(super) fn answered(mut self, info: &Info) {
        self.is_answered = true;
        observe(info);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.is_answered {
            gauge!(LOG_HAS_LEADER).set(0.0);
        }
    }
}

fn observe(info: &Info) {
    let state = &info.state;
    gauge!(LOG_LAST_SEQUENCE).set(state.last_sequence as f64);
    gauge!(LOG_EVENTS).set(state.messages as f64);
    gauge!(LOG_BYTES).set(state.bytes as f64);
    gauge!(LOG_CONSUMERS).set(state.consumer_count as f64);
    // Of an empty stream the server says the year 1.
    gauge!(LOG_LAST_APPEND).set(state.last_timestamp.unix_timestamp().max(0) as f64);
    // Without a cluster the server that answered is the leader.
    let has_leader =
        info.cluster.as_ref().is_none_or(|cluster| cluster.leader.as_ref().is_some_and(|name| !name.is_empty()));
    gauge!(LOG_HAS_LEADER).set(if has_leader { 1.0 } else { 0.0 });
    for (state, number) in replicas(info.cluster.as_ref()) {
        gauge!(LOG_REPLICAS, "state" => state).set(number as f64);
    }
}

fn replicas(cluster: Option<&ClusterInfo>) -> [(&'static str, usize); 3] {
    let peers = cluster.map_or(&[][..], |cluster| &cluster.replicas);
    let offline = peers.iter().filter(|peer| peer.offline).count();
    let current = peers.iter().filter(|peer| peer.current && !peer.offline).count();
    [("current", current), ("behind", peers.len() - offline - current), ("offline", offline)]
}
