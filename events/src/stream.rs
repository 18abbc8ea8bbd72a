//! Streams and their subjects. One subject is one stream, so the log's expected-sequence check guards one aggregate; the
//! partition comes first so that a consumer can filter its share on the server.

use crate::ids::{self, AccountId, ClusterId, ConceptId, DocumentId, WorkspaceId};
use std::fmt;
use uuid::Uuid;

/// How many partitions the subjects are spread over. Fixed for ever: it is part of every subject.
pub const PARTITIONS: u64 = 16;
/// First tokens of every subject in the log.
pub const PREFIX: &str = "syncboard.events";
/// First tokens of the subjects on which the server republishes each event.
pub const LIVE_PREFIX: &str = "syncboard.live";
/// The workspace token of streams that belong to no workspace.
const SYSTEM: &str = "system";

/// The kinds of aggregate that the log knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// A document of a workspace.
    Document,
    /// A cluster of a workspace's documents.
    Cluster,
    /// A concept of a workspace.
    Concept,
    /// An account, outside every workspace.
    Account,
    /// A kind that this program does not know: its events are for a newer one to read.
    Unknown(Token),
}

/// A token of a subject that stands for nothing that this program knows: at most 16 small letters, digits and `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token([u8; 16]);

impl Token {
    fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let mut token = [0; 16];
        token.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        (!text.is_empty() && text.bytes().all(is_plain)).then_some(Self(token))
    }

    fn text(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

impl Aggregate {
    /// Every kind that is known, for those who list them.
    pub const ALL: [Self; 4] = [Self::Document, Self::Cluster, Self::Concept, Self::Account];

    /// The token that stands in subjects and event types.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Document => "document",
            Self::Cluster => "cluster",
            Self::Concept => "concept",
            Self::Account => "account",
            Self::Unknown(token) => token.text(),
        }
    }

    /// The kind with a name; `None` if nothing can have that name.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|aggregate| aggregate.name() == token);
        known.or_else(|| Token::parse(token).map(Self::Unknown))
    }
}

/// All events of one aggregate instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// The owning workspace; `None` for streams of the system itself.
    pub workspace: Option<WorkspaceId>,
    /// What kind of aggregate.
    pub aggregate: Aggregate,
    /// Which one.
    pub id: Uuid,
}

/// The partition of a workspace, or of what belongs to none, below [`PARTITIONS`]: FNV-1a, 64 bits, its halves folded
/// together.
#[must_use]
pub fn partition(workspace: Option<WorkspaceId>) -> u64 {
    let bytes = workspace.as_ref().map_or(SYSTEM.as_bytes(), |workspace| workspace.0.as_bytes());
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 32)) % PARTITIONS
}

impl Stream {
    /// The stream of a document.
    #[must_use]
    pub const fn document(workspace: WorkspaceId, id: DocumentId) -> Self {
        Self { workspace: Some(workspace), aggregate: Aggregate::Document, id: id.0 }
    }

    /// The stream of what users decide about a cluster.
    #[must_use]
    pub const fn cluster(workspace: WorkspaceId, id: ClusterId) -> Self {
        Self { workspace: Some(workspace), aggregate: Aggregate::Cluster, id: id.0 }
    }

    /// The stream of what users decide about a concept.
    #[must_use]
    pub const fn concept(workspace: WorkspaceId, id: ConceptId) -> Self {
        Self { workspace: Some(workspace), aggregate: Aggregate::Concept, id: id.0 }
    }

    /// The stream of an account.
    #[must_use]
    pub const fn account(id: AccountId) -> Self {
        Self { workspace: None, aggregate: Aggregate::Account, id: id.0 }
    }

