-- Changes and freezes that hold for a time: ends_at is when one that holds is to end,
-- NULL for good, and once it is over. And the envelope of Slack's that asked for a
-- request, to find it in the log.

-- +goose Up
ALTER TABLE requests ADD COLUMN term TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN ends_at BIGINT;
ALTER TABLE requests ADD COLUMN envelope TEXT NOT NULL DEFAULT '';
CREATE INDEX requests_ends ON requests (kind, model_id, ends_at) WHERE ends_at IS NOT NULL;
