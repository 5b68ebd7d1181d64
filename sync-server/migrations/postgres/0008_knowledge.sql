-- Which migrations a server knows that shares this database: one that does not know accounts lets everyone in, and there is no first
-- account beside it. 0: a release that does not say.
ALTER TABLE member ADD COLUMN knows INTEGER NOT NULL DEFAULT 0;
