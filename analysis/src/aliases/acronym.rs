//! Whether an acronym stands for its long form everywhere, and not only in the documents that say so.

/// Documents that must give the long form: one writer's word is not everybody's.
const LEAST: u32 = 2;
/// Share of the documents that explain the acronym which must give this long form: two thirds.
const SHARE: (u64, u64) = (2, 3);
/// How many times the documents of its long form an acronym may have: one that stands nearly everywhere without the long
/// form may mean something else there.
const RATIO: u64 = 4;

/// The long form that documents most often give an acronym.
#[derive(Clone, Copy, Debug)]
pub struct LongForm<'a> {
    /// Its key.
    pub key: &'a str,
    /// How many documents explain the acronym by it.
    pub documents: u32,
    /// How many explain the acronym, by whatever.
    pub explaining: u32,
}

impl LongForm<'_> {
    /// Whether the acronym means it in all documents, given how many hold the one and the other.
    pub(super) fn is_certain(&self, acronym_documents: u32, long_documents: u32) -> bool {
        let (part, whole) = SHARE;
        self.documents >= LEAST
            && u64::from(self.documents) * whole >= u64::from(self.explaining) * part
            && u64::from(acronym_documents) <= u64::from(long_documents) * RATIO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_certain(documents: u32, explaining: u32, acronym_documents: u32, long_documents: u32) -> bool {
        LongForm { key: "computerscience", documents, explaining }.is_certain(acronym_documents, long_documents)
    }

    #[test]
    fn one_document_decides_nothing() {
        assert!(!is_certain(1, 1, 1, 50));
        assert!(is_certain(2, 2, 1, 50));
    }

    #[test]
    fn two_thirds_must_agree() {
        assert!(!is_certain(3, 5, 4, 4));
        assert!(is_certain(4, 6, 4, 4));
        assert!(is_certain(u32::MAX, u32::MAX, 0, 1));
    }

    #[test]
    fn a_few_documents_do_not_speak_for_many() {
        assert!(!is_certain(2, 2, 300, 2), "300 write CS and mean customer success");
        assert!(!is_certain(2, 2, 9, 2));
        assert!(is_certain(2, 2, 8, 2));
    }
}
