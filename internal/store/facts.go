package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"autoscalebot/internal/change"
)

// ErrOtherWorkspace means that the database belongs to the bot of another Slack workspace.
var ErrOtherWorkspace = errors.New("the database belongs to another Slack workspace")

// The keys of meta.
const (
	metaTeam   = "team_id"
	metaPolicy = "policy"
)

// TeamID ties the database to a Slack workspace at its first start. Later it
// returns ErrOtherWorkspace for any other.
func (s *Store) TeamID(ctx context.Context, teamID string) error {
	return s.db.tx(ctx, "open database for workspace "+teamID, func(t tx) error {
		if _, err := t.exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`, metaTeam, teamID); err != nil {
			return err
		}
		team, err := one(ctx, t, nil, first[string], `SELECT value FROM meta WHERE key = $1`, metaTeam)
		if err == nil && team != teamID {
			return fmt.Errorf("%w: it is %s", ErrOtherWorkspace, team)
		}
		return err
	})
}

// Policy implements [change.Store].
func (r *Reader) Policy(ctx context.Context) (text string, accepted time.Time, err error) {
	_, err = one(ctx, r.db, nil, func(row row) (bool, error) { return true, row.Scan(&text, millis{&accepted}) },
		`SELECT p.text, p.accepted_at FROM policies p JOIN meta m ON m.value = p.sha256 WHERE m.key = $1`, metaPolicy)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read accepted policy: %w", err)
	}
	return text, accepted, nil
}

// KeepPolicy implements [change.Store]. The policy in force is the one kept last.
func (s *Store) KeepPolicy(ctx context.Context, text, sha256 string, e change.Event) error {
	return s.db.tx(ctx, "keep policy "+sha256, func(t tx) error {
		if _, err := t.exec(ctx, `INSERT INTO policies (sha256, text, accepted_at) VALUES ($2, $3, {now})
			ON CONFLICT (sha256) DO UPDATE SET accepted_at = excluded.accepted_at`, t.d.clock(), sha256, text); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value`, metaPolicy, sha256); err != nil {
			return err
		}
		return chain(ctx, t, []change.Event{e})
	})
}
