-- Where a server runs: only one can run there at a time, so whoever runs there now has taken the place of those before it. NULL: a
-- release that does not say.
ALTER TABLE member ADD COLUMN place TEXT;
