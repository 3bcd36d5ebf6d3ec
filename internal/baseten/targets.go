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
	ModelID string
	// Model is the model as it is named at this moment.
	Model        Model
	Environments []Environment
	Deployments  []Deployment
	// ReadAt is when the reading began.
	ReadAt time.Time
	// Stale is set when Baseten could not be read now: this is the last reading
	// that succeeded. It may be shown, never acted on.
	Stale bool
	// Err is why it could not be read, where it is stale.
	Err error
}

// Targets reads a model with its environments and deployments, all at once and
// always anew. While Baseten is down the last reading is returned, marked stale; if
// there is none, or Baseten refused, the error.
func (c *Catalogue) Targets(ctx context.Context, modelID string) (Targets, error) {
	t, err := c.client.readTargets(ctx, modelID, c.now())
	switch {
	case err == nil:
		return c.keep(t), nil
	case Down(err) && !errors.Is(ctx.Err(), context.Canceled):
		if old, ok := c.kept(modelID); ok {
			old.Stale, old.Err = true, err
			return old, nil
		}
	}
	return Targets{}, err
}

// TargetsOnce is Targets with one try of each call and no old reading in its place.
func (c *Catalogue) TargetsOnce(ctx context.Context, modelID string) (Targets, error) {
	t, err := c.client.Once().readTargets(ctx, modelID, c.now())
	if err != nil {
		return Targets{}, err
	}
	return c.keep(t), nil
}

// TargetsReads is how many calls Targets makes.
const TargetsReads = 3

func (c *Client) readTargets(ctx context.Context, modelID string, at time.Time) (Targets, error) {
	t := Targets{ModelID: modelID, ReadAt: at}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		t.Model, err = c.Model(ctx, modelID)
		return err
	})
	group.Go(func() (err error) {
		t.Environments, err = c.Environments(ctx, modelID)
		return err
	})
	group.Go(func() (err error) {
		t.Deployments, err = c.Deployments(ctx, modelID)
		return err
	})
	return t, group.Wait()
}

func (c *Catalogue) kept(modelID string) (Targets, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.read[modelID]
	return t, ok
}

// keep remembers a reading, in place of the oldest when there are too many, and
// returns it with what the list of models says beside it.
func (c *Catalogue) keep(t Targets) Targets {
	if l := c.list.Load(); l != nil {
		t.Model.SharedName = l.names.shared(t.Model)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.read[t.ModelID]; ok && old.ReadAt.After(t.ReadAt) {
		return t
	}
	c.read[t.ModelID] = t
	if len(c.read) <= mostReadings {
		return t
	}
	oldest := t
	for _, one := range c.read {
		if one.ReadAt.Before(oldest.ReadAt) {
			oldest = one
		}
	}
	delete(c.read, oldest.ModelID)
	return t
}