    /// Where its events stand: `syncboard.events.<partition>.<workspace>.<aggregate>.<id>`.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{PREFIX}.{}.{}.{}.{}", self.partition(), self.workspace_token(), self.aggregate.name(), self.id)
    }

    /// The subject, with wildcards, of a workspace's streams: of all, of one kind, of one id.
    #[must_use]
    pub fn subject_of_many(workspace: WorkspaceId, aggregate: Option<Aggregate>, id: Option<Uuid>) -> String {
        let any = Self { workspace: Some(workspace), aggregate: Aggregate::Document, id: Uuid::nil() };
        let aggregate = aggregate.as_ref().map_or("*", Aggregate::name);
        let id = id.map_or_else(|| "*".to_owned(), |id| id.to_string());
        format!("{PREFIX}.{}.{workspace}.{aggregate}.{id}", any.partition())
    }

    /// Reads a subject of the log back; `None` if it is not one.
    #[must_use]
    pub fn parse(subject: &str) -> Option<Self> {
        let mut tokens = subject.strip_prefix(PREFIX)?.strip_prefix('.')?.split('.');
        let (partition, workspace, aggregate, id) = (tokens.next()?, tokens.next()?, tokens.next()?, tokens.next()?);
        let workspace = match workspace {
            SYSTEM => None,
            id => Some(WorkspaceId(Uuid::parse_str(id).ok()?)),
        };
        let stream = Self { workspace, aggregate: Aggregate::parse(aggregate)?, id: Uuid::parse_str(id).ok()? };
        (tokens.next().is_none() && partition.parse() == Ok(stream.partition())).then_some(stream)
    }

    /// The stream of any subject. What no program of any version writes, as it was sent by hand, is a stream of its own
    /// outside every workspace, of which nobody can read anything.
    #[must_use]
    pub fn of(subject: &str) -> Self {
        let astray = || Self {
            workspace: None,
            aggregate: Aggregate::Unknown(Token(*b"no_subject\0\0\0\0\0\0")),
            id: ids::derive("no-subject", &[subject.as_bytes()]),
        };
        Self::parse(subject).unwrap_or_else(astray)
    }

    /// The partition of the stream's workspace.
    #[must_use]
    pub fn partition(&self) -> u64 {
        partition(self.workspace)
    }

    fn workspace_token(&self) -> impl fmt::Display {
        struct Token(Option<WorkspaceId>);
        impl fmt::Display for Token {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    Some(workspace) => workspace.fmt(f),
                    None => f.write_str(SYSTEM),
                }
            }
        }
        Token(self.workspace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(n: u128) -> Stream {
        Stream::document(WorkspaceId(Uuid::from_u128(n)), DocumentId(Uuid::from_u128(7)))
    }

    #[test]
    fn a_subject_reads_back_as_its_stream() {
        for stream in [document(1), Stream::account(AccountId(Uuid::from_u128(3)))] {
            assert_eq!(Stream::parse(&stream.subject()), Some(stream));
        }
    }

    #[test]
    fn many_streams_have_one_subject_with_wildcards() {
        let stream = document(1);
        let workspace = stream.workspace.expect("a document has a workspace");
        let all = Stream::subject_of_many(workspace, None, None);
        assert_eq!(all, format!("{PREFIX}.11.{workspace}.*.*"));
        let one = Stream::subject_of_many(workspace, Some(Aggregate::Document), Some(stream.id));
        assert_eq!(one, stream.subject());
    }

    #[test]
    fn what_is_no_subject_of_the_log_is_refused() {
        let subject = document(1).subject();
        for wrong in ["", "syncboard.events", "syncboard.events.1.system.account.x", &format!("{subject}.more")] {
            assert_eq!(Stream::parse(wrong), None, "{wrong}");
        }
        let elsewhere = format!("{PREFIX}.{}", (document(1).partition() + 1) % PARTITIONS);
        assert_eq!(
            Stream::parse(&subject.replacen(&format!("{PREFIX}.{}", document(1).partition()), &elsewhere, 1)),
            None
        );
    }

    #[test]
    fn a_kind_of_aggregate_that_is_not_known_keeps_its_name() {
        for name in ["folder", "a", "sixteen_letters_"] {
            let subject = document(1).subject().replace("document", name);
            let stream = Stream::parse(&subject).expect("a newer program may write it");
            assert_eq!((stream.aggregate.name(), stream.subject()), (name, subject));
        }
        for name in ["", "Folder", "seventeen_letters"] {
            let subject = document(1).subject().replace("document", name);
            assert_eq!(Stream::parse(&subject), None, "{name}");
            let astray = Stream::of(&subject);
            assert_eq!(
                (astray.workspace, astray.aggregate.name()),
                (None, "no_subject"),
                "it is no stream of a workspace"
            );
            assert_eq!(Stream::parse(&astray.subject()), Some(astray), "what is parked of it can be found again");
        }
    }

    #[test]
    fn partitions_never_change_and_are_all_used() {
        assert_eq!([1, 2, 3, 4].map(|n| document(n).partition()), [11, 6, 5, 0]);
        let used: std::collections::BTreeSet<_> = (0..1_000).map(|n| document(n).partition()).collect();
        assert_eq!(used.len() as u64, PARTITIONS);
    }
}
