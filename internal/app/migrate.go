package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"autoscalebot/internal/store"
)

// Migrate brings the database's schema up to date and ends. It needs DATABASE_URL
// only. The bot does the same at each start; this is for a database whose tables
// belong to another role than the bot's.
func Migrate(ctx context.Context, environment map[string]string, out io.Writer) (err error) {
	cfg, _ := LoadConfig(environment) // what else is wrong with it does not matter here
	db, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL})
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = fmt.Fprintln(out, "The schema is this version's.")
	return err
}
