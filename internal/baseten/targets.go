package baseten

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

// mostReadings bounds how many models' last readings are kept for an outage.
const mostReadings = 256

// Targets is what of one model can be changed, as read at one moment. It is shared:
// nobody may write to it.
type Targets struct {
	ModelID      string
	Environments []Environment
	Deployments  []Deployment
	// ReadAt is when the reading began.
	ReadAt time.Time
	// Stale is set when Baseten could not be read now: this is the last reading
	// that succeeded. It may be shown, never acted on.
	Stale bool
}

// Targets reads a model's environments and deployments, both at once and always
// anew. While Baseten is down the last reading is returned, marked stale; if there
// is none, or Baseten refused, the error.
func (c *Catalogue) Targets(ctx context.Context, modelID string) (Targets, error) {
	t := Targets{ModelID: modelID, ReadAt: c.now()}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		t.Environments, err = c.client.Environments(groupCtx, modelID)
		return err
	})
	group.Go(func() (err error) {
		t.Deployments, err = c.client.Deployments(groupCtx, modelID)
		return err
	})
	err := group.Wait()
	switch {
	case err == nil:
		c.keep(t)
		return t, nil
	case Down(err) && !errors.Is(ctx.Err(), context.Canceled):
		if old, ok := c.kept(modelID); ok {
			old.Stale = true
			return old, nil
		}
	}
	return Targets{}, err
}

func (c *Catalogue) kept(modelID string) (Targets, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.read[modelID]
	return t, ok
}

// keep remembers a reading, in place of the oldest when there are too many.
func (c *Catalogue) keep(t Targets) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.read[t.ModelID]; ok && old.ReadAt.After(t.ReadAt) {
		return
	}
	c.read[t.ModelID] = t
	if len(c.read) <= mostReadings {
		return
	}
	oldest := t
	for _, one := range c.read {
		if one.ReadAt.Before(oldest.ReadAt) {
			oldest = one
		}
	}
	delete(c.read, oldest.ModelID)
}
