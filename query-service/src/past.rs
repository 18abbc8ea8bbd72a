//! A read model of the past in the present one's place: found and checked once, and refused with what to do about it where
//! this program cannot read it.

use crate::config::Serve;
use crate::tables::Tables;
use chrono::{DateTime, Utc};
use runtime::announcement::{DOCUMENTS, KNOWLEDGE};
use runtime::past::{Name, Shown};
use runtime::service::until_up;
use runtime::{migrations, postgres};
use sqlx::PgPool;
use std::error::Error;

/// What is known of one projection's tables.
struct Made {
    projection: String,
    sequence: i64,
    appended_at: Option<DateTime<Utc>>,
}

/// Opens the tables of a past for sessions that cannot write, and says which past that is. Waits for the database.
pub(crate) async fn open(config: &Serve, name: &Name) -> Result<(Tables, Shown), Box<dyn Error + Send + Sync>> {
    let schemas = format!("{},{}", name.schema(DOCUMENTS), name.schema(KNOWLEDGE));
    let pool = postgres::pool_read_only(&config.postgres, "query-service-past", &schemas)?;
    until_up("the database", || async { sqlx::query("select 1").execute(&pool).await }).await;
    let made = made(&pool, name).await?;
    for (projection, migrator) in [(DOCUMENTS, &migrations::READ_MODEL), (KNOWLEDGE, &migrations::KNOWLEDGE)] {
        if !made.iter().any(|made| made.projection == projection) {
            let why = "it is not made, or not to its end: see `projector past list` and `projector rebuild --as-of`";
            return Err(format!("the past {name} has no {projection}: {why}").into());
        }
        if !migrations::have_made(migrator, &pool, &name.schema(projection)).await? {
            let why = "it was made with other tables: read it with the query-service of the program that made it, or drop \
                       it and make it anew with this one (`projector past drop`, `projector rebuild --as-of`)";
            return Err(format!("the past {name} cannot be read: {why}").into());
        }
    }
    let Some(Made { sequence, appended_at, .. }) = made.into_iter().next() else {
        return Err(format!("there is no past {name}").into());
    };
    let sequence = u64::try_from(sequence)?;
    Ok((Tables::of_past(pool, sequence), Shown { name: name.to_string(), sequence, appended_at }))
}

/// Whether all tables of a past are there still.
pub(crate) async fn is_there(pool: &PgPool, name: &Name) -> bool {
    made(pool, name).await.is_ok_and(|made| made.len() == 2)
}

async fn made(pool: &PgPool, name: &Name) -> Result<Vec<Made>, sqlx::Error> {
    sqlx::query_as!(
        Made,
        "select projection, sequence, appended_at from operations.past_model where name = $1 and made_at is not null",
        name.as_str()
    )
    .fetch_all(pool)
    .await
}
