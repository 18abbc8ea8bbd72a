//! Where two generations differ: by a count and a checksum of each table first, and by rows only where those differ.

use crate::projection::Projection;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection};

/// Characters of a value that are shown at most.
const SHOWN: usize = 60;

/// A table's rows together, whatever their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    pub(crate) rows: i64,
    /// Sum of the rows' hashes.
    pub(crate) checksum: String,
}

/// One table in two generations.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) table: &'static str,
    pub(crate) serving: Sum,
    pub(crate) replayed: Sum,
}

/// A row that is not the same in both.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) key: Value,
    /// The columns that differ, shortened; nothing where there is no such row.
    pub(crate) serving: Option<Map<String, Value>>,
    pub(crate) replayed: Option<Map<String, Value>>,
}

impl Table {
    /// Whether both generations have the same rows.
    pub(crate) fn is_equal(&self) -> bool {
        self.serving == self.replayed
    }
}

/// Every table of the serving generation beside that of another.
pub(crate) async fn tables(
    connection: &mut PgConnection,
    projection: Projection,
    schema: &str,
) -> Result<Vec<Table>, sqlx::Error> {
    let mut tables = Vec::new();
    for table in projection.tables() {
        let serving = sum(connection, projection.schema(), table).await?;
        let replayed = sum(connection, schema, table).await?;
        tables.push(Table { table, serving, replayed });
    }
    Ok(tables)
}

async fn sum(connection: &mut PgConnection, schema: &str, table: &str) -> Result<Sum, sqlx::Error> {
    let query =
        format!("select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text from {schema}.{table} as t");
    let (rows, checksum) = sqlx::query_as(AssertSqlSafe(query)).fetch_one(connection).await?;
    Ok(Sum { rows, checksum })
}

/// Rows that stand in one of two generations only, as `(table, rows in the serving one alone, rows in the other alone)`;
/// empty when they are equal.
pub(crate) async fn counts(
    connection: &mut PgConnection,
    projection: Projection,
    schema: &str,
) -> Result<Vec<(&'static str, i64, i64)>, sqlx::Error> {
    let serving = projection.schema();
    let mut counts = Vec::new();
    for Table { table, .. } in tables(connection, projection, schema).await?.iter().filter(|table| !table.is_equal()) {
        let only = |one: &str, other: &str| {
            format!(
                "(select count(*) from (select t::text from {one}.{table} t except all select t::text from {other}.{table} t) d)"
            )
        };
        let query = format!("select {}, {}", only(serving, schema), only(schema, serving));
        let (in_serving, in_other): (i64, i64) =
            sqlx::query_as(AssertSqlSafe(query)).fetch_one(&mut *connection).await?;
        counts.push((*table, in_serving, in_other));
    }
    Ok(counts)
}

/// The first rows of a table that differ, in the order of its key.
pub(crate) async fn rows(
    connection: &mut PgConnection,
    projection: Projection,
    schema: &str,
    table: &str,
    most: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    let serving = projection.schema();
    let key = sqlx::query_scalar(
        "select string_agg(format('%L, %I', a.attname, a.attname), ', ' order by array_position(i.indkey, a.attnum))
         from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
         where i.indrelid = to_regclass($1) and i.indisprimary",
    )
    .bind(format!("{serving}.{table}"))
    .fetch_one(&mut *connection)
    .await?;
    let key: String = key;
    let side = |schema: &str| {
        format!(
            "(select jsonb_build_object({key}) as key, t::text as row, to_jsonb(t) as columns from {schema}.{table} as t)"
        )
    };
    let query = format!(
        "select coalesce(s.key, r.key), s.columns, r.columns from {} as s full join {} as r on s.key = r.key
         where s.row is distinct from r.row order by 1 limit $1",
        side(serving),
        side(schema)
    );
    let found: Vec<(Value, Option<Value>, Option<Value>)> =
        sqlx::query_as(AssertSqlSafe(query)).bind(most).fetch_all(connection).await?;
    Ok(found.into_iter().map(|(key, serving, replayed)| Row::of(key, serving, replayed)).collect())
}

impl Row {
    fn of(key: Value, serving: Option<Value>, replayed: Option<Value>) -> Self {
        let differing = |one: &Option<Value>, other: &Option<Value>| {
            let columns = one.as_ref()?.as_object()?;
            let is_other = |name: &str, value: &Value| other.as_ref().and_then(|other| other.get(name)) != Some(value);
            let shown = columns.iter().filter(|(name, value)| is_other(name, value));
            Some(shown.map(|(name, value)| (name.clone(), shortened(value))).collect())
        };
        Self { serving: differing(&serving, &replayed), replayed: differing(&replayed, &serving), key }
    }
}

fn shortened(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
        Value::Null | Value::Bool(_) | Value::Number(_) => return value.clone(),
    };
    if text.chars().count() <= SHOWN {
        return value.clone();
    }
    Value::String(text.chars().take(SHOWN).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_columns_that_differ_are_shown_and_only_their_beginning() {
        let long = "x".repeat(SHOWN + 1);
        let row = Row::of(
            json!({ "id": 1 }),
            Some(json!({ "id": 1, "title": "a", "text": long, "same": null })),
            Some(json!({ "id": 1, "title": "b", "text": "short", "same": null })),
        );
        let serving = row.serving.expect("both have the row");
        assert_eq!(serving.keys().collect::<Vec<_>>(), ["text", "title"]);
        assert_eq!(serving["text"], format!("{}…", "x".repeat(SHOWN)));
        assert_eq!(row.replayed, json!({ "title": "b", "text": "short" }).as_object().cloned());
    }

    #[test]
    fn a_row_of_one_generation_is_shown_whole() {
        let row = Row::of(json!({ "id": 1 }), None, Some(json!({ "id": 1, "title": "b" })));
        assert_eq!((row.serving, row.replayed), (None, json!({ "id": 1, "title": "b" }).as_object().cloned()));
    }
}
