//! The bodies of document commands, and their way into value objects: nothing unchecked passes.

use crate::invalid::Invalid;
use domain::document::{self, Command, Limits, MediaType, Tag, Title};
use events::{AccountId, Content};
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Limited, Problem, SkillLevel, Source, SourceKind, example, maybe_object};
use serde::Deserialize;
use std::collections::BTreeSet;

/// A text to upload.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub(crate) struct UploadBody {
    /// One line, at most 300 characters unless configured otherwise.
    title: String,
    /// The text, at most 10 MiB of UTF-8 unless configured otherwise; no NUL.
    text: String,
    /// `text/plain` (when absent) or `text/markdown`.
    #[serde(default)]
    media_type: Option<String>,
    /// Where it comes from.
    #[serde(default, deserialize_with = "maybe_object")]
    source: Option<Source>,
    /// How demanding it is.
    #[serde(default)]
    skill_level: Option<SkillLevel>,
    /// Tags, at most 64 of 64 characters unless configured otherwise; folded to lower case.
    #[serde(default)]
    #[oai(default)]
    tags: Vec<String>,
}

/// A text that replaces another.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub(crate) struct ReviseBody {
    /// The text.
    text: String,
    /// Its media type; as before if absent.
    #[serde(default)]
    media_type: Option<String>,
}

/// A title that replaces another.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub(crate) struct RetitleBody {
    /// One line.
    title: String,
}

/// What is known of a document.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub(crate) struct DescribeBody {
    /// Where it comes from; as before if absent.
    #[serde(default, deserialize_with = "maybe_object")]
    source: Option<Source>,
    /// How demanding it is; as before if absent.
    #[serde(default)]
    skill_level: Option<SkillLevel>,
}

impl Limited for UploadBody {
    fn limit(config: &runtime::config::Http) -> usize {
        text_limit(config)
    }
}

impl Limited for ReviseBody {
    fn limit(config: &runtime::config::Http) -> usize {
        text_limit(config)
    }
}

impl Limited for RetitleBody {}

impl Limited for DescribeBody {}

fn text_limit(config: &runtime::config::Http) -> usize {
    usize::try_from(config.text_body_limit.as_u64()).unwrap_or(usize::MAX)
}

impl Example for UploadBody {
    fn example() -> Self {
        Self {
            title: example::TITLE.to_owned(),
            text: example::TEXT.to_owned(),
            media_type: Some(example::MEDIA_TYPE.to_owned()),
            source: Some(example_source()),
            skill_level: Some(SkillLevel::Beginner),
            tags: vec!["ops".to_owned()],
        }
    }
}

impl Example for ReviseBody {
    fn example() -> Self {
        Self { text: example::REVISED_TEXT.to_owned(), media_type: Some(example::MEDIA_TYPE.to_owned()) }
    }
}

impl Example for RetitleBody {
    fn example() -> Self {
        Self { title: "Containers and pods".to_owned() }
    }
}

impl Example for DescribeBody {
    fn example() -> Self {
        Self { source: Some(example_source()), skill_level: Some(SkillLevel::Intermediate) }
    }
}

fn example_source() -> Source {
    Source { kind: SourceKind::File, name: Some(example::FILE_NAME.to_owned()), url: None, author: None }
}

impl UploadBody {
    /// The command, if every part is valid, and the address of its text.
    pub(super) fn checked(self, owner: AccountId, limits: &Limits) -> Result<(Command, String), Problem> {
        let content = content(self.text, limits)?;
        let sha256 = content.sha256.clone();
        let upload = Command::Upload {
            owner,
            title: Title::parse(&self.title, limits).map_err(Invalid::field("title"))?,
            media_type: media_type(self.media_type)?.unwrap_or_default(),
            content,
            source: self.source.map(|source| checked_source(source, limits)).transpose()?.unwrap_or_default(),
            skill_level: self.skill_level.unwrap_or_default().into(),
            tags: tags(&self.tags, limits)?,
            at_most: limits.tags,
        };
        Ok((upload, sha256))
    }
}

impl ReviseBody {
    pub(super) fn checked(self, limits: &Limits) -> Result<(Option<MediaType>, Content), Problem> {
        Ok((media_type(self.media_type)?, content(self.text, limits)?))
    }
}

impl RetitleBody {
    pub(super) fn checked(self, limits: &Limits) -> Result<Title, Problem> {
        Title::parse(&self.title, limits).map_err(Invalid::field("title"))
    }
}

impl DescribeBody {
    pub(super) fn checked(
        self,
        limits: &Limits,
    ) -> Result<(Option<events::document::Source>, Option<events::document::SkillLevel>), Problem> {
        let source = self.source.map(|source| checked_source(source, limits)).transpose()?;
        Ok((source, self.skill_level.map(Into::into)))
    }
}

fn media_type(text: Option<String>) -> Result<Option<MediaType>, Problem> {
    text.map(|text| MediaType::parse(&text)).transpose().map_err(Invalid::field("media_type"))
}

fn content(text: String, limits: &Limits) -> Result<Content, Problem> {
    document::text(text, limits).map(Content::of).map_err(Invalid::field("text"))
}

fn tags(tags: &[String], limits: &Limits) -> Result<BTreeSet<Tag>, Problem> {
    tags.iter().map(|tag| Tag::parse(tag, limits)).collect::<Result<_, _>>().map_err(Invalid::field("tags"))
}

fn checked_source(source: Source, limits: &Limits) -> Result<events::document::Source, Problem> {
    let part = |part: Option<String>| {
        part.map(|part| document::line(&part, limits.source_chars).map(str::to_owned))
            .transpose()
            .map_err(Invalid::field("source"))
    };
    Ok(events::document::Source {
        kind: source.kind.into(),
        name: part(source.name)?,
        url: part(source.url)?,
        author: part(source.author)?,
    })
}
