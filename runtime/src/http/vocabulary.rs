//! The words that both APIs share, with their counterparts in the events.

use events::document;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// Where a document came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum SourceKind {
    /// Text that somebody or some program sent.
    #[default]
    Text,
    /// A file.
    File,
    /// A web page.
    Url,
    /// A picture.
    Image,
}

/// How much a reader must know already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum SkillLevel {
    /// Nobody said.
    #[default]
    Unknown,
    /// Nothing beforehand.
    Beginner,
    /// The basics.
    Intermediate,
    /// A great deal.
    Advanced,
}

/// What sort of thing a concept names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum Category {
    /// A programming, markup, query or natural language.
    Language,
    /// A framework that calls the user's code.
    Framework,
    /// A library that the user's code calls.
    Library,
    /// A program that people use at work.
    Tool,
    /// What software runs on: clouds, operating systems, devices.
    Platform,
    /// A database or store.
    Database,
    /// A way of working.
    Methodology,
    /// How systems are put together.
    Architecture,
    /// How systems are tried.
    Testing,
    /// How systems are built, shipped and run.
    Devops,
    /// Anything else that has a name.
    #[default]
    Concept,
    /// What somebody or something is able to do.
    Capability,
    /// A field in which there are problems to solve.
    ProblemDomain,
    /// A rule or process of a business.
    BusinessLogic,
    /// A procedure that computes something.
    Algorithm,
    /// How systems talk to each other.
    IntegrationPattern,
}

/// How one document stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum Relation {
    /// The other has to do with it; goes both ways.
    Related,
    /// The other is to be read first.
    Prerequisite,
    /// The other is to be read next.
    Followup,
    /// The other does as well; goes both ways.
    Alternative,
    /// The other is out of date because of it.
    Supersedes,
}

/// What is known of a document's origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct Source {
    /// The kind of origin.
    #[serde(default)]
    #[oai(default)]
    pub kind: SourceKind,
    /// Name at the origin, such as a file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address at the origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

impl SourceKind {
    /// The word itself.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::File => "file",
            Self::Url => "url",
            Self::Image => "image",
        }
    }
}

/// The same words in the events, either way.
macro_rules! same_words {
    ($ours:ident, $theirs:ty: $($word:ident)*) => {
        impl From<$ours> for $theirs {
            fn from(word: $ours) -> Self {
                match word {
                    $($ours::$word => Self::$word,)*
                }
            }
        }

        impl From<$theirs> for $ours {
            fn from(word: $theirs) -> Self {
                match word {
                    $(<$theirs>::$word => Self::$word,)*
                }
            }
        }
    };
}

same_words! { SourceKind, document::SourceKind: Text File Url Image }
same_words! { SkillLevel, document::SkillLevel: Unknown Beginner Intermediate Advanced }
same_words! { Relation, document::Relation: Related Prerequisite Followup Alternative Supersedes }
same_words! {
    Category, events::Category:
    Language Framework Library Tool Platform Database Methodology Architecture Testing Devops Concept Capability
    ProblemDomain BusinessLogic Algorithm IntegrationPattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_as_in_the_events() {
        for category in events::Category::ALL {
            let word = serde_json::to_value(Category::from(category)).expect("a word is JSON");
            assert_eq!(word, category.name());
        }
        for relation in document::Relation::ALL {
            let word = serde_json::to_value(Relation::from(relation)).expect("a word is JSON");
            assert_eq!(word, relation.name());
        }
    }
}
