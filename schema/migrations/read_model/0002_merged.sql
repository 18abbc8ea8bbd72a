-- Documents that were merged into another, and texts found by their content.
alter table document add column merged_into uuid;
create index document_by_sha256 on document (workspace_id, sha256);
