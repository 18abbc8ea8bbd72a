//! The serving tables beside others that are filled from the log, at the same sequence.

use super::Finding;
use crate::difference::{self, Row, Sum};
use crate::filling::Servers;
use crate::projection::Projection;
use crate::rebuild;
use serde::Serialize;
use std::error::Error;

/// One table.
#[derive(Serialize)]
pub(super) struct Table {
    check: &'static str,
    projection: Projection,
    table: &'static str,
    /// Up to where both show the log.
    sequence: u64,
    serving: Sum,
    replayed: Sum,
    /// The first rows that differ.
    rows: Vec<Row>,
}

/// Fills tables, compares them with the serving ones, and drops them.
pub(super) async fn verify(
    servers: &Servers<'_>,
    projection: Projection,
    shown: i64,
) -> Result<Vec<Table>, Box<dyn Error + Send + Sync>> {
    let mut filling = rebuild::aside(servers, projection).await?;
    let (mut snapshot, sequence) = filling.side_by_side().await?.ok_or(rebuild::BEHIND)?;
    let mut tables = Vec::new();
    for table in difference::tables(&mut snapshot, projection, &filling.schema).await? {
        let rows = if table.is_equal() {
            Vec::new()
        } else {
            difference::rows(&mut snapshot, projection, &filling.schema, table.table, shown).await?
        };
        let difference::Table { table, serving, replayed } = table;
        tables.push(Table { check: "table", projection, table, sequence, serving, replayed, rows });
    }
    snapshot.rollback().await?;
    rebuild::drop_aside(&mut filling).await?;
    Ok(tables)
}

impl Finding for Table {
    fn is_right(&self) -> bool {
        self.serving == self.replayed
    }

    fn print(&self) {
        let Self { projection, table, sequence, serving, replayed, .. } = self;
        let name = projection.name();
        if self.is_right() {
            println!("{name}.{table}: {} rows, as the log says up to {sequence}", serving.rows);
            return;
        }
        println!(
            "{name}.{table}: {} rows, and {} by the log up to {sequence}, not the same",
            serving.rows, replayed.rows
        );
        for Row { key, serving, replayed } in &self.rows {
            let side = |row: &Option<serde_json::Map<_, _>>| {
                row.as_ref()
                    .map_or_else(|| "no row".to_owned(), |row| serde_json::Value::Object(row.clone()).to_string())
            };
            println!("  {key}\n    serving {}\n    the log {}", side(serving), side(replayed));
        }
    }
}
