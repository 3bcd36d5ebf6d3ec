-- Changes and freezes that hold for a time. ends_at is when one that holds is to end,
-- NULL for good, and once it is over.

-- +goose Up
ALTER TABLE requests ADD COLUMN term TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN ends_at BIGINT;
CREATE INDEX requests_ends ON requests (kind, model_id, ends_at) WHERE ends_at IS NOT NULL;
