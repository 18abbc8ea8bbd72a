-- Documents that were merged into another, and texts found by their content, the oldest first.
alter table document add column merged_into uuid;
create index document_by_sha256 on document (workspace_id, sha256, created_at, document_id);
