//! What is known of read models of the past, in a table outside every generation.

use super::{AsOf, Moment};
use crate::numbers::{to_i64, to_u64};
use crate::projection::Projection;
use chrono::{DateTime, Utc};
use runtime::past::Name;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};

/// One projection's tables of a past.
#[derive(Serialize)]
pub(super) struct Record {
    name: String,
    projection: String,
    /// What was asked for.
    as_of: String,
    sequence: i64,
    appended_at: Option<DateTime<Utc>>,
    /// Nothing before it begins.
    program: Option<String>,
    made_by: String,
    /// Nothing while they are being filled, or since filling them was killed.
    made_at: Option<DateTime<Utc>>,
    bytes: i64,
}

/// What was asked for when a past was begun, and what that came to; `None` if there is no such past. Nobody begins another
/// until the transaction ends.
pub(super) async fn hold(transaction: &mut PgConnection, name: &Name) -> Result<Option<(String, Moment)>, sqlx::Error> {
    sqlx::query("lock table operations.past_model in share row exclusive mode").execute(&mut *transaction).await?;
    let row = sqlx::query!(
        "select as_of, sequence, appended_at from operations.past_model where name = $1 limit 1",
        name.as_str()
    )
    .fetch_optional(transaction)
    .await?;
    Ok(row.map(|row| (row.as_of, Moment { sequence: to_u64(row.sequence), appended_at: row.appended_at })))
}

/// Begins tables of a past, where they are not begun yet; after [`hold`].
pub(super) async fn begin(
    transaction: &mut PgConnection,
    (name, projections): (&Name, &[Projection]),
    (as_of, moment): (AsOf, &Moment),
) -> Result<(), sqlx::Error> {
    let projections: Vec<String> = projections.iter().map(|projection| projection.name().to_owned()).collect();
    sqlx::query!(
        "insert into operations.past_model (name, projection, as_of, sequence, appended_at)
         select $1, projection, $3, $4, $5 from unnest($2::text[]) as projection
         on conflict (name, projection) do nothing",
        name.as_str(),
        &projections,
        as_of.to_string(),
        to_i64(moment.sequence),
        moment.appended_at
    )
    .execute(transaction)
    .await
    .map(drop)
}

/// Whether tables are made; if not, a program fills them from now on. `None` if they were dropped since they were begun.
pub(super) async fn is_made(
    pool: &PgPool,
    (name, projection): (&Name, Projection),
    program: &str,
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"update operations.past_model set program = case when made_at is null then $3 else program end
           where name = $1 and projection = $2 returning made_at is not null as "is_made!""#,
        name.as_str(),
        projection.name(),
        program
    )
    .fetch_optional(pool)
    .await
}

/// Says that tables are made.
pub(super) async fn made(
    connection: &mut PgConnection,
    name: &Name,
    projection: Projection,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update operations.past_model set made_at = now() where name = $1 and projection = $2",
        name.as_str(),
        projection.name()
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Forgets a past; says whether there was one.
pub(super) async fn remove(connection: &mut PgConnection, name: &Name) -> Result<bool, sqlx::Error> {
    let removed = sqlx::query!("delete from operations.past_model where name = $1", name.as_str());
    Ok(removed.execute(connection).await?.rows_affected() > 0)
}

/// Every one, and how large it is.
pub(super) async fn list(pool: &PgPool) -> Result<Vec<Record>, sqlx::Error> {
    sqlx::query_as!(
        Record,
        r#"select name, projection, as_of, sequence, appended_at, program, made_by, made_at,
                  (select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from pg_class c
                   where c.relkind = 'r' and c.relnamespace = to_regnamespace('past_' || name || '_' || projection)) as "bytes!"
           from operations.past_model order by name, projection"#
    )
    .fetch_all(pool)
    .await
}

impl Record {
    /// Says it to people.
    pub(super) fn print(&self) {
        let Self { name, projection, as_of, sequence, appended_at, program, made_by, made_at, bytes } = self;
        let time = |time: &Option<DateTime<Utc>>| time.map_or_else(|| "never".to_owned(), |time| time.to_rfc3339());
        let program = program.as_deref().unwrap_or("no program yet");
        println!("{name} {projection}: as of {as_of}, up to {sequence} of {}, {bytes} bytes", time(appended_at));
        match made_at {
            Some(_) => println!("  made {} by {made_by} with {program}", time(made_at)),
            None => println!("  not filled to its end yet, by {made_by} with {program}"),
        }
    }
}
