-- Which version of the program parked an event: another one tries it once more. Null for what was parked before this was
-- written down, which is tried once more too.
alter table parked_event add column version text;
