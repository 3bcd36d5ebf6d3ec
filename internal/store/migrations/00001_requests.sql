-- The same text for SQLite and PostgreSQL. Times are milliseconds since 1970 in
-- UTC, NULL where there is none; JSON is TEXT, '' for a zero value; request IDs are
-- made in Go.

-- +goose Up
CREATE TABLE requests (
    id             TEXT    NOT NULL PRIMARY KEY,
    version        BIGINT  NOT NULL,
    kind           TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL,
    -- Asked.
    requester      TEXT    NOT NULL,
    channel        TEXT    NOT NULL,
    channel_name   TEXT    NOT NULL,
    thread         TEXT    NOT NULL,
    ask            TEXT    NOT NULL,
    origin         TEXT    NOT NULL,
    -- Resolved, read and judged.
    target         TEXT    NOT NULL,
    snapshot       TEXT    NOT NULL,
    decision       TEXT    NOT NULL,
    audience       TEXT    NOT NULL,
    votes          TEXT    NOT NULL,
    tally          TEXT    NOT NULL,
    beside         TEXT    NOT NULL,
    expires_at     BIGINT,
    remind_at      BIGINT,
    -- Who acted, and what came of it later.
    confirmed_by   TEXT    NOT NULL,
    denied_by      TEXT    NOT NULL,
    canceled_by    TEXT    NOT NULL,
    replaced_by    TEXT    NOT NULL,
    asked_again_by TEXT    NOT NULL,
    undone_by      TEXT    NOT NULL,
    -- Sent and ended.
    owed_since     BIGINT,
    sends          INTEGER NOT NULL CHECK (sends >= 0),
    sent_at        BIGINT,
    applied_at     BIGINT,
    answer         TEXT    NOT NULL,
    ended_at       BIGINT,
    reason         TEXT    NOT NULL,
    outcome        TEXT    NOT NULL,
    news           TEXT    NOT NULL,
    review         TEXT    NOT NULL,
    review_due_at  BIGINT,
    -- Shown.
    messages       TEXT    NOT NULL,
    told           TEXT    NOT NULL,
    -- Whose turn it is.
    attempts       INTEGER NOT NULL,
    retry_at       BIGINT,
    panics         INTEGER NOT NULL,
    leased_by      TEXT    NOT NULL,
    -- Taken from the above so that it can be asked for. due_at is when the request
    -- next wants attention, NULL where it owes nothing. The target's columns are ''
    -- until it is resolved; slot is the environment that is written or served.
    due_at         BIGINT,
    requester_id   TEXT    NOT NULL,
    model_id       TEXT    NOT NULL,
    slot           TEXT    NOT NULL,
    deployment_id  TEXT    NOT NULL,
    target_name    TEXT    NOT NULL,
    news_at        BIGINT,
    review_open    BOOLEAN NOT NULL,
    -- When it was sent, NULL where nothing of it may have reached Baseten.
    reached_at     BIGINT,

    CONSTRAINT kind_given CHECK (kind <> ''),
    CONSTRAINT state_known CHECK (state IN ('requested', 'pending', 'approved', 'applying',
        'applied', 'failed', 'unknown', 'denied', 'canceled', 'expired', 'stale')),
    CONSTRAINT ended_at_in_end CHECK ((ended_at IS NOT NULL) = (state IN
        ('applied', 'failed', 'unknown', 'denied', 'canceled', 'expired', 'stale'))),
    CONSTRAINT applying_has_target CHECK (state <> 'applying' OR model_id <> '' AND (slot <> '' OR deployment_id <> ''))
);

-- An environment and the deployment that serves it are one target. Two requests of
-- one target are never applying at the same time: these two indexes decide that
-- race, on every replica, however the target was named and whatever was promoted.
CREATE UNIQUE INDEX requests_applying_slot ON requests (model_id, slot)
    WHERE state = 'applying' AND slot <> '';
CREATE UNIQUE INDEX requests_applying_deployment ON requests (model_id, deployment_id)
    WHERE state = 'applying' AND deployment_id <> '';

-- What follows stays small however many requests have ended.
CREATE INDEX requests_due ON requests (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX requests_running ON requests (state, created_at) WHERE ended_at IS NULL;
CREATE INDEX requests_running_model ON requests (model_id, state, created_at) WHERE ended_at IS NULL;
CREATE INDEX requests_review ON requests (created_at) WHERE review_open;
CREATE INDEX requests_denied ON requests (model_id, ended_at) WHERE denied_by <> '';
CREATE INDEX requests_news ON requests (model_id, news_at) WHERE news_at IS NOT NULL;

-- Was it changed since? What happened lately: everywhere, to a model, to a target?
CREATE INDEX requests_applied ON requests (model_id, ended_at) WHERE state = 'applied';
CREATE INDEX requests_created ON requests (created_at);
CREATE INDEX requests_resolved ON requests (created_at) WHERE model_id <> '';
CREATE INDEX requests_model ON requests (model_id, created_at);
CREATE INDEX requests_name ON requests (model_id, target_name, created_at);
CREATE INDEX requests_deployment ON requests (model_id, deployment_id, created_at);
CREATE INDEX requests_requester ON requests (requester_id, ended_at) WHERE ended_at IS NOT NULL AND model_id <> '';

-- The same of what reached Baseten: among what was denied or mistyped it may be rare.
CREATE INDEX requests_reached ON requests (reached_at) WHERE reached_at IS NOT NULL;
CREATE INDEX requests_reached_model ON requests (model_id, reached_at) WHERE reached_at IS NOT NULL;
CREATE INDEX requests_reached_name ON requests (model_id, target_name, reached_at) WHERE reached_at IS NOT NULL;
CREATE INDEX requests_reached_deployment ON requests (model_id, deployment_id, reached_at) WHERE reached_at IS NOT NULL;

-- Processes that work on requests. A lease holds while its owner is alive.
CREATE TABLE processes (
    owner       TEXT   NOT NULL PRIMARY KEY,
    alive_until BIGINT NOT NULL
);

-- What Slack delivered, so that a second delivery does nothing.
CREATE TABLE deliveries (
    key TEXT   NOT NULL PRIMARY KEY,
    at  BIGINT NOT NULL
);
CREATE INDEX deliveries_at ON deliveries (at);

-- The audit log, a chain: hash is the SHA-256 of the row and of prev, the hash of
-- the row before. What makes it append-only is said in the next migration, where the
-- two databases differ.
CREATE TABLE events (
    seq              INTEGER NOT NULL PRIMARY KEY,
    prev             TEXT    NOT NULL,
    hash             TEXT    NOT NULL,
    at               BIGINT  NOT NULL,
    kind             TEXT    NOT NULL,
    request          TEXT    NOT NULL,
    from_state       TEXT    NOT NULL,
    to_state         TEXT    NOT NULL,
    actor            TEXT    NOT NULL,
    actor_name       TEXT    NOT NULL,
    actor_membership TEXT    NOT NULL,
    verb             TEXT    NOT NULL,
    reason           TEXT    NOT NULL,
    rule             TEXT    NOT NULL,
    policy_sha256    TEXT    NOT NULL,
    channel          TEXT    NOT NULL,
    model_id         TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    detail           TEXT    NOT NULL
);
CREATE INDEX events_request ON events (request, seq);

-- The head of the chain, one row: the last event's number and hash.
CREATE TABLE chain (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq  BIGINT  NOT NULL,
    hash TEXT    NOT NULL
);
INSERT INTO chain (one, seq, hash) VALUES (1, 0, '');

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
