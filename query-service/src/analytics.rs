//! A workspace over time and by its parts: what came when, what it is about, what is rising, what was done last.

mod activity;
mod breakdown;
mod rising;
mod totals;

use crate::answer::{Found, WorkspaceStatuses};
use crate::config::Overviews;
use crate::interval::{self, Interval};
use crate::section::Section;
use crate::tables::{Of, Tables};
use activity::Activity;
use breakdown::{Breakdown, Counted, CountedCluster, DocumentInterval};
use chrono::{DateTime, Duration, Utc};
use poem_openapi::param::{Header, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use rising::Rising;
use runtime::clock::{Clock, SystemClock};
use runtime::http::{Authorized, Problem, Refused};
use serde::Serialize;
use sqlx::PgConnection;
use totals::{TopConcept, Totals};
use uuid::Uuid;

/// Days that count as the last ones when the request does not say.
const DAYS: u32 = 30;

/// The route of analytics.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) overviews: Overviews,
}

/// A workspace over time and by its parts. Totals, top concepts, rising concepts and recent activity are of the whole
/// workspace as it is now; everything between is of the documents in use that were uploaded in the time asked for.
#[derive(Serialize, Object)]
#[oai(example)]
pub(crate) struct Analytics {
    /// Numbers of everything.
    totals: Totals,
    /// Documents by when they were uploaded (UTC), with intervals in which none was.
    over_time: Vec<DocumentInterval>,
    /// Documents by where they came from.
    by_source: Vec<Counted>,
    /// Documents by how much a reader must know.
    by_skill_level: Vec<Counted>,
    /// Documents by the language they are written in; the 20 most frequent.
    by_language: Vec<Counted>,
    /// Documents by their cluster; the 20 largest.
    by_cluster: Vec<CountedCluster>,
    /// The 20 most frequent concepts.
    top_concepts: Vec<TopConcept>,
    /// Concepts whose share of the documents has grown in the last days.
    rising: Rising,
    /// The last 20 changes of documents.
    recent_activity: Vec<Activity>,
}

impl Example for Analytics {
    fn example() -> Self {
        let Breakdown { over_time, by_source, by_skill_level, by_language, by_cluster } = Breakdown::example();
        Self {
            totals: Totals::example(),
            over_time,
            by_source,
            by_skill_level,
            by_language,
            by_cluster,
            top_concepts: vec![TopConcept::example()],
            rising: Rising::example(),
            recent_activity: vec![Activity::example()],
        }
    }
}

/// What a request asks for.
struct Wanted {
    workspace: Uuid,
    interval: Interval,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    /// The end of today, up to which the last days go.
    tomorrow: DateTime<Utc>,
    days: u32,
}

#[OpenApi(tag = "Section::Workspace")]
impl Api {
    /// The caller's workspace over time and by its parts
    ///
    /// Everything is counted when it is asked for.
    #[oai(path = "/v1/analytics", method = "get", operation_id = "get_analytics")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn analytics(
        &self,
        Authorized(caller): Authorized,
        /// Only documents uploaded at or after this time (RFC 3339); from the first one on if absent.
        from: Query<Option<DateTime<Utc>>>,
        /// Only documents uploaded before this time; up to the last one if absent.
        to: Query<Option<DateTime<Utc>>>,
        /// How long an interval is.
        #[oai(default)]
        interval: Query<Interval>,
        /// How many days, up to today, concepts rise in, compared with as many before; 30 if absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
        days: Query<Option<u32>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<Analytics>, Refused<WorkspaceStatuses>> {
        interval::check(from.0, to.0)?;
        let today = SystemClock.now().date_naive();
        let mut snapshot = self.tables.snapshot(Of::Both, caller.workspace, min_sequence.0).await?;
        // The last days are others tomorrow.
        snapshot.also_depends_on(today);
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let wanted = Wanted {
            workspace: caller.workspace.0,
            interval: interval.0,
            from: from.0,
            to: to.0,
            tomorrow: today.and_time(chrono::NaiveTime::MIN).and_utc() + Duration::days(1),
            days: days.0.unwrap_or(DAYS),
        };
        let view = self.read(snapshot.connection(), &wanted).await?;
        Ok(snapshot.found(&view))
    }
}

impl Api {
    async fn read(&self, connection: &mut PgConnection, wanted: &Wanted) -> Result<Analytics, Problem> {
        let limits = &self.overviews;
        let totals = totals::read(connection, wanted.workspace).await?;
        let Breakdown { over_time, by_source, by_skill_level, by_language, by_cluster } =
            breakdown::read(connection, wanted, limits.intervals_limit).await?;
        let top_concepts = totals::top_concepts(connection, wanted.workspace).await?;
        let rising = rising::read(connection, wanted, limits).await?;
        let recent_activity = activity::read(connection, wanted.workspace).await?;
        Ok(Analytics {
            totals,
            over_time,
            by_source,
            by_skill_level,
            by_language,
            by_cluster,
            top_concepts,
            rising,
            recent_activity,
        })
    }
}
