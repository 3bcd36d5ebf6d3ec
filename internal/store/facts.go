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
	err := s.db.tx(ctx, func(t transaction) error {
		if _, err := t.exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`, metaTeam, teamID); err != nil {
			return err
		}
		team, _, err := one(ctx, t, first[string], `SELECT value FROM meta WHERE key = $1`, metaTeam)
		if err == nil && team != teamID {
			return fmt.Errorf("%w: it is %s", ErrOtherWorkspace, team)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("open database for workspace %s: %w", teamID, err)
	}
	return nil
}

// Policy implements [change.Store].
func (r *Reader) Policy(ctx context.Context) (text string, at time.Time, err error) {
	_, _, err = one(ctx, r.db, func(row rows) (bool, error) { return true, row.Scan(&text, millis{&at}) },
		`SELECT p.text, p.accepted_at FROM policies p JOIN meta m ON m.value = p.sha256 WHERE m.key = $1`, metaPolicy)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read accepted policy: %w", err)
	}
	return text, at, nil
}

// KeepPolicy implements [change.Store]. The policy in force is the one kept last,
// whatever the clocks of several replicas say.
func (s *Store) KeepPolicy(ctx context.Context, text, sha256 string, at time.Time, e change.Event) error {
	err := s.db.tx(ctx, func(t transaction) error {
		if _, err := t.exec(ctx, `INSERT INTO policies (sha256, text, accepted_at) VALUES ($1, $2, $3)
			ON CONFLICT (sha256) DO UPDATE SET accepted_at = excluded.accepted_at`, sha256, text, millis{&at}); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value`, metaPolicy, sha256); err != nil {
			return err
		}
		return s.effects(ctx, t, change.Effects{Events: []change.Event{e}})
	})
	if err != nil {
		return fmt.Errorf("keep policy %s: %w", sha256, err)
	}
	return nil
}
