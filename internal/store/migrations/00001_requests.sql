-- The same text for SQLite and PostgreSQL. Times are milliseconds since 1970 in
-- UTC, NULL where there is none; JSON is TEXT; request IDs are made in Go.

-- +goose Up
CREATE TABLE requests (
    id            TEXT    NOT NULL PRIMARY KEY,
    version       BIGINT  NOT NULL,
    state         TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    -- Asked.
    requester     TEXT    NOT NULL,
    requester_name TEXT   NOT NULL,
    channel       TEXT    NOT NULL,
    channel_name  TEXT    NOT NULL,
    thread        TEXT    NOT NULL,
    ask           TEXT    NOT NULL,
    origin        TEXT    NOT NULL,
    origin_kind   TEXT    NOT NULL,
    -- Resolved, read and judged.
    target        TEXT    NOT NULL,
    reading       TEXT    NOT NULL,
    ruling        TEXT    NOT NULL,
    votes         TEXT    NOT NULL,
    beside        TEXT    NOT NULL,
    expires_at    BIGINT,
    -- Sent and ended.
    owed_since    BIGINT,
    sends         INTEGER NOT NULL CHECK (sends >= 0),
    applied_at    BIGINT,
    answer        TEXT    NOT NULL,
    ended_at      BIGINT,
    ended_by      TEXT    NOT NULL,
    why           TEXT    NOT NULL,
    outcome       TEXT    NOT NULL,
    review        TEXT    NOT NULL,
    -- Shown.
    root          TEXT    NOT NULL,
    result        TEXT    NOT NULL,
    root_stale    BOOLEAN NOT NULL,
    result_stale  BOOLEAN NOT NULL,
    review_stale  BOOLEAN NOT NULL,
    buttons       BOOLEAN NOT NULL,
    elsewhere     TEXT    NOT NULL,
    reminded      BOOLEAN NOT NULL,
    told          BOOLEAN NOT NULL,
    -- Whose turn it is.
    owed          BOOLEAN NOT NULL,
    claimed_by    TEXT    NOT NULL,
    claimed_until BIGINT,
    -- Taken from target so that they can be asked for; '' until it is resolved.
    target_key    TEXT    NOT NULL,
    model_id      TEXT    NOT NULL,
    target_name   TEXT    NOT NULL,
    deployment_id TEXT    NOT NULL,

    CONSTRAINT state_known CHECK (state IN ('requested', 'pending', 'approved', 'applying',
        'applied', 'failed', 'unknown', 'denied', 'canceled', 'expired', 'stale')),
    CONSTRAINT ended_at_in_end CHECK ((ended_at IS NOT NULL) = (state IN
        ('applied', 'failed', 'unknown', 'denied', 'canceled', 'expired', 'stale'))),
    CONSTRAINT applying_has_target CHECK (state <> 'applying' OR target_key <> '')
);

-- Two requests of one target are never applying at the same time: this index
-- decides that race, on every replica.
CREATE UNIQUE INDEX requests_applying ON requests (target_key) WHERE state = 'applying';

-- What follows stays small however many requests have ended.
CREATE INDEX requests_running ON requests (state, created_at) WHERE ended_at IS NULL;
CREATE INDEX requests_owed ON requests (created_at) WHERE owed;

-- Was it changed since? What happened lately, everywhere or to one model?
CREATE INDEX requests_applied ON requests (target_key, ended_at) WHERE state = 'applied';
CREATE INDEX requests_created ON requests (created_at);
CREATE INDEX requests_model ON requests (model_id, created_at);

-- What Slack delivered, so that a second delivery does nothing.
CREATE TABLE deliveries (
    key TEXT   NOT NULL PRIMARY KEY,
    at  BIGINT NOT NULL
);
CREATE INDEX deliveries_at ON deliveries (at);

-- The audit log. seq is numbered by the database; how, and what makes the table
-- append-only, is said in the next migration, where the two databases differ.
CREATE TABLE events (
    seq           INTEGER NOT NULL PRIMARY KEY,
    at            BIGINT  NOT NULL,
    kind          TEXT    NOT NULL,
    request       TEXT    NOT NULL,
    from_state    TEXT    NOT NULL,
    to_state      TEXT    NOT NULL,
    actor         TEXT    NOT NULL,
    actor_name    TEXT    NOT NULL,
    why           TEXT    NOT NULL,
    rule          TEXT    NOT NULL,
    policy_sha256 TEXT    NOT NULL,
    channel       TEXT    NOT NULL,
    model_id      TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    detail        TEXT
);
CREATE INDEX events_request ON events (request, seq);
CREATE INDEX events_at ON events (at);

-- Every policy text that was ever accepted. The one in force is named in meta.
CREATE TABLE policies (
    sha256      TEXT   NOT NULL PRIMARY KEY,
    text        TEXT   NOT NULL,
    accepted_at BIGINT NOT NULL
);

-- Facts of which there is one: team_id, policy (the sha256 in force).
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
