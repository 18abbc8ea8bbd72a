//! Walking along links, to find out whether a new one would lead in a circle.

use events::DocumentId;
use futures_util::future::try_join_all;
use std::collections::HashSet;

/// Documents whose links are read at once.
const AT_ONCE: usize = 16;

/// What a walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// It does not lead there.
    Elsewhere,
    /// It leads there.
    There,
    /// It was given up.
    TooLong,
}

/// Walks from one document along the links that `next` reads, breadth first, and says whether that leads to another.
/// At most `most` documents are read, each once.
pub(super) async fn walk<E, F>(
    from: DocumentId,
    to: DocumentId,
    most: usize,
    next: impl Fn(DocumentId) -> F,
) -> Result<Walk, E>
where
    F: Future<Output = Result<Vec<DocumentId>, E>>,
{
    let mut seen = HashSet::from([from]);
    let mut here = vec![from];
    let mut left = most;
    while !here.is_empty() {
        let mut ahead = Vec::new();
        for some in here.chunks(AT_ONCE) {
            let reading = some.len().min(left);
            left -= reading;
            let linked = try_join_all(some[..reading].iter().map(|document| next(*document))).await?;
            for document in linked.into_iter().flatten() {
                if document == to {
                    return Ok(Walk::There);
                }
                if seen.insert(document) {
                    ahead.push(document);
                }
            }
            if reading < some.len() {
                return Ok(Walk::TooLong);
            }
        }
        here = ahead;
    }
    Ok(Walk::Elsewhere)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use uuid::Uuid;

    const fn document(n: usize) -> DocumentId {
        DocumentId(Uuid::from_u128(n as u128))
    }

    /// Walks over links given as pairs.
    async fn walked(from: usize, to: usize, most: usize, links: &[(usize, usize)]) -> Walk {
        let next = |at: DocumentId| {
            let linked = links.iter().filter(|link| document(link.0) == at).map(|link| document(link.1)).collect();
            async move { Ok::<Vec<_>, Infallible>(linked) }
        };
        match walk(document(from), document(to), most, next).await {
            Ok(walk) => walk,
        }
    }

    #[tokio::test]
    async fn a_walk_finds_a_way_if_there_is_one() {
        let links = [(1, 2), (2, 3), (2, 4), (4, 1), (5, 1)];
        assert_eq!(walked(1, 4, 100, &links).await, Walk::There);
        assert_eq!(walked(3, 1, 100, &links).await, Walk::Elsewhere);
        assert_eq!(walked(1, 5, 100, &links).await, Walk::Elsewhere, "a circle elsewhere does not hold it up");
    }

    #[tokio::test]
    async fn a_walk_reads_as_many_as_it_may() {
        let chain: Vec<_> = (0..10).map(|n| (n, n + 1)).collect();
        assert_eq!(walked(0, 10, 10, &chain).await, Walk::There);
        assert_eq!(walked(0, 10, 9, &chain).await, Walk::TooLong);
        assert_eq!(walked(0, 99, 11, &chain).await, Walk::Elsewhere);
        let star: Vec<_> = (1..=100).map(|n| (0, n)).collect();
        assert_eq!(walked(0, 999, 100, &star).await, Walk::TooLong);
        assert_eq!(walked(0, 999, 101, &star).await, Walk::Elsewhere);
    }
}
