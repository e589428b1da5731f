-- Version 1 of the index. Written by PRAGMA user_version when it is in place.
CREATE TABLE posts (
    platform TEXT NOT NULL,
    account  TEXT NOT NULL COLLATE NOCASE, -- a handle means the same in any case
    id       TEXT NOT NULL,
    time     INTEGER,                      -- Unix seconds, NULL when the post has none
    language TEXT NOT NULL,
    hash     BLOB NOT NULL,                -- SHA-256 of the post's text
    model    TEXT NOT NULL,                -- which model made the vector, '' for none
    vector   BLOB NOT NULL,                -- 32-bit floats, little-endian, length 1; empty for none
    terms    BLOB NOT NULL,                -- 32-bit hashes of the words, little-endian, in order
    post     TEXT NOT NULL,                -- the post as JSON; last, so that a scan need not read it
    PRIMARY KEY (platform, account, id)
) STRICT;
